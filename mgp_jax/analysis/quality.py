"""What a layer knows, and what a generator knows of other things: quality over cuts and codes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.degradations import Degradation
from mgp_jax.generators import Generator
from mgp_jax.inversion import InversionConfig, default_cut
from mgp_jax.metrics import compare
from mgp_jax.recipes import codes_only
from mgp_jax.restoration import restore
from mgp_jax.seeds import seeded_key

METRICS = ("psnr", "ssim", "lpips")


class Cell(NamedTuple):
    """What one setting achieves, as means over the images.

    Attributes:
        generator: name of the generator.
        images: name of the images.
        task: the degradation in its text form.
        cut: index of the cut.
        codes: number of codes.
        psnr: in dB.
        ssim: structural similarity, 1 for equal images; None where it is not defined.
        lpips: perceptual distance, 0 for equal images; None where it is not defined.
    """

    generator: str
    images: str
    task: str
    cut: int
    codes: int
    psnr: float | None
    ssim: float | None
    lpips: float | None


def measure(
    generator: Generator,
    images: np.ndarray,
    degradations: Sequence[Degradation],
    cuts: Sequence[int | str],
    counts: Sequence[int],
    configure: Callable[[Degradation], InversionConfig],
    name: str = "images",
    on_cell: Callable[[Cell], None] = lambda cell: None,
) -> list[Cell]:
    """Restores clean images from simulated observations with every cut and number of codes.

    Args:
        generator: the generator.
        images: float[B, H, W, C] in [-1, 1], of the generator's size.
        degradations: the tasks; the identity for reconstruction.
        cuts: where to cut, as index or name.
        counts: numbers of codes.
        configure: returns the settings for a degradation; cut and number of codes are replaced.
        name: what to call the images.
        on_cell: called with each cell as it is measured.

    Returns: a cell for every degradation, cut and number of codes, in this order.

    Raises:
        SettingError: a setting is out of range.

    Source: Gu et al. 2020, section 4.1 (figure 4: number of codes and layer) and 4.4.
    """
    cells = []
    for degradation in degradations:
        config = configure(degradation)
        config = replace(config, recipe=codes_only(config.recipe))
        keys = jax.random.split(seeded_key(config.seed), len(images))
        simulated = jax.jit(jax.vmap(degradation.simulate))(jnp.asarray(images), keys)
        for cut in cuts:
            for count in counts:
                setting = replace(config, layer=generator.cut(cut), codes=count)
                result = restore(generator, simulated, degradation, setting)
                means = _means(compare(result.images, images))
                task = str(degradation)
                index = generator.cut(cut)
                cells.append(Cell(generator.name, name, task, index, count, **means))
                on_cell(cells[-1])
    return cells


def measure_domains(
    generator: Generator,
    images: Mapping[str, np.ndarray],
    cuts: Sequence[int | str] | None,
    degradation: Degradation,
    config: InversionConfig,
    on_cell: Callable[[Cell], None] = lambda cell: None,
) -> list[Cell]:
    """Measures a generator on images of several domains, its own and others.

    Args:
        generator: the generator.
        images: float[B, H, W, C] in [-1, 1] by domain, of the generator's size.
        cuts: where to cut; None for the default cut alone.
        degradation: the task; the identity for reconstruction.
        config: the settings, the cut aside.
        on_cell: called with each cell as it is measured.

    Source: Gu et al. 2020, section 4.1 (figure 5: generators of other domains).
    """
    count = config.codes or config.recipe.codes
    cuts = [default_cut(generator)] if cuts is None else cuts
    return [
        cell
        for domain, batch in images.items()
        for cell in measure(
            generator, batch, [degradation], cuts, [count], lambda _: config, domain, on_cell
        )
    ]


def _means(scores: Mapping[str, Sequence[float | None]]) -> dict[str, Any]:
    """Means over the images that have a value; None if none has."""
    found = {name: [v for v in scores[name] if v is not None] for name in METRICS}
    return {name: float(np.mean(values)) if values else None for name, values in found.items()}
