"""The published benchmark of robust restoration: four tasks at five strengths, and their chains.

Source: Poirier-Ginter and Lalonde 2023, "Robust unsupervised StyleGAN image restoration",
section 4.
"""

from collections.abc import Sequence
from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.degradations import Degradation, kind_of, parse
from mgp_jax.errors import SettingError
from mgp_jax.metrics import LPIPS_AT_256, PAIR, Metric, Scores, compare, lpips, psnr, to_unit
from mgp_jax.tables.case import Case
from mgp_jax.tasks import Task

# From the weakest to the strongest, in the order of chains.
STRENGTHS = {
    "upsampling": tuple(f"down:{factor}:pillow" for factor in (2, 4, 8, 16, 32)),
    "noise": (
        "poisson:96|drop:0.04",
        "poisson:48|drop:0.08",
        "poisson:24|drop:0.16",
        "poisson:12|drop:0.32",
        "poisson:6|drop:0.64",
    ),
    "jpeg": tuple(f"jpeg:{quality}" for quality in (18, 15, 12, 9, 6)),
    "mask": tuple(f"mask:strokes:{count}" for count in (1, 5, 9, 13, 17)),
}
MIDDLE = 3
# What comes last in all: observations are files.
FILE = "|quantise:8"

# Of a size that all operators fit, to tell the kinds of problems.
ANY_SIZE = 256

CONSISTENCY = Metric("consistency", "Consistency", psnr, digits=2, unit="dB")
LPIPS_VGG = Metric("lpips_vgg", "LPIPS VGG16", lpips, higher=False, smallest=PAIR[1].smallest)
# What is measured with the bundled networks, and all that tables of it show.
COMMON = (*PAIR, LPIPS_AT_256)
SHOWN = (*COMMON, LPIPS_VGG, CONSISTENCY)


def robust_tasks(
    names: Sequence[str] = (), strengths: Sequence[int] = (1, 2, 3, 4, 5)
) -> dict[str, Task]:
    """Returns tasks of the benchmark by name: `jpeg-3`, and chains such as `noise+jpeg`.

    Args:
        names: `upsampling`, `noise`, `jpeg`, `mask`, and chains of these at their middle strength;
            all, and all eleven chains, if empty.
        strengths: from 1 (weak) to 5, of the four.

    Raises:
        SettingError: there is no such task or strength.
    """
    if not strengths or not set(strengths) <= {1, 2, 3, 4, 5}:
        raise SettingError(f"strengths: {', '.join(map(str, strengths))}, there are 1 to 5")
    chains = {
        "+".join(chain): "|".join(STRENGTHS[task][MIDDLE - 1] for task in chain)
        for count in (2, 3, 4)
        for chain in combinations(STRENGTHS, count)
    }
    known = (*STRENGTHS, *chains)
    for name in names:
        if name not in known:
            raise SettingError(f"task {name}: there are {', '.join(known)}")
    specs: dict[str, str] = {}
    for name in known:
        if names and name not in names:
            continue
        if name in chains:
            specs[name] = chains[name] + FILE
            continue
        for strength in sorted(set(strengths)):
            specs[f"{name}-{strength}"] = STRENGTHS[name][strength - 1] + FILE
    return {name: row(name, spec) for name, spec in specs.items()}


def row(name: str, spec: str) -> Task:
    """Makes a task of a degradation in its text form."""
    kind = kind_of(parse(spec, ANY_SIZE))
    return Task(
        name, "restore", "Restoration", kind, "{degradation}", spec, "as tables do", ("tables",)
    )


def measured(case: Case, restored: np.ndarray, truths: np.ndarray) -> Scores:
    """Measures restorations as published, and how well they agree with what was given.

    Args:
        case: what was restored.
        restored: float[B, H, W, C] in [-1, 1].
        truths: the same.

    Returns: PSNR, LPIPS with AlexNet (of large images also at 256 pixels) and, where the case has
        it, with VGG16, by image; and as `consistency` the PSNR of their observations as predicted,
        without noise, beside the given ones, where these tell of the image.
    """
    metrics = [*COMMON]
    network = case.networks.get("lpips_vgg")
    if network is not None:
        distance = partial(lpips, distance=network)
        metrics.append(
            Metric("lpips_vgg", LPIPS_VGG.title, distance, False, smallest=LPIPS_VGG.smallest)
        )
    scores = compare(restored, truths, metrics)
    agreement = [
        float(consistency(case.degradation, image, seen))
        for image, seen in zip(restored, case.observations, strict=True)
    ]
    scores["consistency"] = [x if np.isfinite(x) else None for x in agreement]
    return scores


@jax.jit
def consistency(degradation: Degradation, image: jax.Array, observation: jax.Array) -> jax.Array:
    """Returns the PSNR in dB of an image's predicted observation beside the given one: float[]."""
    known = jnp.broadcast_to(degradation.visible(observation), observation.shape)
    error = jnp.square(to_unit(degradation(image)) - to_unit(observation)) * known
    return -10 * jnp.log10(jnp.sum(error) / jnp.sum(known))
