"""The effect of the important channels of a code, seen by switching them off."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.codes import Codes, contribute, fuse, render_fused
from mgp_jax.errors import SettingError
from mgp_jax.generators import Split
from mgp_jax.metrics import mask_iou

# Without a threshold given, this share of an image's importances lies above it.
LARGEST = 0.1


class Ablation(NamedTuple):
    """An image with the largest importances of each code in turn set to zero.

    Attributes:
        threshold: importances above it were set to zero.
        zeroed: int[N], how many those were of each code.
        images: float[N, H, W, C], in [-1, 1] up to overshoots.
        differences: float[N, H, W], mean absolute change over the colours, of pixel values from 0
            to 1.
    """

    threshold: float
    zeroed: np.ndarray
    images: np.ndarray
    differences: np.ndarray


class Matches(NamedTuple):
    """The fit of the difference map of each code to the segments of the image.

    Attributes:
        iou: float[N, S], intersection over union of the changed pixels and the segment; NaN for a
            code without effect.
        best: int[N], place of the segment of the largest one, -1 for a code without effect.
        chance: float[S], the intersection over union that random pixels are expected to have.
        labels: int[S], the labels of the segments in the segmentation.
    """

    iou: np.ndarray
    best: np.ndarray
    chance: np.ndarray
    labels: np.ndarray


class Removal(NamedTuple):
    """An image with some codes taken out of a region.

    Attributes:
        image: float[H, W, C], in [-1, 1] up to overshoots.
        codes: numbers of the codes taken out, the one with the largest effect on the region first.
        effects: float[N], change of the region when that code alone is taken out of it, the
            residual being out already: mean absolute difference of pixel values from 0 to 1.
    """

    image: np.ndarray
    codes: list[int]
    effects: np.ndarray


def ablate(split: Split, codes: Codes, threshold: float | None = None) -> Ablation:
    """Sets the largest importances of each code to zero and renders what remains.

    Args:
        split: what the codes are for.
        codes: the codes of one image.
        threshold: importances above it are set to zero (the paper's is 0.2); None for one that a
            tenth of all importances of the image exceed.

    Source: Gu et al. 2020, section 4.2.
    """
    alpha = np.asarray(codes.alpha)
    if threshold is None:
        threshold = float(np.quantile(alpha, 1 - LARGEST))
    images, original = map(np.asarray, _ablate(split, codes, threshold))
    return Ablation(
        threshold, np.sum(alpha > threshold, axis=1), images, difference(images, original)
    )


def difference(images: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Mean absolute difference over the colours: float[..., H, W] of pixel values from 0 to 1."""
    return np.mean(np.abs(np.clip(images, -1, 1) - np.clip(original, -1, 1)), axis=-1) / 2


@jax.jit
def _ablate(split: Split, codes: Codes, threshold: float) -> tuple[jax.Array, jax.Array]:
    whole = fuse(split, codes)
    large = jnp.where(codes.alpha > threshold, codes.alpha, 0)
    parts = contribute(split, codes._replace(alpha=large))

    def without(part: Any) -> jax.Array:
        rest = jax.tree.map(jnp.subtract, whole, part)
        return render_fused(split, rest, codes)

    # The original is rendered in the same way, so that what is not ablated differs in no bit.
    parts = jax.tree.map(lambda part: jnp.pad(part, [(0, 1)] + [(0, 0)] * (part.ndim - 1)), parts)
    images = jax.lax.map(without, parts)
    return images[:-1], images[-1]


def match_segments(differences: np.ndarray, segments: np.ndarray, area: float = 0.2) -> Matches:
    """Finds the segment of the image that each code is about.

    Args:
        differences: float[N, H, W], see `ablate`.
        segments: int[H, W], the segment of every pixel; negative for none.
        area: share of the pixels, those that change most, that count as changed.

    Raises:
        SettingError: sizes differ, there is no segment, or the area is out of range.
    """
    if differences.shape[1:] != segments.shape:
        raise SettingError(f"segments: {segments.shape}, the image is {differences.shape[1:]}")
    if not 0 < area < 1:
        raise SettingError(f"area: {area}, between 0 and 1 is needed")
    labels = np.unique(segments[segments >= 0])
    if not len(labels):
        raise SettingError("segments: there are none")
    members = np.stack([segments == label for label in labels]).reshape(len(labels), -1)
    flat = differences.reshape(len(differences), -1)
    count = max(1, round(area * flat.shape[1]))
    changed = np.zeros_like(flat, bool)
    order = np.argsort(-flat, axis=1, kind="stable")[:, :count]
    np.put_along_axis(changed, order, True, axis=1)
    shape = segments.shape
    areas = jnp.asarray(changed.reshape(-1, 1, *shape))
    iou = np.array(mask_iou(areas, jnp.asarray(members.reshape(-1, *shape))))
    without_effect = ~np.any(flat > 0, axis=1)
    iou[without_effect] = np.nan
    best = np.where(without_effect, -1, np.argmax(np.nan_to_num(iou, nan=-1), axis=1))
    expected = members.mean(1) * count
    return Matches(iou, best, expected / (count + members.sum(1) - expected), labels)


def remove(
    split: Split,
    codes: Codes,
    region: np.ndarray,
    chosen: list[int] | None = None,
    count: int = 1,
) -> Removal:
    """Takes codes out of the composed map inside a region, to make what they draw there vanish.

    What the other codes contribute there is strengthened to the root mean square that the map had;
    the residual is taken out of the region too.

    Args:
        split: what the codes are for.
        codes: the codes of one image.
        region: bool[H, W], where, in pixels of the image.
        chosen: numbers of the codes; None for the `count` with the largest effect on the region.
        count: how many.

    Raises:
        SettingError: the region is empty or of another size, a number is out of range, or no code
            would be left.
    """
    (height, width, _), total = split.image_shape, len(codes.alpha)
    if region.shape != (height, width) or not region.any():
        raise SettingError(
            f"region: {region.shape} with {np.sum(region)} pixels, it should be "
            f"{height}x{width} and not empty"
        )
    numbers = list(range(count)) if chosen is None else chosen
    if not 0 < len(set(numbers)) < total or not all(0 <= n < total for n in numbers):
        raise SettingError(f"codes to remove: {numbers}, there are the codes 0 to {total - 1}")
    # Every code by itself, and none: the residual's absence is no code's effect.
    singles = np.concatenate([np.eye(total, dtype=bool), np.zeros((1, total), bool)])
    inside = jnp.asarray(region, jnp.float32)
    images = np.asarray(_remove_all(split, codes, inside, singles))
    effects = difference(images[:-1], images[-1])[:, region].mean(axis=1)
    if chosen is None:
        chosen = [int(number) for number in np.argsort(-effects, kind="stable")[:count]]
    taken = np.isin(np.arange(total), chosen)[None]
    images = np.asarray(_remove_all(split, codes, inside, taken))
    return Removal(images[0], chosen, effects)


@jax.jit
def _remove_all(split: Split, codes: Codes, region: jax.Array, taken: jax.Array) -> jax.Array:
    """Renders with sets of codes, bool[M, N], taken out of the region: float[M, H, W, C]."""
    parts = contribute(split, codes)
    whole = jax.tree.map(lambda part: jnp.sum(part, axis=0), parts)

    def inside(leaf: jax.Array) -> jax.Array:
        """The region at the size of a map: how much of every pixel is in it."""
        return jax.image.resize(region, leaf.shape[:2], "linear")[..., None]

    def thin(part: jax.Array, whole: jax.Array, kept: jax.Array) -> jax.Array:
        rest = jnp.einsum("n...,n->...", part, kept)
        power = jnp.sum(jnp.square(whole)) / jnp.maximum(jnp.sum(jnp.square(rest)), 1e-30)
        weight = inside(whole)
        return (1 - weight) * whole + weight * rest * jnp.sqrt(power)

    residual = jax.tree.map(lambda leaf: (1 - inside(leaf)) * leaf, codes.residual)

    def one(taken: jax.Array) -> jax.Array:
        kept = 1 - taken.astype(jnp.float32)
        fused: Any = jax.tree.map(lambda part, all: thin(part, all, kept), parts, whole)
        return render_fused(split, fused, codes._replace(residual=residual))

    if whole.maps.ndim != 3:
        raise SettingError(f"layer {split.cut_name}: there is no feature map at this cut")
    return jax.lax.map(one, taken)
