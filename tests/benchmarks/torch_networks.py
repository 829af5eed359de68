"""Generators of `mgp_jax` and VGG16 in PyTorch, by plain means, as functions of NCHW tensors.

A new family is a function that returns its stages, and a row in `FAMILIES`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from mgp_jax.generators import Generator
from mgp_jax.generators.stylegan2 import FILTER
from mgp_jax.perception import bundled_extractor
from mgp_jax.perception.vgg import IMAGENET_MEAN, IMAGENET_STD

Operator = Callable[[torch.Tensor], torch.Tensor]
# Of a map [N, C, H, W], or a pair of it and the image so far, and the styles [N, L, D] of the image
# in families that have such.
Stage = Callable[[Any, torch.Tensor | None], Any]


class Network:
    """A generator, cut, and VGG16.

    Attributes:
        latent: length of a latent code in Z.
        channels: of what crosses the cut: the feature map, and the image so far where there is one.
        mapping: from codes to styles [N, L, D], None in families without styles.
        mean_styles: [L, D], where the styles behind the cut start, or None.
        weights: all tensors that do not move.
    """

    def __init__(self, generator: Generator, cut: int):
        if generator.family not in FAMILIES:
            raise SystemExit(f"{generator.family}: the reference knows {', '.join(FAMILIES)}")
        self.latent, self.weights = generator.latent_shape[0], []
        self.mapping: Operator | None = None
        split = generator.split(cut)
        self.rgb = generator.config.image_channels if generator.family in WITH_RGB else 0
        self.channels = split.channels
        self.mean_styles = None if split.mean_styles is None else _tensor(split.mean_styles)
        stages = list(FAMILIES[generator.family](self, generator))
        # Mapping and truncation are stages of ours, in front of the maps.
        front = len(generator.stages) - len(stages)
        self.before, self.behind = stages[: cut - front], stages[cut - front :]
        self.vgg = {
            name: (self.keep(p["kernel"], 3, 2, 0, 1), self.keep(p["bias"]))
            for name, p in bundled_extractor().params.items()
        }
        self.mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
        self.std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)

    def head(self, z: torch.Tensor) -> torch.Tensor:
        """Maps [N, latent] to [N, C, H, W] at the cut."""
        styles = None if self.mapping is None else self.mapping(z)
        x = z[:, :, None, None]
        for stage in self.before:
            x = stage(x, styles)
        return torch.cat(x, dim=1) if self.rgb else x

    def tail(self, x: torch.Tensor, styles: torch.Tensor | None = None) -> torch.Tensor:
        """Maps [B, C, H, W] and styles [B, L, D] to images [B, 3, H, W]."""
        if self.rgb:
            x = x[:, : -self.rgb], x[:, -self.rgb :]
        for stage in self.behind:
            x = stage(x, styles)
        return x

    def features(self, image: torch.Tensor) -> torch.Tensor:
        """Returns relu3_3 of images [B, 1 or 3, H, W] in [-1, 1]."""
        x = (image.expand(-1, 3, -1, -1) * 0.5 + 0.5 - self.mean) / self.std
        for name, (kernel, bias) in self.vgg.items():
            if name in ("conv2_1", "conv3_1"):
                x = functional.max_pool2d(x, 2)
            x = torch.relu(functional.conv2d(x, kernel, bias, padding=1))
        return x

    def keep(self, array: object, *axes: int) -> torch.Tensor:
        """Makes an array a weight, its axes permuted."""
        weight = _tensor(array)
        weight = (weight.permute(axes) if axes else weight).contiguous()
        if weight.is_cuda and weight.dim() == 4:
            weight = weight.to(memory_format=torch.channels_last)
        self.weights.append(weight)
        return self.weights[-1]


def dcgan(network: Network, generator: Generator) -> Iterator[Stage]:
    """Yields transposed convolutions with their activations."""

    def stage(index: int, params: dict, activation: Operator) -> Stage:
        # Our kernels are those of a correlation, flipped against transposed convolutions.
        kernel = np.asarray(params["kernel"])
        kernel = network.keep(kernel if index == 0 else kernel[::-1, ::-1].copy(), 2, 3, 0, 1)
        bias = network.keep(params["bias"])
        stride, padding = (1, 0) if index == 0 else (2, 1)
        return lambda x, _: activation(
            functional.conv_transpose2d(x, kernel, bias, stride=stride, padding=padding)
        )

    for index, name in enumerate(generator.stages):
        last = index == len(generator.stages) - 1
        yield stage(index, generator.params[name], torch.tanh if last else torch.relu)


def pggan(network: Network, generator: Generator) -> Iterator[Stage]:
    """Yields convolutions behind pixel norms, every second one behind a doubling."""
    config = generator.config
    if config.blend or config.enlarge != 1 or config.bias_per_pixel:
        raise SystemExit("the reference knows plain PGGANs only")

    def first(params: dict) -> Stage:  # A dense layer: latent code to 4x4 map.
        kernel, bias = network.keep(params["kernel"], 2, 3, 0, 1), network.keep(params["bias"])
        return lambda x, _: _leaky(functional.conv_transpose2d(_pixel_norm(x), kernel, bias))

    def layer(params: dict, doubles: bool) -> Stage:
        kernel, bias = network.keep(params["kernel"], 3, 2, 0, 1), network.keep(params["bias"])

        def apply(x: torch.Tensor, _: torch.Tensor | None) -> torch.Tensor:
            x = _pixel_norm(x)
            x = functional.interpolate(x, scale_factor=2) if doubles else x
            return _leaky(functional.conv2d(x, kernel, bias, padding=1))

        return apply

    def image(params: dict) -> Stage:
        kernel, bias = network.keep(params["kernel"], 1, 0), network.keep(params["bias"])
        end = torch.tanh if config.final_tanh else torch.nn.Identity()
        return lambda x, _: end(functional.conv2d(_pixel_norm(x), kernel[:, :, None, None], bias))

    for index, name in enumerate(generator.stages):
        params = generator.params[name]
        if name == "to_rgb":
            yield image(params)
        else:
            yield layer(params, index % 2 == 0) if index else first(params)


def mapping_of(network: Network, generator: Generator) -> Operator:
    """Returns the mapping network of a style-based generator."""
    kernels = [
        (network.keep(dense["kernel"]), network.keep(dense["bias"]))
        for dense in generator.params["mapping"].values()
    ]

    def mapping(z: torch.Tensor) -> torch.Tensor:
        z = _pixel_norm(z)
        for kernel, bias in kernels:
            z = 2**0.5 * _leaky(z @ kernel + bias)
        return z[:, None].expand(-1, generator.config.styles, -1)

    return mapping


def stylegan2(network: Network, generator: Generator) -> Iterator[Stage]:
    """Yields modulated convolutions, every second one doubling; styles scale maps, not kernels."""
    config, params = generator.config, generator.params
    if config.architecture != "skip" or config.conv_clamp is not None:
        raise SystemExit("the reference knows plain StyleGAN2s only")
    network.mapping = mapping_of(network, generator)
    taps = torch.tensor(FILTER)

    def modulation(part: dict) -> Callable[[torch.Tensor, int], torch.Tensor]:
        kernel, bias = network.keep(part["kernel"]), network.keep(part["bias"])
        return lambda styles, index: styles[:, index] @ kernel + bias

    def rgb_of(stage: dict, index: int) -> Stage:
        factors, kernel = modulation(stage["style"]), network.keep(stage["kernel"])
        bias = network.keep(np.asarray(stage["bias"])[:, None, None])

        def apply(x: torch.Tensor, styles: torch.Tensor | None) -> torch.Tensor:
            weights = factors(styles, index)[..., None] * kernel
            return torch.einsum("nchw,nco->nohw", x, weights) + bias

        return apply

    def layer(stage: dict, index: int) -> Stage:
        factors, doubles = modulation(stage["style"]), index % 2 == 1
        kernel = np.asarray(stage["kernel"])
        power = network.keep(np.square(kernel).sum((0, 1)))
        flipped = kernel[::-1, ::-1].copy()
        weights = network.keep(flipped, 2, 3, 0, 1) if doubles else network.keep(kernel, 3, 2, 0, 1)
        noise = np.asarray(stage["noise"]) * np.asarray(stage["noise_strength"])
        noise = network.keep(noise, 0, 3, 1, 2)
        bias = network.keep(np.asarray(stage["bias"])[:, None, None])
        const = network.keep(stage["const"], 0, 3, 1, 2) if index == 0 else None
        rgb = rgb_of(stage["rgb"], index + 1) if "rgb" in stage else None

        def apply(x: Any, styles: torch.Tensor | None) -> Any:
            maps, image = (const, None) if const is not None else x
            style = factors(styles, index)
            maps = maps * style[:, :, None, None]
            if doubles:
                maps = functional.conv_transpose2d(maps, weights, stride=2)
                for shape, padding in (((-1, 1, 4, 1), (1, 0)), ((-1, 1, 1, 4), (0, 1))):
                    blur = taps.expand(maps.shape[1], 4).reshape(shape)
                    maps = functional.conv2d(maps, blur, padding=padding, groups=maps.shape[1])
            else:
                maps = functional.conv2d(maps, weights, padding=1)
            demodulation = torch.rsqrt(style.square() @ power + 1e-8)[:, :, None, None]
            maps = 2**0.5 * _leaky(maps * demodulation + noise + bias)
            if image is not None and doubles:
                blur = torch.outer(taps, taps).expand(image.shape[1], 1, 4, 4)
                image = functional.conv_transpose2d(
                    image, blur, stride=2, padding=1, groups=image.shape[1]
                )
            if rgb is not None:
                own = rgb(maps, styles)
                image = own if image is None else image + own
            return maps, image

        return apply

    def image(stage: dict) -> Stage:
        rgb = rgb_of(stage, -1)
        end = torch.tanh if config.final_tanh else torch.nn.Identity()
        return lambda x, styles: end(x[1] + rgb(x[0], styles))

    for index in range(len(config.channels)):
        yield layer(params[f"layer{index}"], index)
    yield image(params["to_rgb"])


def mobile_stylegan(network: Network, generator: Generator) -> Iterator[Stage]:
    """Yields modulated separable convolutions, every second one behind a Haar transform."""
    params = generator.params
    network.mapping = mapping_of(network, generator)

    def modulation(part: dict, index: int) -> Stage:
        kernel, bias = network.keep(part["kernel"]), network.keep(part["bias"])
        return lambda x, styles: x * (styles[:, index] @ kernel + bias)[:, :, None, None]

    def layer(stage: dict, number: int) -> Stage:
        index = (3 * number + 1) // 2
        up = modulation(stage["up"], index - 1) if "up" in stage else None
        modulate = modulation(stage["style"], index)
        noise = np.asarray(stage["noise"]) * np.asarray(stage["noise_strength"])
        noise, bias = network.keep(noise, 0, 3, 1, 2), network.keep(stage["bias"])
        if number == 0:
            const = network.keep(stage["const"], 0, 3, 1, 2)
            dense = network.keep(stage["kernel"], 3, 2, 0, 1)
            return lambda _, styles: _leaky(
                functional.conv2d(modulate(const, styles), dense, bias, padding=1) + noise
            )
        depthwise = network.keep(np.asarray(stage["depthwise"])[..., None], 2, 3, 0, 1)
        pointwise = network.keep(np.asarray(stage["kernel"])[..., None, None], 1, 0, 2, 3)

        def apply(x: torch.Tensor, styles: torch.Tensor | None) -> torch.Tensor:
            x = x if up is None else _inverse_haar(up(x, styles))
            x = modulate(x, styles)
            x = functional.conv2d(x, depthwise, padding=1, groups=x.shape[1])
            return _leaky(functional.conv2d(x, pointwise, bias) + noise)

        return apply

    def image(stage: dict) -> Stage:
        modulate = modulation(stage["style"], -1)
        kernel = network.keep(np.asarray(stage["kernel"])[..., None, None], 1, 0, 2, 3)
        bias = network.keep(stage["bias"])
        end = torch.tanh if generator.config.final_tanh else torch.nn.Identity()
        return lambda x, styles: end(
            _inverse_haar(functional.conv2d(modulate(x, styles), kernel, bias))
        )

    for number in range(len(generator.config.channels)):
        yield layer(params[f"layer{number}"], number)
    yield image(params["to_rgb"])


FAMILIES: dict[str, Callable[[Network, Generator], Iterator[Stage]]] = {
    "dcgan": dcgan,
    "pggan": pggan,
    "mobile_stylegan": mobile_stylegan,
    "stylegan2": stylegan2,
}
# Those that add up an image on the way, which crosses the cut.
WITH_RGB = ("stylegan2",)


def _pixel_norm(x: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(torch.mean(x * x, dim=1, keepdim=True) + 1e-8)


def _leaky(x: torch.Tensor) -> torch.Tensor:
    return functional.leaky_relu(x, 0.2)


def _inverse_haar(x: torch.Tensor) -> torch.Tensor:
    """Maps [N, 4 C, H, W] to [N, C, 2 H, 2 W]; see `mgp_jax.generators.mobile_stylegan`."""
    n, channels, h, w = x.shape
    low, details = x[:, : channels // 4], x[:, channels // 4 :]
    rows, columns, diagonal = (details[:, k::3] for k in range(3))
    top, bottom = (low + rows) / 2, (low - rows) / 2
    top_side, bottom_side = (columns + diagonal) / 2, (columns - diagonal) / 2
    left = torch.stack([top + top_side, bottom + bottom_side], dim=3)
    right = torch.stack([top - top_side, bottom - bottom_side], dim=3)
    block = torch.stack([left, right], dim=5)
    return block.reshape(n, channels // 4, 2 * h, 2 * w)


def _tensor(array: object) -> torch.Tensor:
    return torch.tensor(np.asarray(array))
