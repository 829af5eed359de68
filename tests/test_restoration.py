"""Restoration: agreement with the observation, and what several starts are good for."""

import re

import jax
import numpy as np
import pytest

from mgp_jax import restoration
from mgp_jax.codes import Codes
from mgp_jax.degradations import Frame, compose, parse
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator
from mgp_jax.inversion import Inversion, Result, image_keys, invert, resolve
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.restoration import (
    Restoration,
    restore,
    run_restoration,
    surroundings,
)
from mgp_jax.spread import expected_deviation

RECIPE = Recipe("test", (Phase(8),), codes=2, layer="layer2")
# Jitted, because op by op frames and masks would take seconds to compile.
apply = jax.jit(lambda degradation, image: degradation(image))


def test_only_holes_are_blended(tiny: Generator, photographs: np.ndarray):
    gray = parse("gray", 32)
    with pytest.raises(SettingError, match="only the holes of a mask"):
        restore(tiny, photographs.mean(-1, keepdims=True), gray, RECIPE, blend=True)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.3, 1.3, (32, 32, 3)).astype(np.float32)


class Fake:
    """Stands for `run`: returns given images and losses without optimising anything."""

    def __init__(self, images: np.ndarray, loss: np.ndarray):
        self.images, self.loss = images, np.asarray(loss, np.float32)

    def __call__(self, inversion: Inversion, observations, *, keys, **rest) -> Result:
        count = len(observations)
        assert len(keys) == count == len(self.loss)
        zeros = np.zeros((count, 1), np.float32)
        codes = Codes(np.arange(count, dtype=np.float32)[:, None], zeros)  # type: ignore[arg-type]
        status = np.ones(count, int)
        split = inversion.split
        return Result(self.images, codes, self.loss, zeros, zeros, status, status, split)


