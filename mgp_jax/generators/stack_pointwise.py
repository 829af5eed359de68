"""The layers of sequential generators that work at every pixel by itself: norms and activations."""

from dataclasses import dataclass, field
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from mgp_jax.errors import SettingError
from mgp_jax.generators.stack_base import Arrays, Layer, Size

ACTIVATIONS = {
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": jax.nn.gelu,
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
}
WITH_PARAMETER = ("leaky_relu", "elu")  # slope, alpha


@dataclass(frozen=True)
class Affine(Layer):
    """A factor and a summand for every channel: a norm with fixed statistics.

    Attributes:
        per_pixel: whether every pixel has its own.
    """

    names: ClassVar[tuple[str, ...]] = ("scale", "shift")

    per_pixel: bool = False
    kind: str = field(default="affine", init=False)

    def parameters(self, size: Size, gain: float, rngs: nnx.Rngs) -> dict[str, nnx.Param]:
        """Returns ones and zeros."""
        shape = size if self.per_pixel else size[2:]
        return {"scale": nnx.Param(jnp.ones(shape)), "shift": nnx.Param(jnp.zeros(shape))}

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Multiplies and adds."""
        return x * params["scale"] + params["shift"]


@dataclass(frozen=True)
class GroupNorm(Affine):
    """Brings groups of channels to mean 0 and variance 1 over space, then multiplies and adds.

    Source: Wu and He 2018; with one channel in a group, instance norm (Ulyanov et al. 2016).

    Attributes:
        groups: their number; 0 for one of every channel.
        epsilon: added to the variance.
    """

    groups: int = 0
    epsilon: float = 1e-5
    kind: str = field(default="group_norm", init=False)

    def size(self, size: Size) -> Size:
        """Returns the size as it is."""
        if self.groups and size[2] % self.groups:
            raise SettingError(f"layers: {size[2]} channels in {self.groups} groups")
        return size

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Normalises every image by itself."""
        n, h, w, c = x.shape
        grouped = x.reshape(n, h, w, self.groups or c, -1)
        mean = jnp.mean(grouped, (1, 2, 4), keepdims=True)
        variance = jnp.var(grouped, (1, 2, 4), keepdims=True)
        x = ((grouped - mean) * lax.rsqrt(variance + self.epsilon)).reshape(x.shape)
        return super().__call__(x, params)


@dataclass(frozen=True)
class Activation(Layer):
    """An activation function.

    Attributes:
        name: one of `ACTIVATIONS`.
        parameter: the slope of `leaky_relu` below 0, or the alpha of `elu`.
    """

    name: str
    parameter: float | None = None
    kind: str = field(default="activation", init=False)

    def __post_init__(self) -> None:
        if self.name not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise SettingError(f"layers: activation {self.name}, choose from {known}")
        if (self.parameter is not None) != (self.name in WITH_PARAMETER):
            raise SettingError(f"layers: activation {self.name} of {self.parameter}")

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Applies the function to every number."""
        function = ACTIVATIONS[self.name]
        return function(x) if self.parameter is None else function(x, self.parameter)


@dataclass(frozen=True)
class PReLU(Layer):
    """A leaky ReLU with a learned slope (He et al. 2015).

    Attributes:
        shared: whether all channels have one slope.
    """

    names: ClassVar[tuple[str, ...]] = ("slope",)

    shared: bool = False
    kind: str = field(default="prelu", init=False)

    def parameters(self, size: Size, gain: float, rngs: nnx.Rngs) -> dict[str, nnx.Param]:
        """Returns slopes of a quarter."""
        return {"slope": nnx.Param(jnp.full(1 if self.shared else size[2], 0.25))}

    def __call__(self, x: jax.Array, params: Arrays) -> jax.Array:
        """Multiplies what is below 0 by the slope."""
        return jnp.where(x >= 0, x, params["slope"] * x)
