"""What becomes of the residual of edited codes: it stays, fades, or moves along.

A residual holds what the codes have missed of a photograph, place by place.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage

from mgp_jax.codes import Codes, fuse, render_all, render_fused
from mgp_jax.errors import SettingError
from mgp_jax.generators import Features, Split

# Change of the composed map, in parts of its root mean square, that halves the residual there.
FADING = 0.5
# Height and width in pixels of the renderings in which it is seen what has moved where.
SEEN = 256

# Takes the split and the codes of an inversion; what comes back takes these codes edited.
Carry = Callable[[Split, Codes], Callable[[Codes], Codes]]


def keep(split: Split, before: Codes) -> Callable[[Codes], Codes]:
    """Leaves the residual of edited codes as it is."""
    del split, before
    return lambda after: after


def fade(split: Split, before: Codes) -> Callable[[Codes], Codes]:
    """Lets the residual of edited codes fade where the edit draws something else.

    Where the edit changes the composed map, the residual would draw the old mouth over the new one;
    there the codes have the say. Where nothing has changed it stays as it is, to the bit.

    Args:
        split: what the codes are for.
        before: the codes of the inversion.

    Returns: a function of the same codes, edited, that returns them with the residual times
        1 / (1 + (d / FADING)^2), d being the change of the composed map at that place in parts of
        its root mean square.
    """
    if before.residual is None:
        return keep(split, before)
    old = composed(split, before)
    return lambda after: after._replace(
        residual=_faded(old, composed(split, after), before.residual)
    )


@jax.jit
def render_faded(split: Split, old: Features, edited: Codes) -> jax.Array:
    """Renders edited codes with their residual faded, up to rounding; the head runs once for both.

    Args:
        split: what the codes are for.
        old: the composed map of the codes before the edit.
        edited: the codes of one image, with the residual of before.

    Returns: float[H, W, C], in [-1, 1] up to overshoots.
    """
    new = fuse(split, edited)
    if edited.residual is not None:
        edited = edited._replace(residual=_faded(old, new, edited.residual))
    return render_fused(split, new, edited)


def warp(split: Split, before: Codes) -> Callable[[Codes], Codes]:
    """Moves the residual of edited codes along with what the edit moves, then lets it fade.

    What has moved where is the optical flow between two renderings of the codes without their
    residual. Where the edit draws something that was nowhere before, the residual fades as in
    `fade`, here from the moved map. An edit that changes nothing leaves it as it is, to the bit.

    Args:
        split: what the codes are for.
        before: the codes of the inversion.

    Returns: a function of the same codes, edited. It raises a SettingError if OpenCV is not
        installed, which the extra `faces` brings.

    Source of the flow: Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search".
    """
    if before.residual is None:
        return keep(split, before)
    (first,) = render_all(split, [before._replace(residual=None)])
    old = composed(split, before)

    def along(after: Codes) -> Codes:
        (second,) = render_all(split, [after._replace(residual=None)])
        if np.array_equal(first, second):
            return after
        flow = displacement(first, second)
        there, residual = (
            jax.tree.map(lambda maps: moved(np.asarray(maps), flow), part)
            for part in (old, before.residual)
        )
        return after._replace(residual=_faded(there, composed(split, after), residual))

    return along


CARRIES: dict[str, Carry] = {"keep": keep, "fade": fade, "warp": warp}


def default_carry() -> str:
    """Returns the name of what suits photographs best: `warp`, or `fade` without OpenCV."""
    return "warp" if find_spec("cv2") is not None else "fade"


def displacement(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Finds where in one image what another one shows comes from.

    Args:
        before: float[H, W, C] in [-1, 1] up to overshoots.
        after: the same.

    Returns: float[S, S, 2], to the right and downwards, in parts of the image's sides.

    Raises:
        SettingError: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError:
        raise SettingError(
            "residual warp: OpenCV is missing, which sees what moves: pip install 'mgp_jax[faces]'"
        ) from None
    grays = [np.clip((image.mean(axis=-1) + 1) * 127.5, 0, 255) for image in (after, before)]
    first, second = (
        cv2.resize(gray.astype(np.uint8), (SEEN, SEEN), interpolation=cv2.INTER_AREA)
        for gray in grays
    )
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return search.calc(first, second, np.zeros((SEEN, SEEN, 2), np.float32)) / SEEN


def moved(maps: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Fetches every place of maps from where a flow says that it comes from.

    Args:
        maps: float[H, W, C]; what lies beyond their borders continues them.
        flow: float[S, S, 2], see `displacement`.

    Returns: float[H, W, C].
    """
    sides = maps.shape[:2]
    across, down = jnp.moveaxis(jax.image.resize(flow, (*sides, 2), "linear"), -1, 0)
    rows, columns = np.mgrid[: sides[0], : sides[1]]
    places = np.stack([rows + sides[0] * down, columns + sides[1] * across])
    channels = np.moveaxis(maps, -1, 0)
    fetched = [ndimage.map_coordinates(c, places, order=1, mode="nearest") for c in channels]
    return np.stack(fetched, axis=-1).astype(maps.dtype)


composed = jax.jit(fuse)


@jax.jit
def _faded(old: Features, new: Features, residual: Any) -> Any:
    """Fades a residual by the difference of two composed maps."""

    def fade(old: jax.Array, new: jax.Array, residual: jax.Array) -> jax.Array:
        change = jnp.mean(jnp.square(new - old), axis=-1, keepdims=True)
        return residual / (1 + change / (FADING**2 * jnp.mean(jnp.square(old)) + 1e-12))

    return jax.tree.map(fade, old, new, residual)