@pytest.mark.parametrize(
    ("samples", "restarts", "loss", "chosen"),
    [
        (1, 1, [3, 1], [0, 1]),
        (1, 3, [3, 1, 2, 5, 6, 4], [1, 5]),
        (3, 1, [3, 1, 2, 5, 6, 4], [0, 1, 2, 3, 4, 5]),
        (2, 2, [3, 1, 2, 5, 6, 4, 8, 9], [1, 2, 5, 6]),
        (1, 3, [np.nan, np.inf, 2, np.nan, np.nan, np.inf], [2, 3]),
    ],
)
def test_of_the_restarts_the_best_is_kept(
    monkeypatch, tiny: Generator, samples: int, restarts: int, loss: list, chosen: list
):
    images = np.stack([noise(k) for k in range(len(loss))])
    monkeypatch.setattr(restoration, "run", Fake(images, np.array(loss)))
    observations = np.stack([noise(k) for k in (50, 51)])
    mask = parse("mask:random:0.5", 32)
    recipe = RECIPE.with_(samples=samples, temperature=2.0, floor=0.03, shift=0.1)
    made = restore(tiny, observations, mask, recipe, restarts=restarts)
    assert made.result.codes.z[:, 0].tolist() == chosen
    assert made.samples.shape == (2, samples, 32, 32, 3)
    assert made.images.shape == made.deviation.shape == (2, 32, 32, 3)
    for row, index in enumerate(chosen):
        seen = observations[row // samples]
        expected = np.where(mask.support > 0, seen, np.clip(images[index], -1, 1))
        np.testing.assert_array_equal(made.samples[row // samples, row % samples], expected)
    np.testing.assert_allclose(made.images, made.samples.mean(1), atol=1e-6)
    np.testing.assert_allclose(
        made.deviation, expected_deviation(made.samples, 2, 0.03, 0.1), atol=1e-6
    )
    # Known pixels are exact in the mean of several samples too, and certain.
    known = np.broadcast_to(mask.support > 0, observations[0].shape)
    for image, seen in zip(made.images, observations, strict=True):
        np.testing.assert_array_equal(image[known], seen[known])
    assert (made.deviation[:, known] == 0).all()
    assert (made.deviation[:, ~known].max() > 0.1) == (samples > 1)


def test_all_starts_run_in_one_batch(tiny: Generator, photographs: np.ndarray):
    gray = parse("gray", 32)
    observations = np.asarray(jax.vmap(gray)(photographs[:2]))
    every = restore(tiny, observations, gray, RECIPE.with_(samples=4))
    loss = every.result.loss.reshape(2, 4)
    assert len(set(loss.ravel().tolist())) == 8
    halves = restore(tiny, observations, gray, RECIPE.with_(samples=2), restarts=2)
    np.testing.assert_array_equal(halves.result.loss, loss.reshape(4, 2).min(1))
    best = restore(tiny, observations, gray, RECIPE, restarts=4)
    np.testing.assert_array_equal(best.result.loss, loss.min(1))
    for image in range(2):
        start = loss[image].argmin()
        np.testing.assert_array_equal(best.images[image], every.samples[image, start])
    assert not best.deviation.any() and every.deviation.max() > 0
    for made in (every, halves, best):
        luminance = np.asarray(jax.vmap(gray)(made.images))
        np.testing.assert_allclose(luminance, observations, atol=1e-5)
    # The starts are those of the images' numbers, wherever an image is in the batch.
    inversion = resolve(tiny, gray, RECIPE.with_(samples=4))
    moved = run_restoration(inversion, observations[::-1], gray, indices=[1, 0])
    np.testing.assert_array_equal(moved.images, every.images[::-1])
    keys = image_keys(0, [0, 1], 4)
    direct = invert(tiny, observations.repeat(4, 0), gray, RECIPE, keys=keys)
    np.testing.assert_array_equal(direct.loss, every.result.loss)


@pytest.mark.parametrize(("samples", "restarts"), [(0, 1), (1, 0), (-1, 2)])
def test_no_starts_are_refused(tiny: Generator, samples: int, restarts: int):
    with pytest.raises(SettingError, match="at least 1 is needed"):
        recipe = RECIPE.with_(samples=samples)
        restore(tiny, np.zeros((1, 32, 32, 1)), parse("gray", 32), recipe, restarts=restarts)


@pytest.mark.parametrize("spec", ["down:4", "mask:center:8", "mask:random:0.8", "cs:0.1"])
def test_frame_and_surroundings_make_up_the_observation(spec: str, photographs: np.ndarray):
    """What the image in the frame has to explain is what the surroundings leave."""
    degradation, frame = parse(spec, 32), Frame(0.75, 0.5, 0.4)
    image = np.asarray(apply(frame, photographs[0]))
    observation = np.asarray(apply(degradation, photographs[1]))
    seen, around = surroundings(degradation, observation[None], frame, (32, 32, 3))
    assert not np.any(np.asarray(around[0])[np.asarray(frame.inside(32, 32))[..., 0] == 1])
    both = apply(degradation, image + np.asarray(around[0]))
    difference = both - degradation.prepare(observation)
    explained = apply(compose(frame, degradation), photographs[0]) - seen[0]
    np.testing.assert_allclose(difference, explained, atol=1e-4)


def test_a_subject_that_is_smaller_is_found_in_its_frame(tiny: Generator):
    """A rendering in a frame, on a background that is the observation's own."""
    frame, mask = Frame(0.75), parse("mask:center:8", 32)
    recipe = RECIPE.with_(steps=60)
    latent = jax.random.normal(jax.random.key(3), (1, *tiny.latent_shape))
    rendering = np.clip(tiny.apply(tiny.params, latent)[0], -1, 1)
    truth = np.asarray(apply(frame, rendering) + 0.5 * (1 - frame.inside(32, 32)))
    observation = np.asarray(apply(mask, truth))[None]
    framed, plain = (
        restore(tiny, observation, mask, recipe, frame=f).images for f in (frame, None)
    )
    assert framed.shape == plain.shape == (1, 32, 32, 3)
    assert np.mean(np.square(framed[0] - truth)) < 0.5 * np.mean(np.square(plain[0] - truth))
    known = np.asarray(mask.support) > 0
    np.testing.assert_array_equal((framed - observation)[0] * known, 0)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("identity", "the photograph is known"),
        ("gray|down:2", "gray|down:2 does not tell the colours"),
        ("noise:0.1", "noise:0.1 must be linear and without noise"),
        ("jpeg:50", "must be linear"),
    ],
)
def test_frames_where_nothing_tells_what_is_around_them(tiny: Generator, spec: str, message: str):
    degradation = parse(spec, 32)
    observation = np.zeros((1, *degradation.observation_shape((32, 32, 3))), np.float32)
    with pytest.raises(SettingError, match=re.escape(message)):
        restore(tiny, observation, degradation, RECIPE, frame=Frame(0.5))


@pytest.mark.parametrize(
    ("spec", "change"),
    [
        ("down:4", {"detail": 1.0}),
        ("down:4", {"detail": 0.5}),
        ("gray", {"saturation": 0.5}),
        ("gray", {"saturation": 1.0}),
    ],
)
def test_a_recipe_says_how_much_detail_is_kept_and_how_strong_colours_are(
    spec: str,
    change: dict[str, float],
    tiny: Generator,
    photographs: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
):
    degradation, recipe = parse(spec, 32), RECIPE.with_(**change)
    rendering = (0.5 * photographs[:1] + 0.1).astype(np.float32)
    monkeypatch.setattr(restoration, "run", Fake(rendering, np.zeros(1)))
    seen = np.asarray(jax.vmap(degradation)(photographs[:1]))
    images = run_restoration(resolve(tiny, degradation, recipe), seen, degradation).images
    softened = restoration.soften(rendering, seen, recipe.detail)
    expected = restoration.put_back_all(degradation, softened, seen, recipe.saturation)
    np.testing.assert_allclose(images, expected, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_temperatures_out_of_range_are_refused(temperature: float):
    with pytest.raises(SettingError, match=f"temperature: {temperature}, must be above 0"):
        RECIPE.with_(temperature=temperature)


@pytest.mark.parametrize("name", ["saturation", "floor", "shift"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_saturation_and_what_is_added_to_the_spread_are_not_negative(name: str, value: float):
    with pytest.raises(SettingError, match=f"{name}: {value}, must not be negative"):
        RECIPE.with_(**{name: value})


@pytest.mark.parametrize("detail", [-0.1, 1.1])
def test_details_out_of_range_are_refused(detail: float):
    with pytest.raises(SettingError, match=f"detail: {detail}, must be from 0 to 1"):
        RECIPE.with_(detail=detail)


@pytest.mark.parametrize("shape", [(32, 32, 1), (32, 32, 3), (40,), None])
def test_results_show_themselves_in_notebooks(
    shape: tuple[int, ...] | None, tiny: Generator, photographs: np.ndarray
):
    split = resolve(tiny, parse("gray", 32), RECIPE).split
    images = np.stack([photographs[:2]] * 2, 1)
    # 20 dB, and a step that was not done behind it.
    errors = np.tile(np.array([[0.5, 0.04, np.nan]], np.float32), (4, 1))
    steps, status = np.array([2, 2, 7, 7]), np.array([1, 1, 4, 4])
    flat = images.reshape(4, 32, 32, 3)
    result = Result(flat, None, errors[:, 0], errors, errors, status, steps, split)
    seen = None if shape is None else np.zeros((2, *shape), np.float32)
    found = Restoration(photographs[:2], images, 0 * photographs[:2], result, seen)
    page = found._repr_html_()
    assert page.count("<img") == 2 * (3 + (shape is not None and len(shape) == 3))
    assert ("before" in page) is (shape is not None and len(shape) == 3)
    assert page.index("PSNR 20.0 dB, 2 steps, finished") < page.index("7 steps, diverged")
    assert found.row(1)._repr_html_().count("<p") == 1
    assert result._repr_html_().count("<img") == 4
