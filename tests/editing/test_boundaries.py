"""Boundaries trained from labels and scores point where the labels change."""

from pathlib import Path

import numpy as np
import pytest
from networks import untrained

from mgp_jax.editing import (
    METHODS,
    read_labels,
    regress,
    score_samples,
    train_boundary,
)
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.generators import DCGANConfig, StyleGAN2Config, generate, random_latents

pytest.importorskip("sklearn")
LATENTS = np.random.default_rng(0).normal(size=(600, 6))
NORMAL = np.array([3.0, 0, -4, 0, 0, 0]) / 5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["classes", "signs", "scores"])
def test_the_normal_is_found(method: str, kind: str):
    scores = LATENTS @ NORMAL
    labels = {"classes": scores > 0, "signs": np.sign(scores), "scores": 7 * scores + 100}[kind]
    boundary = train_boundary(LATENTS, labels, name="age", method=method, seed=4)
    assert boundary.direction.vector @ NORMAL > 0.99
    assert boundary.accuracy > 0.97 and boundary.direction.name == "age"
    used = 600 if kind != "scores" else 240
    assert (boundary.trained, boundary.held_out) == (0.7 * used, 0.3 * used)
    again = train_boundary(LATENTS, labels, name="age", method=method, seed=4)
    np.testing.assert_array_equal(again.direction.vector, boundary.direction.vector)


def test_the_accuracy_is_of_codes_that_were_held_out():
    noise = np.random.default_rng(1).integers(0, 2, 600)
    assert 0.3 < train_boundary(LATENTS, noise).accuracy < 0.7


@pytest.mark.parametrize(
    ("labels", "settings", "message"),
    [
        (np.zeros(599), {}, r"labels: \[599\]"),
        (np.zeros(600), {}, "0 codes of one class"),
        (np.arange(600), {"share": 0.01}, "6 codes of one class"),
        (np.full(600, np.nan), {}, "not finite"),
        (np.arange(600), {"method": "forest"}, "svm, logistic"),
        (np.arange(600), {"share": 0.6}, "share"),
    ],
)
def test_impossible_labels_are_refused(labels, settings: dict, message: str):
    with pytest.raises(SettingError, match=message):
        train_boundary(LATENTS, labels, **settings)


@pytest.mark.parametrize(
    ("config", "space"),
    [(DCGANConfig(8, (6, 4)), "z"), (StyleGAN2Config(5, 4, (4,), (6, 4, 4)), "w")],
)
def test_samples_are_scored_as_images_from_0_to_1(config, space: str):
    generator = untrained(config, seed=1)
    latents, scores = score_samples(generator, lambda x: x[..., 0].mean((1, 2)), 20, seed=3)
    z = random_latents(generator, 20, 3)
    images = np.clip(generate(generator, z) / 2 + 0.5, 0, 1)
    np.testing.assert_allclose(scores, images[..., 0].mean((1, 2)), rtol=1e-5)
    expected = generator.apply(generator.params, z, 0, generator.space(space))
    np.testing.assert_allclose(latents, expected, rtol=1e-5)
    for wrong in (lambda x: x.mean(), lambda x: ["a"] * len(x)):
        with pytest.raises(SettingError, match="one number each"):
            score_samples(generator, wrong, 20)


def test_labels_are_read(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.arange(3))
    (tmp_path / "b.txt").write_text("0\n1.5\n-2e1\n")
    (tmp_path / "c.csv").write_text("smile\n0\n1\n")
    for name, expected in {"a.npy": [0, 1, 2], "b.txt": [0, 1.5, -20], "c.csv": [0, 1]}.items():
        np.testing.assert_array_equal(read_labels(tmp_path / name), expected)
    (tmp_path / "d.csv").write_text("0\nyes\n")
    np.save(tmp_path / "e.npy", np.array(["a"]))
    for name, error in {"d.csv": SettingError, "e.npy": ImageError, "f.npy": ImageError}.items():
        with pytest.raises(error, match=name):
            read_labels(tmp_path / name)


def test_the_slope_of_scores_is_found():
    noise = np.random.default_rng(1).normal(size=600)
    found = regress(LATENTS, 3 * LATENTS @ NORMAL + 0.5 * noise + 100, "w", "age")
    assert found.direction.vector @ NORMAL > 0.99 and found.direction[1:3] == ("w", "age")
    assert found.accuracy > 0.9 and (found.trained, found.held_out) == (420, 180)
    assert 0.3 < regress(LATENTS, noise).accuracy < 0.7
    # What was held out has no say.
    spoilt = 3 * LATENTS @ NORMAL
    spoilt[420:] *= -1
    assert regress(LATENTS, spoilt).direction.vector @ NORMAL > 0.99
    assert regress(LATENTS, spoilt).accuracy < 0.1
    for latents, scores, message in (
        (LATENTS, noise[1:], "one score for each"),
        (LATENTS[None], noise, "one score for each"),
        (LATENTS, np.full(600, np.nan), "not finite"),
        (LATENTS, np.ones(600), "zero or not finite"),
    ):
        with pytest.raises(SettingError, match=message):
            regress(latents, scores)
