"""Terms that compare the rendering, seen through the degradation, with the observation."""

from typing import Any

import jax
import jax.numpy as jnp

from mgp_jax.terms.base import Rendering, Target
from mgp_jax.terms.networks import look


def pixels(rendering: Rendering, target: Target, variables: Any) -> jax.Array:
    """Mean squared error of the values, or what takes its place: see `Degradation.misfit`.

    Source: Gu et al. 2020, eq. (5) to (8): the objective looks through the degradation.
    """
    del variables
    return jnp.mean(rendering.degradation.misfit(rendering.seen, target.observation))


def features(rendering: Rendering, target: Target, variables: Any) -> jax.Array:
    """Mean absolute difference of VGG16 features; 0 for observations that are no images.

    Source: Gu et al. 2020, eq. (4), with the distance of the published code.
    """
    del variables
    if "vgg" not in target.features:
        return jnp.zeros(())
    seen = look(rendering.networks, "vgg", rendering.seen, rendering.size)
    return jnp.mean(jnp.abs(seen - target.features["vgg"]))


def lpips(rendering: Rendering, target: Target, variables: Any) -> jax.Array:
    """LPIPS distance (AlexNet); 0 for observations that are no images.

    Source: Zhang et al. 2018.
    """
    del variables
    if "lpips" not in target.features:
        return jnp.zeros(())
    seen = look(rendering.networks, "lpips", rendering.seen, rendering.size)
    return rendering.networks["lpips"].between(seen, target.features["lpips"])
