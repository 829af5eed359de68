"""Low resolution by an integer factor."""

from dataclasses import dataclass, field

import jax

from mgp_jax.degradations.base import STATIC, Degradation, Shape, require_whole
from mgp_jax.errors import SettingError

# Method: its name in jax.image.resize, and whether the kernel is widened by the factor.
RESIZE = {
    "bilinear": ("linear", False),
    "bicubic": ("cubic-pytorch", False),
    "bilinear-antialias": ("linear", True),
    "bicubic-antialias": ("cubic", True),
}
METHODS = ("area", *RESIZE)


@dataclass(frozen=True)
class Downsample(Degradation):
    """Reduces float[H, W, C] to float[H / factor, W / factor, C].

    `area` is the mean of each block. `bilinear` and `bicubic` sample without a low-pass filter, as
    `torch.nn.functional.interpolate(scale_factor=1 / factor, mode=..., align_corners=False)` does
    (bicubic: Keys' kernel with a = -0.75). Real reductions are filtered: `bilinear-antialias` and
    `bicubic-antialias` are torch's `antialias=True` (bicubic: a = -0.5) and those of Pillow.

    Attributes:
        factor: by how much height and width are divided; both must be multiples of it.
        method: `area`, `bilinear`, `bicubic`, `bilinear-antialias` or `bicubic-antialias`.
    """

    factor: int = field(metadata=STATIC)
    method: str = field(default="area", metadata=STATIC)

    _kind = "super-resolution"

    def __post_init__(self):
        require_whole("down: the factor", self.factor, 2)
        if self.method not in METHODS:
            raise SettingError(
                f"down: the method must be one of {', '.join(METHODS)}, not {self.method}"
            )

    def _apply(self, image: jax.Array) -> jax.Array:
        height, width, channels = self.observation_shape(image.shape)
        if self.method == "area":
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
