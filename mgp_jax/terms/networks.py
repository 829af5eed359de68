"""The networks that terms look through: loaded where a phase weighs them, and what they see."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from mgp_jax.degradations import Degradation
from mgp_jax.errors import SettingError
from mgp_jax.perception import bundled_extractor, bundled_lpips
from mgp_jax.perception.lpips import SMALLEST
from mgp_jax.recipes import Phase

# Height and width of the smallest image of a pyramid: VGG16 halves it four times.
SMALLEST_LEVEL = 16
# What the random colours in holes are drawn with.
HOLES = 2**31 - 2
# The network of pyramids, which is too large to be bundled.
LPIPS_VGG = "lpips_vgg"


def lpips_vgg_is_missing() -> Any:
    """Raises SettingError: nothing takes the place of a file that was not given."""
    raise SettingError("LPIPS with VGG16 is needed, and no part of this package: give its file")


# The weight in a phase that asks for a network, its name, and what loads it.
NETWORKS: tuple[tuple[str, str, Callable[[], Any]], ...] = (
    ("perceptual", "vgg", bundled_extractor),
    ("lpips", "lpips", bundled_lpips),
    ("pyramid", LPIPS_VGG, lpips_vgg_is_missing),
)


def networks_for(phases: Sequence[Phase], own: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the networks that phases look through, by name.

    Args:
        phases: the phases.
        own: networks to take instead of the bundled ones.

    Raises:
        SettingError: the phases want to look at images of different sizes.
    """
    networks = {
        name: own.get(name) or load()
        for weight, name, load in NETWORKS
        if any(getattr(phase, weight) for phase in phases)
    }
    if len({phase.perceptual_size for phase in looking(phases)}) > 1:
        raise SettingError("recipe: all phases must look at features of the same size")
    return networks


def looking(phases: Sequence[Phase]) -> list[Phase]:
    """Returns the phases that look at images through a network."""
    return [p for p in phases if any(getattr(p, weight) for weight, _, _ in NETWORKS)]


def check_size(phases: Sequence[Phase], shape: tuple[int, ...]) -> None:
    """Checks that LPIPS, where a phase weighs it, has enough to look at.

    Args:
        phases: the phases.
        shape: of an observation.

    Raises:
        SettingError: the images are so small that nothing is left of them in its last layers.
    """
    for phase in phases:
        size = phase.perceptual_size or min(shape[:2])
        if phase.lpips and len(shape) == 3 and size < SMALLEST:
            raise SettingError(f"lpips: {size} pixels, at least {SMALLEST} are needed")


def look(networks: Mapping[str, Any], name: str, image: jax.Array, size: int | None) -> Any:
    """Returns what a network sees in an image.

    Args:
        networks: the networks by name.
        name: which.
        image: float[H, W, C] in [-1, 1].
        size: height and width that the image is resized to first, None for its own. For VGG16 by
            nearest neighbour as in the published code, for LPIPS linearly, with antialiasing. For
            pyramids see `levels`.
    """
    if name == "vgg":
        return networks[name](image, size)
    if name == LPIPS_VGG:
        return [(level, networks[name].taps((level + 1) / 2)) for level in levels(image, size)]
    image = jnp.broadcast_to(image, (*image.shape[:2], 3))
    if size is not None:
        image = jax.image.resize(image, (size, size, 3), "linear")
    return networks[name].taps((image + 1) / 2)


def levels(image: jax.Array, size: int | None) -> list[jax.Array]:
    """Returns an image at halved sizes, each pixel the mean of four, the smallest last.

    Args:
        image: float[H, W, C]; a gray one (C = 1) is taken as RGB.
        size: height and width of the largest at most; None for the image's own.

    Returns: float[h, w, 3] each, none below 16 pixels; a smaller image is enlarged to these.
    """
    image = jnp.broadcast_to(image, (*image.shape[:2], 3))
    if min(image.shape[:2]) < SMALLEST_LEVEL:
        shape = [max(side, SMALLEST_LEVEL) for side in image.shape[:2]]
        image = jax.image.resize(image, (*shape, 3), "nearest")
    found = []
    while True:
        if size is None or max(image.shape[:2]) <= size:
            found.append(image)
        height, width = (side // 2 for side in image.shape[:2])
        if min(height, width) < SMALLEST_LEVEL:
            return found or [image]
        blocks = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
        image = blocks.mean(axis=(1, 3))


def holes(degradation: Degradation, shape: tuple[int, ...], key: jax.Array) -> jax.Array:
    """Returns random colours where an observation of a shape is not known, 0 elsewhere."""
    noise = jax.random.uniform(jax.random.fold_in(key, HOLES), shape, jnp.float32, -1, 1)
    return (1 - degradation.support) * noise


def observe(
    networks: Mapping[str, Any],
    observation: jax.Array,
    size: int | None,
    filling: jax.Array | float = 0.0,
) -> dict:
    """Returns what the networks see in an observation, by name; nothing if it is no image.

    Args:
        networks: the networks by name.
        observation: as the degradation leaves it, 0 where it is not known.
        size: see `look`.
        filling: what is in its holes for pyramids, see `holes`.
    """
    if observation.ndim != 3:
        return {}
    names = [name for _, name, _ in NETWORKS if name in networks]
    filled = {LPIPS_VGG: observation + filling}
    return {name: look(networks, name, filled.get(name, observation), size) for name in names}
