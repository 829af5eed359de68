"""Edits: codes of an inversion moved along a direction, rendered and limited to a region."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage

from mgp_jax.codes import Codes, render_all
from mgp_jax.editing.directions import Direction
from mgp_jax.editing.residuals import CARRIES
from mgp_jax.errors import SettingError
from mgp_jax.generators import Split

# Width in pixels of the ramp inside a region over which an edit fades in.
FEATHER = 3


def edit(
    split: Split,
    codes: Codes,
    direction: Direction,
    strength: float | jax.Array,
    moved: Sequence[int] | None = None,
) -> Codes:
    """Moves latent codes along a direction; importances and residual stay as they are.

    The styles of the layers behind the cut go along by what the styles of the codes change in the
    mean. Strength zero changes nothing.

    Args:
        split: what the codes are for.
        codes: the codes of one image.
        direction: the direction, of the space of the codes (for codes in W+ also one of W).
        strength: how far, in units of the direction's `deviation`.
        moved: numbers of the codes to move, from 0; None for all.

    Raises:
        SettingError: the direction is of another space, or there is no such code.

    Source: Gu et al. 2020, section 4.4; Shen et al. 2020 (InterFaceGAN), section 2.3.
    """
    space = split.space
    if direction.space != space and (direction.space, space) != ("w", "w+"):
        raise SettingError(
            f"direction {direction.name}: lives in {direction.space}, the codes in {space}"
        )
    count = len(codes.z)
    numbers = range(count) if moved is None else moved
    if any(not 0 <= number < count for number in numbers):
        raise SettingError(f"moved codes: {list(numbers)}, there are the codes 0 to {count - 1}")
    chosen = jnp.zeros(count).at[jnp.asarray(numbers, int)].set(1.0)
    chosen = chosen.reshape(-1, *[1] * (codes.z.ndim - 1))
    z = codes.z + strength * direction.deviation * chosen * jnp.asarray(direction.vector)
    styles = codes.styles
    if styles is not None:
        before, after = (_styles(split, x) for x in (codes.z, z))
        styles = styles + jnp.mean(after - before, axis=0)
    return codes._replace(z=z, styles=styles)


def lift(split: Split, codes: Codes, to: str) -> tuple[Split, Codes]:
    """Carries codes into a later space: from Z to W, from W to W+. What they render stays the same.

    Returns: the split for codes of that space, and the codes.

    Raises:
        SettingError: the space lies before that of the codes, or there is none of the name.
    """
    generator = split.generator
    begin, end = generator.space(split.space), generator.space(to)
    if begin > end:
        raise SettingError(f"space {to}: codes of {split.space} cannot be carried back to it")
    lifted = generator.split(split.cut, to)
    return lifted, codes._replace(z=generator.apply(generator.params, codes.z, begin, end))


def render_edits(
    split: Split,
    codes: Codes,
    direction: Direction,
    strengths: Sequence[float],
    moved: Sequence[int] | None = None,
    residual: str = "keep",
) -> np.ndarray:
    """Renders an image's edits, each by the program that renders an inversion of one image.

    So the one of strength zero equals the inversion's rendering bit for bit.

    Args:
        split: what the codes are for.
        codes: the codes of one image; they are lifted where the direction lives in a later space.
        direction: see `edit`.
        strengths: S of them, see `edit`.
        moved: see `edit`.
        residual: what becomes of what the codes have missed, a name of `residuals.CARRIES`.

    Returns: float[S, H, W, C], in [-1, 1] up to overshoots.

    Raises:
        SettingError: see `edit`; or OpenCV is missing, without which residuals are not warped.
    """
    generator = split.generator
    if generator.space(direction.space) > generator.space(split.space):
        split, codes = lift(split, codes, direction.space)
    edited = [edit(split, codes, direction, strength, moved) for strength in strengths]
    return render_all(split, list(map(CARRIES[residual](split, codes), edited)))


def limit(frames: np.ndarray, original: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Keeps edits to a region: outside, and only there exactly, every frame is the original.

    Args:
        frames: float[S, H, W, C].
        original: float[H, W, C].
        region: bool[H, W], true where the image may change. The edit fades in over the first
            pixels inside.

    Returns: float[S, H, W, C].
    """
    if region.all():
        return frames
    depth = np.asarray(ndimage.distance_transform_edt(np.pad(region, FEATHER, mode="edge")))
    depth = depth[FEATHER:-FEATHER, FEATHER:-FEATHER]
    weight = np.clip(depth / FEATHER, 0, 1).astype(np.float32)[..., None]
    mixed = original + weight * (frames - original)
    return np.where(weight == 1, frames, mixed)


@jax.jit
def _styles(split: Split, z: jax.Array) -> jax.Array:
    """Returns the styles float[N, L, W] of latent codes."""
    generator, space = split.generator, split.space
    return generator.apply(split.params, z, generator.space(space), generator.space("w+"))
