"""Encoders: what they learn, and how they are kept."""

from pathlib import Path

import numpy as np
import pytest
from networks import untrained

from mgp_jax.errors import WeightsError
from mgp_jax.generators import DCGANConfig, Generator, generate, random_latents, save_weights
from mgp_jax.inversion import invert
from mgp_jax.methods.encoder_network import Encoder, load_encoder, save_encoder


def test_an_encoder_knows_codes(small: Generator, encoder: Encoder):
    codes = random_latents(small, 64, seed=9)
    images = generate(small, codes)
    found = invert(small, images, method="encoder", networks={"encoder": encoder})
    assert found.codes.z.shape == (64, 1, 8)
    guessed = found.codes.z[:, 0]
    np.testing.assert_allclose(guessed, encoder(images), atol=1e-5)
    # Zero, the best guess without looking, has an error of 1.
    assert np.mean((guessed - codes) ** 2) < 0.7
    # What is shown is the rendering of the guess.
    np.testing.assert_allclose(found.images, generate(small, np.asarray(guessed)), atol=1e-5)


def test_an_encoder_is_kept(small: Generator, encoder: Encoder, truths: np.ndarray, tmp_path: Path):
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, encoder, "CC0")
    again = load_encoder(path, small)
    np.testing.assert_array_equal(again(truths), encoder(truths))
    assert "60 steps" in dict(again.provenance)["training"]
    with pytest.raises(WeightsError, match="trained for another generator"):
        load_encoder(path, untrained(DCGANConfig(8, (8, 4)), seed=2))


def test_a_generator_is_no_encoder(small: Generator, tmp_path: Path):
    path = tmp_path / "generator.safetensors"
    save_weights(path, "dcgan", {"latent_size": 8, "channels": [8, 4]}, small.params, {}, "")
    with pytest.raises(WeightsError, match="holds dcgan weights, not an encoder"):
        load_encoder(path, small)
