"""Codes, their composition and rendering, at every cut of every family and in every space."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import CONFIGS, untrained

from mgp_jax.codes import (
    Codes,
    compose,
    contribute,
    fuse,
    fuse_features,
    init_codes,
    render,
    whitening,
)
from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig, Features, Generator, Split
from mgp_jax.generators.crossing import as_features
from mgp_jax.generators.formulations import Formulation, formulated

STYLE_BASED = ("stylegan", "stylegan2", "mobile_stylegan")
COUNT = 3


class Case(NamedTuple):
    """A generator, codes of Z, and what crosses every cut for them; the last is the images."""

    generator: Generator
    z: Any
    crossings: list[Any]


@jax.jit
def crossings_of(generator: Generator, z: jax.Array) -> list[Any]:
    cuts = range(len(generator.stages) + 1)
    return [generator.apply(generator.params, z, 0, cut) for cut in cuts]


@jax.jit
def render_all(cut: Mapping[Any, tuple[Split, Codes]]) -> dict:
    """Renders codes by space and cut; a program for each would take much longer to compile."""
    return {place: render(split, codes) for place, (split, codes) in cut.items()}


render_at, fuse_at = jax.jit(render), jax.jit(fuse)


@pytest.fixture(scope="module", params=CONFIGS)
def case(request: pytest.FixtureRequest) -> Case:
    generator = untrained(CONFIGS[request.param], seed=3)
    shape = (COUNT, *generator.latent_shape)
    z = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return Case(generator, z, jax.tree.map(np.asarray, crossings_of(generator, z)))


def styles_of(crossing: Any, index: int) -> jax.Array | None:
    """The styles that travel with one code."""
    styles = as_features(crossing).styles
    return None if styles is None else styles[index]


def assert_close(mine, expected):
    np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("terms", [False, True])
@pytest.mark.parametrize("shape", [(3, 4, 4, 5), (1, 2, 6, 3), (4, 7)])
def test_compose_is_a_weighted_sum(shape: tuple[int, ...], terms: bool):
    """And so are its gradients."""
    random = np.random.default_rng(0)
    features, weight = (random.normal(size=s).astype(np.float32) for s in (shape, shape[1:]))
    alpha = random.normal(size=(shape[0], shape[-1])).astype(np.float32)
    with formulated(Formulation(terms=terms)):
        mine, gradients = jax.vjp(compose, features, alpha)
        of_features, of_alpha = gradients(jnp.asarray(weight))
        # A new function, which JAX has not traced in the other formulation.
        program = jax.make_jaxpr(lambda *both: compose(*both))(features, alpha)
    assert ("dot_general" in str(program)) == (not terms)
    expected = np.zeros(shape[1:])
    for n in range(shape[0]):
        for c in range(shape[-1]):
            expected[..., c] += features[n, ..., c] * alpha[n, c]
            expected_of_alpha = np.sum(weight[..., c] * features[n, ..., c])
            np.testing.assert_allclose(of_alpha[n, c], expected_of_alpha, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(
                of_features[n, ..., c], weight[..., c] * alpha[n, c], rtol=1e-5, atol=1e-6
            )
    np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 5), (3, 4), (5, 3)])
def test_compose_refuses_what_does_not_fit(shape):
    with pytest.raises(ValueError, match="do not fit"):
        compose(jnp.zeros((3, 4, 4, 5)), jnp.zeros(shape))


def test_all_importance_on_one_code_is_that_code_at_every_cut(case: Case):
    generator, z, crossings = case
    chosen = 1
    codes = {}
    for cut in range(len(generator.stages) + 1):
        split = generator.split(cut)
        alpha = np.zeros((COUNT, split.channels), np.float32)
        alpha[chosen] = 1
        codes[f"z {cut}"] = split, Codes(z, alpha, styles_of(crossings[cut], chosen))
    for image in render_all(codes).values():
        assert_close(image, crossings[-1][chosen])
    assert np.abs(crossings[-1][chosen] - crossings[-1][0]).max() > 1e-2


# For Z this is tested at every cut of more networks in generators/test_properties.py.
@pytest.mark.parametrize("case", STYLE_BASED, indirect=True)
def test_one_code_of_full_importance_is_the_generator_in_every_space(case: Case):
    generator, _, crossings = case
    last = len(generator.stages)
    places = [("z", 3), ("w", 1), ("w", 2), ("w", 4), ("w", last)]
    places += [("w+", cut) for cut in range(2, last + 1)]
    codes = {}
    for space, cut in places:
        split = generator.split(cut, space)
        z = crossings[generator.space(space)][:1]
        alpha = np.ones((1, split.channels), np.float32)
        codes[f"{space} {cut}"] = split, Codes(z, alpha, styles_of(crossings[cut], 0))
    for image in render_all(codes).values():
        assert_close(image, crossings[-1][0])


def test_codes_begin_equally_important_in_every_space(case: Case):
    generator = case.generator
    key, cut = jax.random.key(4), len(generator.stages) - 1
    splits = {name: generator.split(cut, name) for name, _ in generator.config.spaces}
    begun = {name: init_codes(split, key, COUNT) for name, split in splits.items()}
    crossings = crossings_of(generator, begun["z"].z)
    for space, codes in begun.items():
        # The codes of W and W+ are those of Z, mapped.
        assert_close(codes.z, crossings[generator.space(space)])
        shape = (COUNT, splits[space].channels)
        np.testing.assert_array_equal(codes.alpha, np.full(shape, 1 / COUNT, np.float32))
        assert codes.residual is None and codes.noise is None
        named = init_codes(generator.split(generator.stages[cut - 1], space), key, COUNT)
        jax.tree.map(np.testing.assert_array_equal, codes, named)
    mean = jax.tree.map(lambda x: x.mean(0), as_features(crossings[cut]))
    # The tail has styles of its own.
    mean = mean._replace(styles=None)
    jax.tree.map(assert_close, fuse_at(splits["z"], begun["z"]), mean)


def test_importances_of_the_map_come_before_those_of_the_image(case: Case):
    generator, z, crossings = case
    split = generator.split(len(generator.stages) - 1)
    alpha = np.random.default_rng(1).normal(size=(COUNT, split.channels)).astype(np.float32)
    fused = fuse_at(split, Codes(z, alpha))
    crossing = as_features(crossings[split.cut])
    channels = crossing.maps.shape[-1]
    assert_close(fused.maps, np.einsum("nhwc,nc->hwc", crossing.maps, alpha[:, :channels]))
    assert fused.styles is None and (fused.rgb is None) == (crossing.rgb is None)
    if crossing.rgb is not None:
        assert_close(fused.rgb, np.einsum("nhwc,nc->hwc", crossing.rgb, alpha[:, channels:]))
    # Every code has its part in it.
    parts = jax.jit(contribute)(split, Codes(z, alpha))
    jax.tree.map(lambda part, whole: assert_close(part.sum(0), whole), parts, fused)
    assert_close(parts.maps[1], crossing.maps[1] * alpha[1, :channels])


def test_importances_of_map_image_and_factors_follow_each_other():
    source = np.random.default_rng(0)
    shapes = (2, 4, 4, 3), (2, 8, 8, 2), (2, 1, 1, 2)
    maps, rgb, factors = (jnp.asarray(source.normal(size=shape)) for shape in shapes)
    alpha = jnp.asarray(source.normal(size=(2, 7)))
    fused = fuse_features(Features(maps, rgb, maps, factors), alpha)
    assert fused.styles is None
    assert_close(fused.maps, compose(maps, alpha[:, :3]))
    assert_close(fused.rgb, compose(rgb, alpha[:, 3:5]))
    assert_close(fused.factors, compose(factors, alpha[:, 5:]))
    with pytest.raises(ValueError, match="do not fit"):
        fuse_features(Features(maps, rgb, None, factors), jnp.ones((2, 8)))


def test_whitened_feature_maps_are_orthonormal(case: Case):
    generator, _, crossings = case
    split = generator.split(len(generator.stages) - 1)
    features = as_features(crossings[split.cut])
    change = whitening(features)
    assert change.shape == (split.channels, COUNT, COUNT)
    maps = []
    for n in range(COUNT):
        composed = fuse_features(features, change[:, n].T)
        parts = jax.tree.leaves(composed)
        maps.append(np.concatenate([np.reshape(part, (-1, part.shape[-1])) for part in parts], 1))
    products = np.einsum("npc,mpc->cnm", maps, maps) / len(maps[0])
    alive = products[:, 0, 0] > 0.5
    assert alive.any()
    expected = np.broadcast_to(np.eye(COUNT), products[alive].shape)
    np.testing.assert_allclose(products[alive], expected, atol=0.05)


def test_whitening_leaves_dead_and_repeated_channels_finite():
    maps = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    maps[..., 0] = 0
    maps[1, ..., 1] = maps[0, ..., 1]
    assert np.isfinite(whitening(Features(jnp.asarray(maps)))).all()


def test_the_tail_starts_from_the_mean_style(case: Case):
    generator = case.generator
    has_styles = []
    for cut, crossing in enumerate(generator.shapes):
        split, travelling = generator.split(cut), as_features(crossing).styles
        styles = split.mean_styles
        has_styles.append(styles is not None)
        assert (styles is None) == (travelling is None)
        begun = init_codes(split, jax.random.key(0), 2)
        if styles is None or travelling is None:
            assert begun.styles is None
            continue
        assert styles.shape == travelling.shape[1:]
        mean = generator.params["truncation"]["mean"]
        np.testing.assert_array_equal(styles, np.broadcast_to(mean, styles.shape))
        np.testing.assert_array_equal(begun.styles, styles)
    # Behind the first layer and before the image; other families have none at all.
    assert any(has_styles) == ("stylegan" in generator.family)
    assert not has_styles[0] and not has_styles[-1]


def test_latent_codes_are_standard_normal_and_follow_their_key():
    split = untrained(DCGANConfig(500, (4, 4))).split(1)
    first, same, other = (init_codes(split, jax.random.key(k), 20).z for k in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert abs(np.mean(first)) < 0.05 and abs(np.std(first) - 1) < 0.05
    assert abs(np.corrcoef(np.ravel(first), np.ravel(other))[0, 1]) < 0.05
    # Codes of one image differ as much as those of two.
    assert np.abs(np.corrcoef(first)[np.triu_indices(20, 1)]).max() < 0.25


@pytest.mark.parametrize(
    ("count", "layer", "space", "message"),
    [
        (0, 2, "z", "codes: 0, at least 1"),
        (-3, 2, "z", "codes: -3, at least 1"),
        (2, 7, "z", "layer 7: untrained has the cuts 0 to 6"),
        (2, -1, "z", "layer -1: "),
        (2, "layer9", "z", "layer layer9: .* stages mapping, truncation, layer0"),
        (2, 2, "y", r"space y: untrained has the spaces z, w, w\+"),
        (2, 0, "w", "layer 0: lies before the space w, which is cut 1"),
        (2, "mapping", "w+", r"layer mapping: lies before the space w\+, which is cut 2"),
    ],
)
def test_impossible_codes_are_refused(count, layer, space, message):
    generator = untrained(CONFIGS["stylegan2"])
    with pytest.raises(SettingError, match=message):
        init_codes(generator.split(layer, space), jax.random.key(0), count)


# The families differ in what crosses a cut: a map, a map and an image, those and styles.
@pytest.mark.parametrize("case", ["dcgan", "pggan blended", "stylegan2"], indirect=True)
def test_a_residual_is_added_to_the_composed_map(case: Case):
    generator, z, crossings = case
    split = generator.split(len(generator.stages) - 1)
    alpha = np.full((COUNT, split.channels), 1 / COUNT, np.float32)
    codes = Codes(z, alpha, styles_of(crossings[split.cut], 0))
    fused = fuse_at(split, codes)
    zeros = jax.tree.map(np.zeros_like, fused)
    without = render_at(split, codes)
    image = render_at(split, codes._replace(residual=zeros))
    np.testing.assert_array_equal(image, without)
    # Without importances the residual is all there is.
    alone = codes._replace(alpha=np.zeros_like(alpha), residual=fused)
    assert_close(render_at(split, alone), without)
    turned = render_at(split, codes._replace(alpha=-alpha))
    twice = jax.tree.map(lambda x: -2 * np.asarray(x), fused)
    assert_close(render_at(split, codes._replace(residual=twice)), turned)
    assert np.abs(turned - without).max() > 1e-2


@pytest.mark.parametrize("name", STYLE_BASED)
def test_noise_of_the_codes_replaces_the_stored(name: str):
    generator = untrained(CONFIGS[name])
    split = generator.split("layer1")
    codes = init_codes(split, jax.random.key(0), 2)
    stored = split.noise_maps
    assert set(stored) == {stage for stage in generator.stages if stage.startswith("layer")}
    before = render_at(split, codes)
    again = render_at(split, codes._replace(noise=stored))
    np.testing.assert_array_equal(again, before)
    images = {}
    for changed in stored:  # In front of the cut and behind it.
        noise = {**stored, changed: -np.asarray(stored[changed])}
        images[changed] = render_at(split, codes._replace(noise=noise))
        assert np.abs(images[changed] - before).max() > 1e-4
    # A map alone is enough; the others are the stored ones.
    alone = codes._replace(noise={"layer0": -np.asarray(stored["layer0"])})
    assert_close(render_at(split, alone), images["layer0"])


# Slices and what is computed again change the cost alone.
@pytest.mark.parametrize("case", ["pggan blended", "stylegan2"], indirect=True)
def test_slices_make_the_same_map(case: Case):
    generator, z, crossings = case
    split = generator.split(len(generator.stages) - 1)
    alpha = np.random.default_rng(1).normal(size=(COUNT, split.channels)).astype(np.float32)
    codes = Codes(z, alpha, styles_of(crossings[split.cut], 0))
    at_once = fuse_at(split, codes)
    for slices in (1, 3):
        sliced = jax.jit(fuse, static_argnums=2)(split, codes, slices)
        jax.tree.map(assert_close, sliced, at_once)
