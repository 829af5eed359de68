"""What stays the same while an inversion runs: the networks, the degradation and the targets."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from mgp_jax.codes import cast
from mgp_jax.degradations import Degradation
from mgp_jax.errors import SettingError
from mgp_jax.generators.base import Generator
from mgp_jax.inversion.configuration import InversionConfig, Setting
from mgp_jax.objective import Target
from mgp_jax.perception.vgg import FeatureExtractor, bundled_extractor
from mgp_jax.sharding import SPLIT, WHOLE, place


class Problem(NamedTuple):
    """What stays the same during a run; a pytree. Only `target` has a batch axis.

    Attributes:
        generator: the frozen generator.
        degradation: the operator that made the observations.
        extractor: VGG16, or None where no phase uses it.
        target: what each image is compared with.
    """

    generator: Generator
    degradation: Degradation
    extractor: FeatureExtractor | None
    target: Target


# How the parts of a problem lie on several devices.
PROBLEM = Problem._make((WHOLE, WHOLE, WHOLE, SPLIT))


def pose(
    observations: jax.Array,
    generator: Generator,
    phases: list[Setting],
    config: InversionConfig,
    degradation: Degradation,
    extractor: FeatureExtractor | None,
) -> Problem:
    """Gathers what stays the same during a run.

    Raises:
        SettingError: the phases want features of different sizes.
    """
    sizes = {s.phase.perceptual_size for s in phases if s.phase.perceptual}
    # Features exist of images only, not of the measurements of compressed sensing.
    if sizes and observations.ndim == 4:
        extractor = extractor or bundled_extractor()
    else:
        sizes, extractor = {None}, None
    if len(sizes) > 1:
        raise SettingError("recipe: all phases must look at features of the same size")
    wanted = 0.0 if config.target_psnr is None else 4 * 10 ** (-config.target_psnr / 10)
    tolerances = jnp.full(len(observations), jnp.maximum(wanted, degradation.noise_error))
    prepared = jax.vmap(degradation.prepare)(observations)
    mesh, dtype = config.execution.mesh, jnp.dtype(config.execution.precision)
    networks = place(cast((generator, extractor), dtype), mesh, WHOLE)
    target = place(observe(networks[1], prepared, tolerances, sizes.pop()), mesh, SPLIT)
    return Problem(networks[0], place(degradation, mesh, WHOLE), networks[1], target)


@partial(jax.jit, static_argnames=("size",))
def observe(
    extractor: FeatureExtractor | None,
    observations: jax.Array,
    tolerances: jax.Array,
    size: int | None,
) -> Target:
    """Makes the targets of a batch; their features are computed here, once.

    Args:
        extractor: VGG16, or None if no phase needs features.
        observations: float[B, ...].
        tolerances: float[B], mean squared error at which an image stops; 0 for never.
        size: resize to this size for the features.
    """
    features = None
    if extractor is not None:
        features = jax.vmap(lambda image: extractor(image, size))(observations)
    return Target(observations, features, tolerances)


def check_observations(
    generator: Generator, degradation: Degradation, observations: jax.Array
) -> None:
    """Checks that the observations are what the degradation makes of the generator's images.

    Raises:
        SettingError: they have another shape.
    """
    image = jax.ShapeDtypeStruct(generator.shapes[-1].shape[1:], jnp.float32)
    wanted = jax.eval_shape(degradation, image).shape
    if observations.shape[1:] != wanted:
        raise SettingError(
            f"observations are {list(observations.shape[1:])}, "
            f"the degradation makes {list(wanted)} of an image of {generator.name}"
        )
