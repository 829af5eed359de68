"""Quality over cuts and numbers of codes, and of generators on images of other domains."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.degradations import Degradation
from mgp_jax.generators import Generator
from mgp_jax.kept_programs import Programs
from mgp_jax.metrics import Scores, compare
from mgp_jax.recipes import Recipe, codes_only
from mgp_jax.restoration import restore
from mgp_jax.seeds import seeded_key


class Cell(NamedTuple):
    """The quality that one setting achieves, as means over the images.

    Attributes:
        generator: name of the generator.
        images: name of the images.
        task: the degradation in its text form.
        cut: index of the cut.
        codes: number of codes.
        scores: by the name of a metric its mean; None where it is not defined.
    """

    generator: str
    images: str
    task: str
    cut: int
    codes: int
    scores: Mapping[str, float | None]

    def record(self) -> dict[str, Any]:
        """Returns the cell with a field for each metric."""
        *place, scores = self._asdict().items()
        return dict(place) | dict(scores[1])


def cuts_of(generator: Generator) -> tuple[int, ...]:
    """Returns the last cut at every resolution of the feature maps, the image itself left out."""
    return tuple({size: cut for cut, size in generator.map_sizes.items()}.values())


def over_grid(
    generator: Generator,
    degradation: Degradation,
    observations: Any,
    truths: np.ndarray,
    recipe: Recipe,
    places: Iterable[tuple[int, int]],
    **settings: Any,
) -> Iterator[Scores]:
    """Restores observations by codes alone, without the refinement, with several settings.

    Args:
        generator: the generator.
        degradation: what made the observations.
        observations: float[B, ...].
        truths: float[B, H, W, C] in [-1, 1].
        recipe: the recipe; cut and number of codes are replaced.
        places: cuts and numbers of codes.
        **settings: others of `restore`.

    Yields: for every place the recorded metrics of each image.
    """
    recipe = codes_only(recipe)
    with closing(Programs()) as programs:
        for cut, count in places:
            programs.make_room()
            tried = recipe.with_(layer=cut, codes=count)
            result = restore(generator, observations, degradation, tried, **settings)
            yield compare(result.images, truths)


def measure(
    generator: Generator,
    images: np.ndarray,
    degradations: Sequence[Degradation],
    cuts: Sequence[int | str],
    counts: Sequence[int],
    recipe_for: Callable[[Degradation], Recipe],
    name: str = "images",
    on_cell: Callable[[Cell], None] = lambda cell: None,
    seed: int = 0,
) -> list[Cell]:
    """Restores clean images from simulated observations with every cut and number of codes.

    Args:
        generator: the generator.
        images: float[B, H, W, C] in [-1, 1], of the generator's size.
        degradations: the tasks; the identity for reconstruction.
        cuts: where to cut, as index or name.
        counts: numbers of codes.
        recipe_for: returns the recipe for a degradation; cut and number of codes are replaced.
        name: what to call the images.
        on_cell: called with each cell as it is measured.
        seed: seed of starts and noise.

    Returns: a cell for every degradation, cut and number of codes, in this order.

    Raises:
        SettingError: a setting is out of range.

    Source: Gu et al. 2020, section 4.1 (figure 4: number of codes and layer) and 4.4.
    """
    cells = []
    places = [(generator.cut(cut), count) for cut in cuts for count in counts]
    for degradation in degradations:
        recipe, keys = recipe_for(degradation), jax.random.split(seeded_key(seed), len(images))
        simulated = jax.jit(jax.vmap(degradation.simulate))(jnp.asarray(images), keys)
        measured = over_grid(generator, degradation, simulated, images, recipe, places, seed=seed)
        for place, scores in zip(places, measured, strict=True):
            cells.append(Cell(generator.name, name, str(degradation), *place, _means(scores)))
            on_cell(cells[-1])
    return cells


def measure_domains(
    generator: Generator,
    images: Mapping[str, np.ndarray],
    cuts: Sequence[int | str] | None,
    degradation: Degradation,
    recipe: Recipe,
    on_cell: Callable[[Cell], None] = lambda cell: None,
    seed: int = 0,
) -> list[Cell]:
    """Measures a generator on images of several domains, its own and others.

    Args:
        generator: the generator.
        images: float[B, H, W, C] in [-1, 1] by domain, of the generator's size.
        cuts: where to cut; None for the default cut alone.
        degradation: the task; the identity for reconstruction.
        recipe: the recipe, the cut aside.
        on_cell: called with each cell as it is measured.
        seed: seed of starts and noise.

    Source: Gu et al. 2020, section 4.1 (figure 5: generators of other domains).
    """
    cuts, counts = [generator.default_cut()] if cuts is None else cuts, [recipe.codes]
    return [
        cell
        for domain, batch in images.items()
        for cell in measure(
            generator, batch, [degradation], cuts, counts, lambda _: recipe, domain, on_cell, seed
        )
    ]


def _means(scores: Scores) -> dict[str, float | None]:
    """Means over the images that have a value; None if none has."""
    found = {name: [v for v in values if v is not None] for name, values in scores.items()}
    return {name: float(np.mean(values)) if values else None for name, values in found.items()}
