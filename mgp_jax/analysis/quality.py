"""What a layer knows, and what a generator knows of other things: quality over cuts and codes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.degradations import Degradation
from mgp_jax.generators import Generator
from mgp_jax.metrics import compare
from mgp_jax.recipes import Recipe, codes_only
from mgp_jax.restoration import restore


class Cell(NamedTuple):
    """What one setting achieves, as means over the images.

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
    **settings: Any,
) -> list[Cell]:
    """Restores clean images from simulated observations with every cut and number of codes.

    Args:
        generator: the generator.
        images: float[B, H, W, C] in [-1, 1], of the generator's size.
        degradations: the tasks; the identity for reconstruction.
        cuts: where to cut, as index or name.
        counts: numbers of codes.
        recipe_for: returns the recipe for a degradation; cut and number of codes are replaced, and
            what refines the composed map is left out.
        name: what to call the images.
        on_cell: called with each cell as it is measured.
        seed: seed of starts and noise.
        **settings: others of `restore`.

    Returns: a cell for every degradation, cut and number of codes, in this order.

    Raises:
        SettingError: a setting is out of range.

    Source: Gu et al. 2020, section 4.1 (figure 4: number of codes and layer) and 4.4.
    """
    cells = []
    for degradation in degradations:
        recipe = codes_only(recipe_for(degradation))
        keys = jax.random.split(jax.random.key(seed), len(images))
        simulated = jax.jit(jax.vmap(degradation.simulate))(jnp.asarray(images), keys)
        for cut in cuts:
            for count in counts:
                tried = recipe.with_(layer=generator.cut(cut), codes=count)
                result = restore(generator, simulated, degradation, tried, seed=seed, **settings)
                means = _means(compare(result.images, images))
                task = str(degradation)
                index = generator.cut(cut)
                cells.append(Cell(generator.name, name, task, index, count, means))
                on_cell(cells[-1])
    return cells


def measure_domains(
    generator: Generator,
    images: Mapping[str, np.ndarray],
    cuts: Sequence[int | str] | None,
    degradation: Degradation,
    recipe: Recipe,
    on_cell: Callable[[Cell], None] = lambda cell: None,
    **settings: Any,
) -> list[Cell]:
    """Measures a generator on images of several domains, its own and others.

    Args:
        generator: the generator.
        images: float[B, H, W, C] in [-1, 1] by domain, of the generator's size.
        cuts: where to cut; None for the default cut alone.
        degradation: the task; the identity for reconstruction.
        recipe: the recipe, the cut aside.
        on_cell: called with each cell as it is measured.
        **settings: see `measure`.

    Source: Gu et al. 2020, section 4.1 (figure 5: generators of other domains).
    """
    cuts = [generator.default_cut()] if cuts is None else cuts
    return [
        cell
        for domain, batch in images.items()
        for cell in measure(
            generator,
            batch,
            [degradation],
            cuts,
            [recipe.codes],
            lambda _: recipe,
            domain,
            on_cell,
            **settings,
        )
    ]


def _means(scores: Mapping[str, Sequence[float | None]]) -> dict[str, float | None]:
    """Means over the images that have a value; None if none has."""
    found = {name: [v for v in values if v is not None] for name, values in scores.items()}
    return {name: float(np.mean(values)) if values else None for name, values in found.items()}
