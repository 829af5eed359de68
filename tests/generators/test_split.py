"""A prior in two halves: of every family at every cut, and of two plain functions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import CONFIGS, untrained

from mgp_jax.errors import SettingError
from mgp_jax.generators import Features, Generator, Split
from mgp_jax.generators.crossing import as_features

BATCH = 2
STYLE_BASED = {"stylegan", "stylegan2", "mobile_stylegan"}


@pytest.fixture(scope="module", params=CONFIGS)
def generator(request: pytest.FixtureRequest) -> Generator:
    return untrained(CONFIGS[request.param], seed=3)


@pytest.fixture(scope="module")
def crossings(generator: Generator) -> list[Any]:
    """What crosses every cut for two codes of Z; the last is the images."""
    shape = (BATCH, *generator.latent_shape)
    z = np.random.default_rng(0).normal(size=shape).astype(np.float32)

    @jax.jit
    def run(params: Any, z: Any) -> list[Any]:
        found = [z]
        for cut in range(len(generator.stages)):
            found.append(generator.apply(params, found[-1], cut, cut + 1))
        return found

    return jax.tree.map(np.asarray, run(generator.params, z))


def splits_of(generator: Generator) -> list[Split]:
    """One for every space and every cut behind it."""
    return [
        generator.split(cut, space)
        for space, start in generator.config.spaces
        for cut in range(start, len(generator.stages) + 1)
    ]


def assert_same(mine: Any, expected: Any, tolerance: float = 1e-5):
    assert jax.tree.structure(mine) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(mine), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def shapes_of(tree: Any) -> Any:
    return jax.tree.map(lambda x: (x.shape, x.dtype), tree)


def test_head_and_tail(generator: Generator, crossings: list[Any]):
    splits = splits_of(generator)
    codes = [crossings[generator.space(split.space)] for split in splits]

    @jax.jit
    def run(splits: list[Split], codes: list[Any]) -> list[Any]:
        heads = [split.head(z) for split, z in zip(splits, codes, strict=True)]
        tails = [split.tail(passed) for split, passed in zip(splits, heads, strict=True)]
        # Nothing but what is kept for the gradient is different.
        again = [split.tail(passed, True) for split, passed in zip(splits, heads, strict=True)]
        return list(zip(heads, tails, again, strict=True))

    for split, z, (passed, images, again) in zip(splits, codes, run(splits, codes), strict=True):
        assert split.latent_shape == z.shape[1:]
        assert_same(passed, as_features(crossings[split.cut]))
        assert_same(images, crossings[-1])
        assert_same(again, crossings[-1])
        assert split.image_shape == generator.image_shape == images.shape[1:]
        assert shapes_of(split.crossing) == jax.tree.map(
            lambda x: (x.shape[1:], x.dtype), as_features(crossings[split.cut])
        )
        channels = [leaf.shape[-1] for leaf in (passed.maps, passed.rgb) if leaf is not None]
        assert split.channels == sum(channels)


def test_what_a_split_is_called(generator: Generator):
    names = ("latent code", *generator.stages)
    for split in splits_of(generator):
        assert split.name == generator.name and split.cut_name == names[split.cut]
        assert split.dtype == jnp.float32
        assert split.generator.graph == generator.graph
        assert split.generator.config == generator.config
        assert split.generator.params is generator.params
    texts = [split.halves.description for split in splits_of(generator)]
    assert len(set(texts)) == len(texts)
    assert all(generator.family in text for text in texts)
    # Programs are compiled for what is not a parameter, so it must be the same again.
    assert hash(generator.split(1).halves) == hash(generator.split(1).halves)
    assert generator.split(1).halves == generator.split(generator.stages[0]).halves
    assert generator.split(1).halves != generator.split(2).halves


def test_layers_and_what_lies_between_them(generator: Generator, crossings: list[Any]):
    split = generator.split()
    sizes = {
        cut: as_features(x).maps.shape[1]
        for cut, x in enumerate(crossings[:-1])
        if as_features(x).maps.ndim == 4
    }
    assert split.layers == tuple(cut for cut in sizes if cut <= generator.default_cut())
    assert split.cut == split.layers[-1] == generator.default_cut()

    @jax.jit
    def run(split: Split, passed: dict[int, Features]) -> dict[int, Any]:
        first = split.layers[0]
        return {
            cut: (split.between(passed[first], first, cut), split.at(cut).tail(passed[cut]))
            for cut in split.layers
        }

    passed = {cut: as_features(crossings[cut]) for cut in split.layers}
    for cut, (between, images) in run(split, passed).items():
        assert split.at(cut).cut == cut
        assert split.at(cut).halves == generator.split(cut).halves
        assert_same(between, passed[cut])
        assert_same(images, crossings[-1])


def test_codes_are_drawn_in_their_space(generator: Generator):
    key = jax.random.key(4)
    latents = jax.random.normal(key, (3, *generator.latent_shape))
    for space, start in generator.config.spaces:
        split = generator.split(start, space)
        drawn = jax.jit(lambda split: split.draw(key, 3))(split)
        expected = jax.jit(generator.apply, static_argnums=(2, 3))(
            generator.params, latents, 0, start
        )
        assert_same(drawn, expected)
        assert drawn.shape == (3, *split.latent_shape)


def test_the_mean_style_is_a_code_in_style_spaces_alone(generator: Generator):
    styled = generator.family in STYLE_BASED
    mean = generator.params["truncation"]["mean"] if styled else None
    for split in splits_of(generator):
        if mean is None or split.space == "z":
            assert split.mean_code is None
        else:
            assert split.mean_code is not None
            assert split.mean_code.shape == split.latent_shape
            assert_same(split.mean_code, np.broadcast_to(mean, split.latent_shape), 0)
        travelling = split.crossing.styles
        if mean is None or travelling is None:
            assert split.mean_styles is None
        else:
            assert_same(split.mean_styles, np.broadcast_to(mean, travelling.shape), 0)
    assert {split.space for split in splits_of(generator)} == (
        {"z", "w", "w+"} if styled else {"z"}
    )


def test_noise_maps(generator: Generator, crossings: list[Any]):
    split = generator.split()
    stored = split.noise_maps
    if generator.family not in STYLE_BASED:
        assert stored == {}
        return
    assert set(stored) == {name for name in generator.stages if name.startswith("layer")}
    for name, noise in stored.items():
        assert noise.ndim == 4 and noise.shape[0] == noise.shape[3] == 1
        assert_same(noise, generator.params[name]["noise"], 0)
    assert split.with_noise(None) is split and split.with_noise({}) is split
    render = jax.jit(lambda split, z: split.tail(split.head(z)))
    z = crossings[0]
    assert_same(render(split.with_noise(stored), z), crossings[-1])
    for name, noise in stored.items():
        other = split.with_noise({name: noise + 1})
        assert_same(other.noise_maps[name], noise + 1, 0)
        for kept in set(stored) - {name}:
            assert other.noise_maps[kept] is stored[kept]
        assert np.abs(render(other, z) - crossings[-1]).max() > 1e-3
    # The split itself is as it was.
    assert_same(split.noise_maps, stored, 0)


@pytest.mark.parametrize(
    ("layer", "space", "message"),
    [
        (7, "z", "layer 7: untrained has the cuts 0 to 6"),
        (-1, "z", "layer -1: "),
        ("layer9", "z", "layer layer9: .* stages mapping, truncation, layer0"),
        (2, "y", r"space y: untrained has the spaces z, w, w\+"),
        (0, "w", "layer 0: lies before the space w, which is cut 1"),
        ("mapping", "w+", r"layer mapping: lies before the space w\+, which is cut 2"),
    ],
)
def test_impossible_cuts_are_refused(layer: Any, space: str, message: str):
    with pytest.raises(SettingError, match=message):
        untrained(CONFIGS["stylegan2"]).split(layer, space)


PARAMS = {"head": np.random.default_rng(0).normal(size=(5, 48)).astype(np.float32), "gain": 2.0}


def head(params: Any, z: jax.Array) -> jax.Array:
    return (z @ params["head"]).reshape(-1, 4, 4, 3)


def tail(params: Any, maps: jax.Array) -> jax.Array:
    return jnp.tanh(params["gain"] * jnp.repeat(jnp.repeat(maps, 2, 1), 2, 2))


def two() -> Split:
    params = jax.tree.map(jnp.asarray, PARAMS)
    return Split.of(head, tail, params, latent_shape=(5,), name="mine")


def test_two_functions_are_a_split():
    split = two()
    z = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    passed = split.head(jnp.asarray(z))
    assert_same(passed, Features((z @ PARAMS["head"]).reshape(3, 4, 4, 3)))
    for remat in (False, True):
        images = split.tail(passed, remat)
        expected = np.tanh(2 * np.asarray(passed.maps).repeat(2, 1).repeat(2, 2))
        np.testing.assert_allclose(images, expected, rtol=1e-5)
    assert split.image_shape == (8, 8, 3) and split.latent_shape == (5,)
    assert shapes_of(split.crossing) == Features(((4, 4, 3), jnp.float32))
    assert split.channels == 3
    assert (split.name, split.space, split.cut) == ("mine", "z", 1)
    assert split.cut_name == "between the two functions"
    # There is one cut, and nothing beside the map.
    assert split.layers == (1,) and split.at(1).halves == split.halves
    assert split.between(passed, 1, 1) is passed
    assert split.mean_code is None and split.mean_styles is None and split.noise_maps == {}
    drawn = split.draw(jax.random.key(0), 2000)
    assert drawn.shape == (2000, 5)
    assert abs(np.mean(drawn)) < 0.05 and abs(np.std(drawn) - 1) < 0.05
    # What is compiled for it is found again.
    assert two().halves == split.halves and hash(two().halves) == hash(split.halves)
    assert "test_split.head" in split.halves.description and "(5,)" in split.halves.description


def test_the_shape_of_images_is_found_once():
    """Every input of a folder asks for it, and finding it traces the whole network."""
    calls = []

    def tail(params: Any, features: Any) -> jax.Array:
        calls.append(features)
        return params["scale"] * features

    split = Split.of(
        lambda params, z: jnp.broadcast_to(z[:, None, None], (len(z), 8, 8, 3)),
        tail,
        {"scale": jnp.ones(3)},
        latent_shape=(3,),
    )
    before = len(calls)
    assert [split.image_shape for _ in range(3)] == [(8, 8, 3)] * 3
    assert len(calls) - before <= 1


def test_two_functions_are_no_generator():
    with pytest.raises(SettingError, match="mine: only a generator with stages can do this"):
        _ = two().generator
    with pytest.raises(SettingError, match="mine: has no noise maps layer0"):
        two().with_noise({"layer0": jnp.zeros((1, 4, 4, 1))})


def raising(params: Any, z: jax.Array) -> jax.Array:
    raise KeyError("weights")


@pytest.mark.parametrize(
    ("functions", "latent_shape", "message"),
    [
        ((head, tail), (4,), "mine: head and tail do not fit each other"),
        ((head, lambda p, h: h @ p["head"]), (5,), "mine: head and tail do not fit each other"),
        ((lambda p, z: z[:, 0, 0, 0], tail), (5,), "mine: head and tail do not fit each other"),
        ((raising, tail), (5,), "mine: head and tail do not fit each other"),
        ((head, lambda p: p), (5,), "mine: head and tail do not fit each other"),
        ((head, lambda p, h: None), (5,), "mine: head and tail do not fit each other"),
        ((head, lambda p, h: h[..., :2]), (5,), r"the tail makes float\[N, 4, 4, 2\], images"),
        ((head, lambda p, h: h[..., 0]), (5,), r"the tail makes float\[N, 4, 4\], images"),
        ((head, lambda p, h: h[0]), (5,), r"the tail makes float\[N, 4, 3\], images"),
        ((head, lambda p, h: h.sum()), (5,), r"the tail makes"),
    ],
)
def test_functions_that_do_not_fit(functions: Any, latent_shape: tuple, message: str):
    params = jax.tree.map(jnp.asarray, PARAMS)
    with pytest.raises(SettingError, match=message) as caught:
        Split.of(functions[0], functions[1], params, latent_shape=latent_shape, name="mine")
    text = str(caught.value)
    assert "\n" not in text and text.startswith("mine: ") and len(text) < 400


def test_a_gray_image_is_one_too():
    split = Split.of(lambda p, z: z.reshape(-1, 2, 2, 1), lambda p, h: h, {}, latent_shape=(4,))
    assert split.image_shape == (2, 2, 1) and split.name == "two functions"
    assert split.dtype == jnp.float32
