"""What a family says of its networks: the base of all configurations."""

from abc import ABC, abstractmethod
from typing import Any

import jax
import jax.numpy as jnp

from mgp_jax.generators.crossing import Features, Params
from mgp_jax.generators.labels import Labels, code_rows
from mgp_jax.generators.split import NoiseMaps


class Config(ABC):
    """Base of every family's configuration dataclass: what a family says of its networks.

    A family without styles, noise or labels leaves what there is about them as it is.
    """

    latent_size: int
    labels: Labels | None = None

    @property
    @abstractmethod
    def resolution(self) -> int:
        """Height and width of the image in pixels."""

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent code."""
        return (self.latent_size,)

    @property
    @abstractmethod
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages in order; the network has an attribute of each name."""

    @property
    def spaces(self) -> tuple[tuple[str, int], ...]:
        """Names of the spaces that latent codes can live in, with the index of their cut."""
        return (("z", 0),)

    def draw_latents(self, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        """Draws from the distribution of the latent codes: standard normal unless a family differs.

        Returns: float[*shape, *latent_shape].
        """
        return jax.random.normal(key, (*shape, *self.latent_shape))

    def truncated(self, psi: float) -> "Config | None":
        """Returns the configuration with another truncation psi, None without styles."""
        del psi
        return None

    def mean_style(self, params: Params) -> jax.Array | None:
        """Returns the mean style, float[W] or float[L, W], None without styles."""
        del params
        return None

    def noise_maps(self, params: Params) -> NoiseMaps:
        """Returns the stored noise map float[1, H, W, 1] of every noisy stage."""
        return {name: stage["noise"] for name, stage in params.items() if "noise" in stage}

    def with_noise(self, params: Params, noise: NoiseMaps) -> Params:
        """Returns the parameters with the noise maps of some stages replaced."""
        return {**params, **{name: {**params[name], "noise": n} for name, n in noise.items()}}

    def code_kernel(self, params: Params, layers: tuple[int, int] | None = None) -> jax.Array:
        """Returns the weights float[D, outputs] of all that takes a code: of the first stage.

        In style-based families the codes are styles, and the weights those of all style layers, or
        of the first to the last one given.
        """
        del layers
        first = params[self.stage_names[0]]
        kernel = jnp.moveaxis(first["kernel"], -2, 0).reshape(first["kernel"].shape[-2], -1)
        return code_rows(kernel, self.latent_shape[0], self.labels, first)

    def sketch(self, network: Any, x: Features, cut: int) -> jax.Array | None:
        """Returns about what the image is, reduced to the size of a feature map.

        Args:
            network: the network with its parameters.
            x: what crosses the cut.
            cut: index of the cut.

        Returns: float[N, H, W, C], with the height and width of the map: the image that has been
            accumulated so far; None where the family accumulates none.
        """
        del network, cut
        return x.rgb

    def label_weights(self, params: Params) -> jax.Array | None:
        """Returns how much is taken of each class, float[K], None without labels."""
        return params[self.stage_names[0]]["label"]["weights"] if self.labels else None

    def with_label(self, params: Params, weights: jax.Array) -> Params:
        """Returns the parameters with other weights float[K] of the classes."""
        name = self.stage_names[0]
        first = params[name]
        return {**params, name: {**first, "label": {**first["label"], "weights": weights}}}
