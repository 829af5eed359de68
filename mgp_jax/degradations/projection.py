"""Data consistency: images that agree with an observation, near a given one or smooth."""

import jax
import jax.numpy as jnp
from jax.scipy.sparse.linalg import cg

from mgp_jax.degradations.base import Degradation, Shape
from mgp_jax.errors import SettingError

# What roughness weighs in `smoothest` against the squared error, both summed over pixels.
ROUGHNESS = 1e-2


def adjoint(degradation: Degradation, observation: jax.Array, image_shape: Shape) -> jax.Array:
    """Applies the transpose of a linear degradation.

    Args:
        degradation: a linear one.
        observation: float of the shape that the degradation makes of `image_shape`.
        image_shape: (H, W, C) of the image.

    Returns: float[H, W, C].

    Raises:
        SettingError: the degradation is not linear.
    """
    if not degradation.linear:
        raise SettingError(f"{degradation}: is not linear and has no adjoint")
    image = jax.ShapeDtypeStruct(image_shape, observation.dtype)
    (result,) = jax.linear_transpose(degradation, image)(observation)
    return result


def back_project(
    degradation: Degradation,
    image: jax.Array,
    observation: jax.Array,
    iterations: int = 30,
    damping: float = 0.0,
    tolerance: float = 1e-5,
) -> jax.Array:
    """Returns image + A^+ (observation - A image) for a linear operator A.

    Of all images that A maps as near as possible to the observation, this is the one nearest to the
    given image. With damping it is image + (A^T A + damping)^-1 A^T (observation - A image).

    Solved by conjugate gradients on the normal equations, from zero. (On A A^T they would be as
    fast but diverge where an observation is out of A's range, and every rounded file is.) They end
    when the gradient is below `tolerance` times its first norm, or after `iterations`. Masks, gray,
    `area` downsampling and compressed sensing need one or two. For an ill-conditioned operator such
    as a blur the early end is itself a regularisation: more iterations sharpen and amplify noise;
    a damping of 1e-3 keeps the rounding of 8-bit files down.

    Args:
        degradation: a linear one; unknown pixels of the observation do not matter.
        image: float[H, W, C] in [-1, 1]; the result may overshoot this range.
        observation: of the shape that the degradation makes of the image.
        iterations: most steps of conjugate gradients; static under `jax.jit`.
        damping: Tikhonov term, dimensionless, in the order of (noise / expected change)^2 if the
            observation is noisy. To be compared with the largest eigenvalue of A^T A, which is 1
            for masks, 1 / factor^2 for `area`, 0.45 for gray.
        tolerance: relative to the first gradient A^T (observation - A image).

    Returns: float[H, W, C].

    Raises:
        SettingError: the degradation is not linear, or the observation has another shape.

    Example:
        >>> import jax.numpy as jnp
        >>> from mgp_jax import Downsample, back_project
        >>> half = Downsample(2)
        >>> image = back_project(half, jnp.zeros((8, 8, 3)), jnp.full((4, 4, 3), 0.5))
        >>> bool(jnp.allclose(half(image), 0.5, atol=1e-3))
        True
    """
    shape = degradation.observation_shape(image.shape)
    if observation.shape != shape:
        raise SettingError(
            f"{degradation}: the observation has the shape {observation.shape}, not {shape}"
        )

    def normal(x: jax.Array) -> jax.Array:
        return adjoint(degradation, degradation(x), image.shape) + damping * x

    residual = degradation.prepare(observation) - degradation(image)
    gradient = adjoint(degradation, residual, image.shape)
    change, _ = cg(normal, gradient, tol=tolerance, maxiter=iterations)
    return image + change


def smoothest(
    degradation: Degradation, observation: jax.Array, image_shape: Shape, iterations: int = 100
) -> jax.Array:
    """Returns the smoothest image that explains an observation, as far as there is one.

    It minimises the squared error of the observation plus a hundredth of the squared Laplacian: a
    thin plate through what is known. Solved by conjugate gradients.

    Args:
        degradation: a linear one.
        observation: of the shape that the degradation makes of `image_shape`.
        image_shape: (H, W, C) of the image.
        iterations: most steps of conjugate gradients; static under `jax.jit`.

    Returns: float[H, W, C] in [-1, 1] up to overshoots.

    Raises:
        SettingError: the degradation is not linear.
    """

    def normal(x: jax.Array) -> jax.Array:
        roughness = laplacian(laplacian(x))
        return adjoint(degradation, degradation(x), image_shape) + ROUGHNESS * roughness

    gradient = adjoint(degradation, degradation.prepare(observation), image_shape)
    return cg(normal, gradient, tol=1e-5, maxiter=iterations)[0]


def laplacian(image: jax.Array) -> jax.Array:
    """Returns every pixel of float[..., H, W, C] times 4 minus its neighbours, edges mirrored."""
    padding = [(0, 0)] * (image.ndim - 3) + [(1, 1), (1, 1), (0, 0)]
    padded = jnp.pad(image, padding, mode="edge")
    around = padded[..., :-2, 1:-1, :] + padded[..., 2:, 1:-1, :]
    around += padded[..., 1:-1, :-2, :] + padded[..., 1:-1, 2:, :]
    return 4 * image - around
