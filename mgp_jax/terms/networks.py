"""The networks that terms look through: loaded where a phase weighs them, and what they see."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from mgp_jax.errors import SettingError
from mgp_jax.perception import bundled_extractor, bundled_lpips
from mgp_jax.perception.lpips import SMALLEST
from mgp_jax.recipes import Phase

# The weight in a phase that asks for a network, its name, and what loads it.
NETWORKS: tuple[tuple[str, str, Callable[[], Any]], ...] = (
    ("perceptual", "vgg", bundled_extractor),
    ("lpips", "lpips", bundled_lpips),
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
    looking = [p for p in phases if any(getattr(p, weight) for weight, _, _ in NETWORKS)]
    if len({phase.perceptual_size for phase in looking}) > 1:
        raise SettingError("recipe: all phases must look at features of the same size")
    return networks


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
            nearest neighbour as in the published code, for LPIPS linearly, with antialiasing.
    """
    if name == "vgg":
        return networks[name](image, size)
    image = jnp.broadcast_to(image, (*image.shape[:2], 3))
    if size is not None:
        image = jax.image.resize(image, (size, size, 3), "linear")
    return networks[name].taps((image + 1) / 2)


def observe(networks: Mapping[str, Any], observation: jax.Array, size: int | None) -> dict:
    """Returns what the networks see in an observation, by name; nothing if it is no image."""
    if observation.ndim != 3:
        return {}
    names = [name for _, name, _ in NETWORKS if name in networks]
    return {name: look(networks, name, observation, size) for name in names}
