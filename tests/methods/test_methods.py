"""Every method, on problems whose optimum is known: a broken one would miss it."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import untrained
from runs import assert_equal

from mgp_jax.degradations import Identity, parse
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator, MobileStyleGANConfig, Split, generate, random_latents
from mgp_jax.inversion import Inversion, Result, image_keys, invert, resolve, run
from mgp_jax.methods import METHODS, find_method
from mgp_jax.methods.encoder_network import Encoder
from mgp_jax.perception import LPIPS
from mgp_jax.recipes import Recipe, codes_only, recipe_for
from mgp_jax.solve import Execution, Progress, Status
from mgp_jax.tables.case import Case

STEPS = 100
STYLED = ("w", "w+", "robust")


def psnr(images: np.ndarray, truths: np.ndarray) -> np.ndarray:
    return -10 * np.log10(np.mean((images - truths) ** 2, (1, 2, 3)) / 4)


# An image that the generator renders is its own optimum. How near every method comes in 100 steps
# is stated with some room; a step of the wrong sign or size ends below 15 dB.
@pytest.mark.parametrize(
    ("name", "decibels"),
    [
        ("one-code", 25),
        ("encoder-optimised", 25),
        ("feature-map", 20),
        ("ilo", 25),
        ("pivotal", 25),
        ("pulse", 20),
        ("dip", 20),
        ("codes-only", 20),
        ("multi-code", 20),
        ("universal", 20),
    ],
)
def test_known_optimum(
    small: Generator, encoder: Encoder, truths: np.ndarray, name: str, decibels: float
):
    case = Case(small, Identity(), jnp.asarray(truths), {"encoder": encoder}, 0)
    restored = case.restore(METHODS[name], STEPS).images
    assert restored.shape == truths.shape
    reached = psnr(restored, truths)
    assert reached.mean() > decibels, reached
    assert np.abs(restored).max() <= 1


def test_codes_alone_are_cut_where_few_can_say_something(small: Generator):
    large = untrained(MobileStyleGANConfig(4, 4, (4,), (4,) * 15), seed=1)
    recipe = METHODS["codes-only"].recipe
    assert recipe(Identity(), large) == codes_only(recipe_for("prior", Identity(), large))
    sizes = recipe(Identity(), large).map_size, recipe_for("fast", Identity(), large).map_size
    assert sizes == (32, 256)
    assert recipe(Identity(), small) == codes_only(recipe_for("fast", Identity(), small))


# The same recipes as above, so that nothing is compiled anew.
def recipe_of(name: str, what: Generator, steps: int = STEPS) -> Recipe:
    recipe = METHODS[name].recipe(Identity(), what)
    return recipe.with_(steps=steps) if recipe.steps else recipe


@pytest.fixture(scope="module")
def runs(
    small: Generator, styled: Generator, encoder: Encoder, lpips_vgg: LPIPS, truths: np.ndarray
) -> Any:
    """Inversions of two images by any method, with all that they report."""

    @cache
    def run_of(name: str) -> tuple[Inversion, np.ndarray, Result, list[Progress]]:
        what, steps = (styled, 30) if name in STYLED else (small, STEPS)
        images = truths if what is small else np.tanh(generate(what, random_latents(what, 2)))
        inversion = resolve(
            what,
            recipe=recipe_of(name, what, steps),
            method=name,
            networks={"encoder": encoder, "lpips_vgg": lpips_vgg},
            execution=Execution(chunk=7),
        )
        seen: list[Progress] = []
        return inversion, images, run(inversion, images, on_progress=seen.append), seen

    return run_of


@pytest.mark.parametrize("name", METHODS)
def test_what_was_stopped_goes_on_bit_for_bit(runs: Any, name: str):
    inversion, images, result, seen = runs(name)
    assert set(result.status.tolist()) == {Status.FINISHED}
    assert seen[-1].step == inversion.recipe.steps
    # Near the start, in the middle, and near the end: of two phases or more in different ones.
    for place in sorted({0, len(seen) // 2, max(len(seen) - 2, 0)}):
        snapshot = jax.tree.map(np.asarray, seen[place].snapshot)
        again = inversion.executed(Execution(chunk=20))
        assert_equal(run(again, images, resume=snapshot), result)


@pytest.mark.parametrize("name", METHODS)
def test_an_image_does_not_depend_on_the_others(runs: Any, name: str):
    inversion, images, result, _ = runs(name)
    keys = image_keys(0, [0, 1])
    for index in ([1, 0], [1, 1]):
        mine, expected = (
            run(inversion, images[index], keys=keys[np.array(index)]),
            result.rows(index),
        )
        if name not in STYLED:
            assert_equal(mine, expected)
            continue
        # Where an image has kernels of its own XLA rounds by its place in the batch.
        for field, tolerance in (("images", 1e-5), ("losses", 1e-5), ("codes", 1e-4)):
            leaves = [jax.tree.leaves(getattr(r, field)) for r in (mine, expected)]
            for a, b in zip(*leaves, strict=True):
                np.testing.assert_allclose(a, b, atol=tolerance)
    assert np.abs(result.images[0] - result.images[1]).max() > 0.01


@pytest.mark.parametrize("name", METHODS)
def test_a_result_is_what_its_variables_render(runs: Any, name: str):
    """The last objective is that of the rendering, where it is the error and nothing more."""
    inversion, images, result, _ = runs(name)
    phase = inversion.recipe.phases[-1]
    error = np.mean((result.images - images) ** 2, (1, 2, 3))
    if not phase.pixel:
        assert np.isfinite(result.loss).all()
    elif phase.noise_regularization or phase.prior or phase.tether:
        assert (error <= result.loss + 1e-6).all()
    else:
        np.testing.assert_allclose(error, result.loss, rtol=1e-4, atol=1e-7)
    if inversion.recipe.steps:
        assert (result.loss < result.losses[:, 0]).all()
        assert np.isfinite(result.losses).all()


def test_optimisation_leads_beyond_the_encoder(
    small: Generator, encoder: Encoder, truths: np.ndarray
):
    case = Case(small, Identity(), jnp.asarray(truths), {"encoder": encoder}, 0)
    guess = psnr(case.restore(METHODS["encoder"], 0).images, truths)
    reached = psnr(case.restore(METHODS["encoder-optimised"], STEPS).images, truths)
    assert np.all(reached > guess + 5), (guess, reached)


def test_tuned_weights_lead_beyond_the_pivot(small: Generator):
    """The images are those of other weights: no code of the generator reaches them."""
    random = np.random.default_rng(0)
    others = jax.tree.map(lambda leaf: leaf * random.uniform(0.7, 1.3, leaf.shape), small.params)
    truths = np.asarray(small.apply(others, jnp.asarray(random_latents(small, 2, seed=3))))
    case = Case(small, Identity(), jnp.asarray(truths), {}, 0)
    pivot = psnr(case.restore(METHODS["one-code"], STEPS // 2).images, truths)
    reached = psnr(case.restore(METHODS["pivotal"], STEPS).images, truths)
    assert np.all(reached > pivot + 3), (pivot, reached)


# Many values of the target are clipped, which free maps and weights can follow but styles cannot.
@pytest.mark.parametrize(("name", "gain"), [("ilo", 3), ("w+", 1), ("pivotal", 3)])
def test_style_based_generators(styled: Generator, name: str, gain: float):
    """Better after 60 steps than after 6."""
    truths = np.clip(generate(styled, random_latents(styled, 1, seed=3)), -1, 1)
    found = invert(styled, truths, recipe=recipe_of(name, styled, 60), method=name)
    few = 10 * np.log10(4 / found.errors[0, 5])
    assert psnr(found.images, truths)[0] > few + gain
    if name == "pivotal":
        # The noise maps are no weights, and the mean is not used here; all else is.
        for stage, kept in styled.params.items():
            for part, before in kept.items():
                changed = [
                    not np.array_equal(a[0], b)
                    for a, b in zip(
                        jax.tree.leaves(found.codes.weights[stage][part]),
                        jax.tree.leaves(before),
                        strict=True,
                    )
                ]
                assert any(changed) == (part not in ("noise", "mean")), (stage, part)


def test_large_generators_have_recipes_of_their_own(small: Generator, styled: Generator):
    """Codes of Z go slower there; the pivot is a style, from their mean, and tuned like others."""
    large = untrained(MobileStyleGANConfig(4, 4, (4,), (4,) * 11), seed=1)
    one, pivotal = (recipe_of(name, large, 200) for name in ("one-code", "pivotal"))
    assert one.phases[0].z_rate < recipe_of("one-code", small).phases[0].z_rate
    assert recipe_of("encoder-optimised", large, 200) == one
    for what, code_rate, map_rate in ((small, 0.2, 0.02), (large, 0.05, 0.05)):
        assert recipe_of("feature-map", what).phases[0].residual_rate == map_rate
        code, *maps = recipe_of("ilo", what, 200).phases
        assert (code.z_rate, {phase.residual_rate for phase in maps}) == (code_rate, {map_rate})
    assert (pivotal.space, pivotal.from_mean) == ("w", True)
    truths = np.clip(generate(styled, random_latents(styled, 1, seed=3)), -1, 1)
    found = invert(styled, truths, recipe=pivotal, method="pivotal")
    split = styled.split("truncation", "w")
    assert split.mean_code is not None
    mean = np.asarray(split.tail(split.head(split.mean_code[None])))
    started = 10 * np.log10(4 / found.errors[0, 0])
    np.testing.assert_allclose(started, psnr(mean, truths)[0], atol=0.01)
    pivot = 10 * np.log10(4 / found.errors[0, pivotal.phases[0].steps - 1])
    assert psnr(found.images, truths)[0] > pivot + 0.8


def test_certain_pixels_are_put_back(small: Generator, truths: np.ndarray):
    mask = parse("mask:center:6", 16)
    case = Case(small, mask, jax.vmap(mask)(jnp.asarray(truths)), {}, 0)
    restored = case.restore(METHODS["one-code"], 2).images
    known = np.broadcast_to(np.asarray(mask.support) > 0, truths.shape)
    np.testing.assert_array_equal(restored[known], truths[known])


def test_who_can_run(small: Generator, styled: Generator, encoder: Encoder, lpips_vgg: LPIPS):
    def missing(what: Generator | Split, **networks: Any) -> set[str]:
        return {name for name, m in METHODS.items() if m.missing(what, networks) is not None}

    assert missing(small) == {"encoder", "encoder-optimised", *STYLED}
    assert missing(styled) == {"encoder", "encoder-optimised", "robust"}
    assert missing(styled, encoder=encoder, lpips_vgg=None) == {"robust"}
    assert missing(styled, encoder=encoder, lpips_vgg=lpips_vgg) == set()
    assert METHODS["robust"].missing(styled, {}) == "LPIPS with VGG16"
    assert METHODS["robust"].missing(small, {}) == "a style-based generator"
    # Of two functions nothing is known but what they compute.
    functions = Split.of(head, tail, jnp.ones((5, 48)), latent_shape=(5,))
    assert missing(functions) == {"encoder", "encoder-optimised", *STYLED}


def head(params: jax.Array, z: jax.Array) -> jax.Array:
    return (z @ params).reshape(-1, 4, 4, 3)


def tail(params: jax.Array, maps: jax.Array) -> jax.Array:
    return jnp.tanh(maps)


def test_methods_have_names():
    assert [method.name for method in METHODS.values()] == list(METHODS)
    assert find_method("ilo") is METHODS["ilo"] and find_method(METHODS["w"]) is METHODS["w"]
    with pytest.raises(SettingError, match="method magic: there are observation, dip, one-code"):
        find_method("magic")


def test_a_case_says_how_many_steps_make_sense(small: Generator):
    case = Case(small, Identity(), jnp.zeros((1, 16, 16, 3)), {}, 0)
    fewest = {name: case.fewest(method) for name, method in METHODS.items()}
    # The code and the maps of 4 and 8 pixels; the pivot and the weights; codes and residual.
    assert fewest["ilo"] == 3 and fewest["pivotal"] == fewest["multi-code"] == 2
    assert fewest["observation"] == fewest["encoder"] == 0
    assert fewest["one-code"] == fewest["dip"] == 1
    most = {name for name, method in METHODS.items() if case.most(method) is not None}
    assert most == {"codes-only", "multi-code"}
