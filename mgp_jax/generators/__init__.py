"""Frozen generators as ordered stages that can be cut anywhere."""

from mgp_jax.generators.base import Generator, bind
from mgp_jax.generators.biggan import BigGANConfig
from mgp_jax.generators.config import Config
from mgp_jax.generators.crossing import Features, Params, as_features, as_passed
from mgp_jax.generators.dcgan import DCGANConfig
from mgp_jax.generators.labels import Labels
from mgp_jax.generators.lightweight_gan import LightweightGANConfig
from mgp_jax.generators.mobile_stylegan import MobileStyleGANConfig
from mgp_jax.generators.pggan import PGGANConfig
from mgp_jax.generators.sampling import generate, random_latents
from mgp_jax.generators.sequential import SequentialConfig
from mgp_jax.generators.sngan import SNGANConfig
from mgp_jax.generators.split import Split
from mgp_jax.generators.style import random_noise
from mgp_jax.generators.stylegan import StyleGANConfig
from mgp_jax.generators.stylegan2 import StyleGAN2Config
from mgp_jax.generators.stylegan2_pytorch import StyleGAN2PyTorchConfig
from mgp_jax.generators.weights import Weights, load_weights, save_weights
from mgp_jax.generators.zoo import (
    FAMILIES,
    load_generator,
    load_prior,
    make_generator,
    random_generator,
)

__all__ = [
    "FAMILIES",
    "BigGANConfig",
    "Config",
    "DCGANConfig",
    "Features",
    "Generator",
    "Labels",
    "LightweightGANConfig",
    "MobileStyleGANConfig",
    "PGGANConfig",
    "Params",
    "SNGANConfig",
    "SequentialConfig",
    "Split",
    "StyleGAN2Config",
    "StyleGAN2PyTorchConfig",
    "StyleGANConfig",
    "Weights",
    "as_features",
    "as_passed",
    "bind",
    "generate",
    "load_generator",
    "load_prior",
    "load_weights",
    "make_generator",
    "random_generator",
    "random_latents",
    "random_noise",
    "save_weights",
]
