"""BigGAN-deep (Brock et al. 2019) as a chain of stages.

The stages are `condition` (code and vector of the class, once for every block), `layer0` (to 4x4),
the residual blocks `layer1` ..., and `to_rgb`. A self-attention belongs to the stage of the block
in front of it. Cut 1 is the space `w+`: the vector that each of the layers takes.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx

from mgp_jax.errors import SettingError
from mgp_jax.generators.config import Config
from mgp_jax.generators.convolution import convolve, convolve_upsampled
from mgp_jax.generators.crossing import Features, Params
from mgp_jax.generators.labels import Labels, code_rows
from mgp_jax.generators.layers import Convolution, upsample_nearest
from mgp_jax.generators.residual import (
    Attention,
    Condition,
    First,
    Image,
    Norm,
    mean_condition,
    run_block,
)


@dataclass(frozen=True)
class BigGANConfig(Config):
    """The configuration of a BigGAN-deep.

    Attributes:
        latent_size: length of a latent code.
        labels: how a class is joined to it.
        channels: of the first map and behind each block. A block keeps them or drops some.
        doubles: for each block, whether it doubles the resolution.
        attention: numbers of the blocks, from 1 on, that self-attention follows.
        reduction: by how much the inner convolutions of a block are narrower than its input.
        image_channels: channels of the image.
        truncation: codes are drawn from a normal distribution cut off at 2, times this.
    """

    latent_size: int
    labels: Labels = field()  # type: ignore[assignment]  # other families may have none
    channels: tuple[int, ...]
    doubles: tuple[bool, ...]
    attention: tuple[int, ...] = ()
    reduction: int = 4
    image_channels: int = 3
    truncation: float = 1.0

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.doubles) + 1 or len(self.channels) < 2:
            raise SettingError(
                f"channels: {len(self.channels)}, should be one more than the {len(self.doubles)} "
                "blocks"
            )
        if any(one < other for one, other in pairwise(self.channels)):
            raise SettingError(f"channels: {self.channels}, a block cannot add any")

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        return 4 * 2 ** sum(self.doubles)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages in order."""
        return ("condition", *(f"layer{i}" for i in range(len(self.channels))), "to_rgb")

    @property
    def spaces(self) -> tuple[tuple[str, int], ...]:
        """Names of the spaces that latent codes can live in, with the index of their cut."""
        return (("z", 0), ("w+", 1))

    @property
    def condition(self) -> int:
        """Length of code and vector of the class together."""
        return self.latent_size + self.labels.size

    def draw_latents(self, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        """Draws from the distribution of the latent codes."""
        size = (*shape, *self.latent_shape)
        return self.truncation * jax.random.truncated_normal(key, -2.0, 2.0, size)

    def mean_style(self, params: Params) -> jax.Array:
        """Returns the vector of the class with a code of zeros, float[W]."""
        return mean_condition(params, self.latent_size)

    def code_kernel(self, params: Params, layers: tuple[int, int] | None = None) -> jax.Array:
        """Returns the weights float[D, outputs] of the first layer, and of all norms, to a code."""
        del layers
        kernels = [jnp.moveaxis(params["layer0"]["kernel"], -2, 0).reshape(self.condition, -1)]
        for name in self.stage_names[2:-1]:
            norms = (params[name][f"norm{k}"] for k in range(4))
            kernels += [n[part] for n in norms for part in ("scale_kernel", "shift_kernel")]
        return code_rows(jnp.concatenate(kernels, 1), self.latent_size, self.labels, None)


class Block(nnx.Module):
    """1x1, 3x3, 3x3 and 1x1 convolutions, each behind a norm and ReLU, added to the input.

    The input loses its last channels where the block makes fewer.
    """

    def __init__(self, config: BigGANConfig, index: int, *, rngs: nnx.Rngs):
        inputs, outputs = config.channels[index - 1 : index + 1]
        middle = inputs // config.reduction
        widths = (inputs, middle, middle, middle, outputs)
        for k, size in enumerate((1, 3, 3, 1)):
            setattr(self, f"norm{k}", Norm(widths[k], config.condition, rngs=rngs))
            layer = Convolution(widths[k], widths[k + 1], size, gain=1.0, rngs=rngs)
            setattr(self, f"conv{k}", layer)
        self.doubles, self.index, self.outputs = config.doubles[index - 1], index, outputs
        attends = index in config.attention
        self.attention = Attention(outputs, rngs=rngs) if attends else None

    def __call__(self, x: Features) -> Features:
        """Maps float[N, H, W, I] to float[N, H, W, O], or [N, 2H, 2W, O] if it doubles."""
        return run_block(x, self.index, self._run)  # type: ignore[return-value]

    def _run(self, x: jax.Array, style: jax.Array | None) -> jax.Array:
        y, kept = x, x[..., : self.outputs]
        for k in range(4):
            y = getattr(self, f"norm{k}")(y, style)
            layer = getattr(self, f"conv{k}")
            run = convolve_upsampled if k == 1 and self.doubles else convolve
            y = run(y, layer.kernel[...]) + layer.bias[...]
        y += upsample_nearest(kept) if self.doubles else kept
        return y if self.attention is None else self.attention(y)


class BigGAN(nnx.Module):
    """The stages `condition`, `layer0` ... and `to_rgb` as attributes."""

    def __init__(self, config: BigGANConfig, *, rngs: nnx.Rngs):
        widths = config.channels
        self.condition = Condition(config.labels, len(widths), rngs=rngs)
        self.layer0 = First(config.condition, widths[0], 4, True, rngs=rngs)
        for i in range(1, len(widths)):
            setattr(self, f"layer{i}", Block(config, i, rngs=rngs))
        self.to_rgb = Image(widths[-1], config.image_channels, rngs=rngs)
