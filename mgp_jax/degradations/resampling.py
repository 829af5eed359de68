"""Low resolution: by an integer factor, and of any size."""

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from mgp_jax.degradations.base import STATIC, Degradation, Shape, require_whole
from mgp_jax.errors import SettingError

# Method: its name in jax.image.resize, and whether the kernel is widened by the factor.
RESIZE = {
    "bilinear": ("linear", False),
    "bicubic": ("cubic-pytorch", False),
    "bilinear-antialias": ("linear", True),
    "bicubic-antialias": ("cubic", True),
}
METHODS = ("area", *RESIZE, "pillow")
# Of which `pillow` takes any.
FILTERS = tuple(Image.Resampling)


PREDICTED_BY_AREA = ("area", "pillow")


class Reduction(Degradation):
    """What both have in common.

    Attributes:
        method: see `Downsample`.
    """

    method: str
    _kind = "super-resolution"

    @property
    def exact(self) -> bool:
        """Whether the method is known."""
        return self.method != "pillow"

    def degrade(self, image: np.ndarray, key: jax.Array) -> np.ndarray:
        """Reduces the image; by a filter of Pillow at random if the method is `pillow`."""
        if self.method != "pillow":
            return super().degrade(image, key)
        height, width, _ = self.observation_shape(image.shape)
        resample = FILTERS[int(jax.random.randint(key, (), 0, len(FILTERS)))]
        planes = [
            Image.fromarray(np.ascontiguousarray(plane, np.float32)).resize(
                (width, height), resample
            )
            for plane in np.moveaxis(image, -1, 0)
        ]
        return np.stack([np.asarray(plane) for plane in planes], axis=-1)


@dataclass(frozen=True)
class Downsample(Reduction):
    """Reduces float[H, W, C] to float[H / factor, W / factor, C].

    `area` is the mean of each block. `bilinear` and `bicubic` sample without a low-pass filter, as
    `torch.nn.functional.interpolate(scale_factor=1 / factor, mode=..., align_corners=False)` does
    (bicubic: Keys' kernel with a = -0.75). Real reductions are filtered: `bilinear-antialias` and
    `bicubic-antialias` are torch's `antialias=True` (bicubic: a = -0.5) and those of Pillow.
    With `pillow` it is not known how an image is reduced: `area` predicts it, and `degrade` takes
    one of Pillow's six filters at random.

    Attributes:
        factor: by how much height and width are divided; both must be multiples of it.
        method: `area`, `bilinear`, `bicubic`, `bilinear-antialias`, `bicubic-antialias` or
            `pillow`.
    """

    factor: int = field(metadata=STATIC)
    method: str = field(default="area", metadata=STATIC)

    def __post_init__(self):
        require_whole("down: the factor", self.factor, 2)
        require_method("down", self.method)

    def _apply(self, image: jax.Array) -> jax.Array:
        height, width, channels = self.observation_shape(image.shape)
        if self.method in PREDICTED_BY_AREA:
            blocks = image.reshape(height, self.factor, width, self.factor, channels)
            return blocks.mean(axis=(1, 3))
        method, antialias = RESIZE[self.method]
        return jax.image.resize(image, (height, width, channels), method, antialias=antialias)

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns (H / factor, W / factor, C)."""
        height, width, channels = self._require_image(image_shape)
        if height % self.factor or width % self.factor:
            raise SettingError(
                f"{self}: the factor {self.factor} does not divide an image of {width}x{height} "
                "pixels"
            )
        return (height // self.factor, width // self.factor, channels)

    def __str__(self) -> str:
        return f"down:{self.factor}" + ("" if self.method == "area" else f":{self.method}")


@dataclass(frozen=True)
class Resize(Reduction):
    """Reduces float[H, W, C] to float[size, size, C], whatever the factor is.

    For factors that are whole numbers it does what `Downsample` does. `area` is the mean over what
    a pixel covers, of which those at its border count in part.

    Attributes:
        size: height and width of the observation in pixels, at most those of the image.
        method: as of `Downsample`.
    """

    size: int = field(metadata=STATIC)
    method: str = field(default="area", metadata=STATIC)

    def __post_init__(self):
        require_whole("resize: the size", self.size, 1)
        require_method("resize", self.method)

    def _apply(self, image: jax.Array) -> jax.Array:
        shape = self.observation_shape(image.shape)
        if self.method in PREDICTED_BY_AREA:
            rows, columns = (area_weights(length, self.size) for length in image.shape[:2])
            return jnp.einsum("yj,xk,jkc->yxc", rows, columns, image, precision="highest")
        method, antialias = RESIZE[self.method]
        return jax.image.resize(image, shape, method, antialias=antialias)

    def observation_shape(self, image_shape: Shape) -> Shape:
        """Returns (size, size, C)."""
        height, width, channels = self._require_image(image_shape)
        if self.size > min(height, width):
            raise SettingError(f"{self}: an image of {width}x{height} pixels is smaller")
        return (self.size, self.size, channels)

    def __str__(self) -> str:
        return f"resize:{self.size}" + ("" if self.method == "area" else f":{self.method}")


def area_weights(length: int, size: int) -> jax.Array:
    """Returns float[size, length]: how much of every pixel lies in each of `size` equal parts."""
    edges = jnp.arange(size + 1) * (length / size)
    pixels = jnp.arange(length)
    covered = jnp.minimum(edges[1:, None], pixels + 1) - jnp.maximum(edges[:-1, None], pixels)
    return jnp.maximum(covered, 0) * (size / length)


def require_method(operator: str, method: str) -> None:
    """Raises SettingError for an unknown method of resampling."""
    if method not in METHODS:
        raise SettingError(
            f"{operator}: the method must be one of {', '.join(METHODS)}, not {method}"
        )
