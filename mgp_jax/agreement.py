"""What is done to a rendering so that it agrees with what the observation is certain of."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.sparse.linalg import cg

from mgp_jax.degradations import (
    Blur,
    Degradation,
    Grayscale,
    Identity,
    Mask,
    back_project,
    laplacian,
    unrounded,
)
from mgp_jax.errors import SettingError

# How often a rendering is moved towards a smaller observation by changes without edges.
SMOOTH_CHANGES = 2
# Of the alternating projections onto the observation and onto [-1, 1]: how many, and how far the
# rounding of 8-bit files is kept down.
PROJECTIONS = 8
DAMPING = 1e-4
# Added to the luminance, so that black pixels, which have no colour, take none.
BLACK = 0.02
# Over so many parts of the height colours are smoothed (standard deviation). What a rendering of
# other structure than the observation's changes within less is no colour of the photograph.
COLOURS = 128


def put_back(
    degradation: Degradation,
    image: jax.Array,
    observation: jax.Array,
    saturation: float | jax.Array = 1.0,
) -> jax.Array:
    """Makes a rendering agree with what the observation is certain of.

    Known pixels of a mask are kept exactly. A gray observation is kept as the luminance; it takes
    the rendering's colours, smoothed, as far as they exist. For other linear noiseless
    operators the rendering is moved by the least change that explains the observation. With noise,
    or behind operators that are not linear, nothing is certain; rounding to fine levels does not
    matter. The identity leaves the rendering as it is: putting back would undo the inversion.

    Args:
        degradation: the operator.
        image: float[H, W, C], the rendering, in [-1, 1] up to overshoots.
        observation: what was observed.
        saturation: what the colours of a gray observation are multiplied by.

    Returns: float[H, W, C] in [-1, 1].
    """
    image = jnp.clip(image, -1, 1)
    degradation = unrounded(degradation) if degradation.exact else degradation
    if isinstance(degradation, Identity) or not degradation.exact:
        return image
    if isinstance(degradation, Mask):
        return jnp.where(degradation.known > 0, observation, image)
    if isinstance(degradation, Grayscale):
        smooth = colours_of(image, Blur.gaussian(len(image) / COLOURS))
        return with_luminance(saturation * smooth, observation)

    image = agree_smoothly(degradation, image, observation)

    # Clipping spoils the agreement a little, so the two projections take turns.
    def agree(_: int, image: jax.Array) -> jax.Array:
        return jnp.clip(back_project(degradation, image, observation, damping=DAMPING), -1, 1)

    # Not unrolled: that would take three times as long to compile.
    return lax.fori_loop(0, PROJECTIONS, agree, image)


def agree_smoothly(degradation: Degradation, image: jax.Array, observation: jax.Array) -> jax.Array:
    """Moves a rendering towards a smaller observation by changes without edges.

    The least change that explains a reduced image is constant on its pixels, and shows their grid.
    What little is left for it after this does not.

    Args:
        degradation: a linear one.
        image: float[H, W, C] in [-1, 1].
        observation: what was observed; nothing happens unless it is a smaller image.

    Returns: float[H, W, C] up to overshoots.

    Source: Irani and Peleg 1991, back-projection, with a cubic kernel.
    """
    if not is_smaller(observation.shape, image.shape):
        return image
    for _ in range(SMOOTH_CHANGES):
        image += jax.image.resize(observation - degradation(image), image.shape, "cubic")
    return image


@jax.jit
def soften(images: jax.Array, observations: jax.Array, detail: float) -> jax.Array:
    """Keeps a part of what renderings add to the cubic enlargement of their observations.

    Args:
        images: float[B, H, W, C], renderings in [-1, 1].
        observations: float[B, ...]; nothing happens unless they are smaller images.
        detail: the part, 0 to 1.

    Returns: float[B, H, W, C].
    """
    if not is_smaller(observations.shape[1:], images.shape[1:]):
        return images
    enlarged = jax.image.resize(observations, images.shape, "cubic")
    return enlarged + detail * (images - enlarged)


def is_smaller(observation: tuple[int, ...], image: tuple[int, ...]) -> bool:
    """Says whether an observation's shape is that of an image with fewer pixels."""
    alike = len(observation) == 3 and observation[2] == image[2]
    return alike and max(observation[:2]) < min(image[:2])


def keep_luminance(image: jax.Array, luminance: jax.Array) -> jax.Array:
    """Gives an image another luminance and keeps its colours as far as such colours exist.

    Args:
        image: float[H, W, 3] in [-1, 1].
        luminance: float[H, W, 1] in [-1, 1].

    Returns: float[H, W, 3] in [-1, 1] whose luminance is the given one.
    """
    return with_luminance(colours_of(image), luminance)


def colours_of(
    image: jax.Array, blur: Callable[[jax.Array], jax.Array] = lambda channels: channels
) -> jax.Array:
    """Returns the chroma of an image as a part of its luminance.

    Args:
        image: float[H, W, 3] in [-1, 1].
        blur: what both are smoothed by, apart, because of dark pixels the parts are arbitrary.

    Returns: float[H, W, 3].
    """
    luminance = Grayscale()(image)
    return blur(image - luminance) / (blur(luminance) + 1 + BLACK)


def with_luminance(colours: jax.Array, luminance: jax.Array) -> jax.Array:
    """Makes an image of colours and a luminance, the chroma reduced where it would not exist.

    The chroma is scaled with the luminance, so that hue and saturation stay: where the rendering is
    blurred, its colours then follow the edges of the given luminance.

    Args:
        colours: float[H, W, 3], see `colours_of`.
        luminance: float[H, W, 1] in [-1, 1].

    Returns: float[H, W, 3] in [-1, 1] whose luminance is the given one.
    """
    chroma = colours * (luminance + 1 + BLACK)
    # The largest factor that keeps every channel within [-1, 1]; the luminance is within already.
    room = jnp.where(chroma > 0, 1 - luminance, 1 + luminance)
    factor = jnp.where(jnp.abs(chroma) > room, room / jnp.maximum(jnp.abs(chroma), 1e-12), 1)
    return luminance + chroma * jnp.min(factor, axis=-1, keepdims=True)


@jax.jit
def blend_in(degradation: Degradation, images: jax.Array, observations: jax.Array) -> jax.Array:
    """Shifts the colours of what fills the holes of a mask so that no seam is left.

    Inside the holes the rendering's gradients are kept, and a smooth correction makes up for the
    difference at the known pixels around them.

    Args:
        degradation: the mask.
        images: float[B, H, W, C], renderings in [-1, 1].
        observations: float[B, H, W, C].

    Returns: float[B, H, W, C]; known pixels are those of the observations.

    Raises:
        SettingError: the degradation is no mask.

    Source: Perez et al. 2003, eq. (4) with the rendering's gradients as guidance.
    """
    if not isinstance(degradation, Mask):
        raise SettingError("blend: only the holes of a mask can be blended in")
    known = degradation.known

    # The correction is given at known pixels and harmonic in between.
    given = known * (observations - images)
    correction, _ = cg(
        lambda x: (1 - known) * laplacian((1 - known) * x) + known * x,
        given - (1 - known) * laplacian(given),
        tol=1e-5,
        maxiter=2000,
    )
    return images + correction


@jax.jit
def put_back_all(
    degradation: Degradation,
    images: jax.Array,
    observations: jax.Array,
    saturation: float | jax.Array = 1.0,
) -> jax.Array:
    """Does `put_back` for a batch of images float[B, H, W, C] and their observations."""
    return jax.vmap(lambda image, seen: put_back(degradation, image, seen, saturation))(
        images, observations
    )
