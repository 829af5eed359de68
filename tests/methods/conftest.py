"""What all methods are run on."""

import numpy as np
import pytest
from networks import small_lpips_vgg, untrained

from mgp_jax.generators import DCGANConfig, Generator, StyleGAN2Config, generate, random_latents
from mgp_jax.methods.encoder_network import Encoder, train_encoder
from mgp_jax.perception import LPIPS


@pytest.fixture(scope="session")
def small() -> Generator:
    return untrained(DCGANConfig(8, (8, 4)), seed=1)


@pytest.fixture(scope="session")
def styled() -> Generator:
    return untrained(StyleGAN2Config(5, 4, (4,), (4, 4, 4)))


@pytest.fixture(scope="session")
def truths(small: Generator) -> np.ndarray:
    return generate(small, random_latents(small, 2, seed=3))


@pytest.fixture(scope="session")
def lpips_vgg() -> LPIPS:
    return small_lpips_vgg()


@pytest.fixture(scope="session")
def encoder(small: Generator) -> Encoder:
    losses: list[float] = []
    encoder = train_encoder(small, 60, on_step=lambda step, loss: losses.append(loss))
    assert len(losses) == 60 and np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    return encoder
