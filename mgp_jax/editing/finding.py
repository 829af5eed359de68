"""The direction that a text names: a bundled one, one found in weights or samples, or a file."""

from mgp_jax.editing.bundled import bundled_directions
from mgp_jax.editing.directions import Direction, in_layers, measured, read_direction
from mgp_jax.editing.discovery import ganspace, sefa
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator


def find_direction(
    spec: str,
    generator: Generator,
    layer: int | str,
    seed: int = 0,
    space: str | None = None,
    layers: tuple[int, int] | None = None,
) -> Direction:
    """Returns the direction that a text names, with its deviation.

    Args:
        spec: the name of a bundled direction of the generator; `sefa:K` or `ganspace:K`, the K-th
            such direction, counted from 1; or an array file.
        generator: the generator.
        layer: the cut that `ganspace` looks at.
        seed: seed of the samples of `ganspace`.
        space: the space of a file's direction, None for `default_space`.
        layers: the first and the last layer to move, see `in_layers`; None for all, or those that
            a bundled direction is for.

    Raises:
        ImageError: the file is not a readable array.
        SettingError: there is no such direction, or the file's does not fit.
    """
    return measured(_found(spec, generator, layer, seed, space, layers), generator)


def _found(
    spec: str,
    generator: Generator,
    layer: int | str,
    seed: int,
    space: str | None,
    layers: tuple[int, int] | None,
) -> Direction:
    for item in bundled_directions(generator):
        if item.name == spec:
            if layers is not None:
                return in_layers(item.direction(), generator, layers)
            return in_layers(item.direction(), generator, item.layers)._replace(name=spec)
    kind, _, number = spec.partition(":")
    if kind not in ("sefa", "ganspace"):
        return in_layers(read_direction(spec, generator, space), generator, layers)
    if not number.isdecimal() or int(number) < 1:
        raise SettingError(f"direction {spec}: a number from 1 must follow, as in {kind}:1")
    if kind == "sefa":
        return sefa(generator, int(number), layers)[-1]
    return in_layers(ganspace(generator, int(number), layer, seed=seed)[-1], generator, layers)
