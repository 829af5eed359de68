"""Every generator family x every property that all of them share, on small random networks."""

import dataclasses
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mgp_jax.codes import Codes, render
from mgp_jax.errors import SettingError
from mgp_jax.generators import (
    BigGANConfig,
    DCGANConfig,
    Generator,
    Labels,
    LightweightGANConfig,
    MobileStyleGANConfig,
    PGGANConfig,
    SequentialConfig,
    SNGANConfig,
    StyleGAN2Config,
    StyleGAN2PyTorchConfig,
    StyleGANConfig,
    load_generator,
    make_generator,
    random_generator,
    random_noise,
    save_weights,
)
from mgp_jax.generators.crossing import as_features
from mgp_jax.generators.stack_layers import (
    Convolution,
    Dense,
    Pad,
    PixelShuffle,
    Transposed,
    Upsample,
)
from mgp_jax.generators.stack_pointwise import Activation, Affine, GroupNorm, PReLU

SKIP = StyleGAN2Config(5, 4, (6, 4), (6, 4, 4))
CONFIGS = {
    "dcgan": DCGANConfig(5, (6, 4)),
    "sequential": SequentialConfig(
        5,
        (
            *(Dense(3, 3, 6, bias_per_pixel=True), Affine(per_pixel=True), Activation("elu", 0.5)),
            *(Upsample(2, "bilinear"), Convolution(4, (3, 3), (1, 1), ((1, 1), (1, 1)))),
            *(GroupNorm(groups=2), PReLU(), Transposed(12, (5, 5), (2, 2), ((2, 1), (2, 1)))),
            *(PixelShuffle(2), Pad(((1, 1), (1, 1)), "reflect"), Convolution(3, (3, 3))),
        ),
        output="sigmoid",
        latent="uniform",
        labels=Labels(3, 5, "multiply"),
    ),
    "biggan": BigGANConfig(5, Labels(3, 2), (16, 8, 4), (False, True), (1,), 4, truncation=0.7),
    "sngan": SNGANConfig(5, (8, 4), 3),
    "sngan conditional": SNGANConfig(5, (8, 8), 4, (1,), labels=Labels(3, 2)),
    "pggan": PGGANConfig(5, (6, 6, 4, 4)),
    "pggan blended": PGGANConfig(5, (6, 6, 4, 4), final_tanh=True, blend=0.25, enlarge=2),
    "stylegan": StyleGANConfig(5, 4, (6, 4), (6, 6, 4, 4)),
    "stylegan truncated, a style for every layer": StyleGANConfig(
        5, 4, (6, 16), (6, 6, 4, 4), truncation_psi=0.7, truncation_cutoff=3, enlarge=2
    ),
    "stylegan2 skip": SKIP,
    "stylegan2 origin, clamped": dataclasses.replace(
        SKIP, architecture="origin", final_tanh=True, conv_clamp=0.8, labels=Labels(3, 2)
    ),
    "stylegan2_pytorch": StyleGAN2PyTorchConfig(5, 4, (6, 4), (6, 4)),
    "stylegan2_pytorch with attention": StyleGAN2PyTorchConfig(
        5, 4, (6, 4), (6, 4, 4), attention=(0, 2), starts_from_style=True
    ),
    "lightweight_gan": LightweightGANConfig(5, (4, 4, 6, 4, 3, 3)),
    "lightweight_gan with attention": LightweightGANConfig(
        5, (4, 4, 18, 3, 3, 3), (1,), "frequency", True
    ),
    "mobile_stylegan": MobileStyleGANConfig(5, 4, (6, 4), (8, 4, 4)),
    "mobile_stylegan truncated": MobileStyleGANConfig(
        5, 4, (6, 4), (4, 4, 5), final_tanh=True, truncation_psi=0.7, truncation_cutoff=2
    ),
}
STYLE_FAMILIES = [name for name in CONFIGS if "stylegan" in name]
NOISY = ("stylegan", "lightweight_gan")
BATCH = 3


class Case(NamedTuple):
    """A generator and what it does to some latent codes.

    Attributes:
        generator: the generator.
        z: latent codes.
        crossings: what crosses every cut, run stage by stage; the last is the image.
    """

    generator: Generator
    z: jax.Array
    crossings: list[Any]


run = partial(jax.jit, static_argnums=(2, 3))(
    lambda generator, x, start, stop: generator.apply(generator.params, x, start, stop)
)


@pytest.fixture(scope="module", params=CONFIGS)
def case(request: pytest.FixtureRequest) -> Case:
    made = random_generator(CONFIGS[request.param], seed=1)
    # Biases and means start at 0 or 1: moved away from that, a forgotten one shows.
    leaves, tree = jax.tree.flatten(made.params)
    noise = np.random.default_rng(2)
    leaves = [leaf + np.float32(0.2) * noise.normal(size=leaf.shape) for leaf in leaves]
    leaves = [jnp.asarray(leaf, jnp.float32) for leaf in leaves]
    generator = dataclasses.replace(made, params=jax.tree.unflatten(tree, leaves))
    crossings = [latents(generator)]
    for k in range(len(generator.stages)):
        crossings.append(run(generator, crossings[-1], k, k + 1))
    return Case(generator, crossings[0], crossings)


@pytest.fixture
def generator(case: Case) -> Generator:
    return case.generator


def latents(generator: Generator) -> jax.Array:
    return jax.random.normal(jax.random.key(0), (BATCH, *generator.latent_shape))


def assert_same(mine, expected, tolerance: float = 1e-5):
    for a, b in zip(jax.tree.leaves(mine), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_the_image_has_the_announced_form(case: Case):
    generator, image = case.generator, case.crossings[-1]
    assert image.shape == (BATCH, generator.resolution, generator.resolution, 3)
    assert image.dtype == jnp.float32
    assert np.isfinite(image).all()
    assert np.asarray(image).std((0, 1, 2)).min() > 0


def test_split_then_run_equals_the_whole(case: Case):
    for cut, crossing in enumerate(case.crossings):
        assert_same(run(case.generator, crossing, cut, None), case.crossings[-1])


def test_slices_equal_at_once(case: Case):
    @jax.jit
    def from_the_start(generator: Generator, z: jax.Array) -> list:
        cuts = range(len(generator.stages) + 1)
        return [generator.apply(generator.params, z, 0, cut) for cut in cuts]

    assert_same(from_the_start(case.generator, case.z), case.crossings)


def test_what_crosses_a_cut_is_announced(case: Case):
    for announced, crossing in zip(case.generator.shapes, case.crossings, strict=True):
        assert jax.tree.structure(crossing) == jax.tree.structure(announced)
        for mine, shape in zip(*map(jax.tree.leaves, (crossing, announced)), strict=True):
            assert (mine.shape[1:], mine.dtype) == (shape.shape[1:], shape.dtype)
            assert (mine.shape[0], shape.shape[0]) == (BATCH, 1)


def test_split_then_composed_is_the_whole_at_every_cut_and_space(case: Case):
    """One code of full importance: in front of the cut, across it and behind it."""
    generator, codes = case.generator, []
    for space, start in generator.config.spaces:
        for cut in range(start, len(generator.stages) + 1):
            split = generator.split(cut, space)
            assert (split.cut, split.space) == (cut, space)
            styles = as_features(case.crossings[cut]).styles
            styles = None if styles is None else styles[0]
            alpha = jnp.ones((1, split.channels))
            codes.append((split, Codes(case.crossings[start][:1], alpha, styles)))
    # A program for each would take much longer to compile.
    rendered = jax.jit(lambda codes: [render(split, one) for split, one in codes])
    for image in rendered(codes):
        assert_same(image, case.crossings[-1][0])


def test_codes_of_every_space_reach_the_same_image(case: Case):
    spaces = dict(case.generator.config.spaces)
    assert spaces["z"] == 0
    for name, cut in spaces.items():
        assert case.generator.space(name) == cut
        assert isinstance(case.crossings[cut], jax.Array)
        assert_same(run(case.generator, case.crossings[cut], cut, None), case.crossings[-1])


def test_vmap_equals_a_loop(case: Case):
    @jax.jit
    def one(generator: Generator, z: jax.Array) -> jax.Array:
        return generator.apply(generator.params, z[None])[0]

    together = jax.jit(jax.vmap(one, (None, 0)))(case.generator, case.z)
    assert_same(together, jnp.stack([one(case.generator, code) for code in case.z]))
    assert_same(together, case.crossings[-1])


def test_gradient_equals_finite_differences(generator: Generator):
    with jax.enable_x64(True):
        params = jax.tree.map(lambda p: jnp.asarray(p, jnp.float64), generator.params)
        key = jax.random.key(5)
        x: jax.Array = jax.random.normal(key, (2, *generator.latent_shape), jnp.float64)

        @jax.jit
        def loss(x: jax.Array) -> jax.Array:
            image = generator.apply(params, x)
            return jnp.sum(image * jnp.cos(jnp.arange(image.size).reshape(image.shape)))

        gradient = jax.jit(jax.grad(loss))(x)
        assert gradient.dtype == jnp.float64
        assert np.isfinite(gradient).all()
        for k in range(3):
            way = jax.random.normal(jax.random.fold_in(key, k), x.shape, jnp.float64)
            step = 1e-6
            slope = (loss(x + step * way) - loss(x - step * way)) / (2 * step)
            np.testing.assert_allclose(jnp.sum(gradient * way), slope, rtol=1e-6, atol=1e-7)


def test_names_and_indices_of_cuts_agree(generator: Generator):
    stages = generator.stages
    assert stages == tuple(generator.params) or set(stages) == set(generator.params)
    assert len(set(stages)) == len(stages)
    assert [generator.cut(name) for name in stages] == list(range(1, len(stages) + 1))
    assert [generator.cut(str(k)) for k in range(len(stages) + 1)] == list(range(len(stages) + 1))
    for wrong in (len(stages) + 1, "layer99"):
        with pytest.raises(SettingError, match=stages[-1]):
            generator.cut(wrong)
    with pytest.raises(SettingError, match="z"):
        generator.space("x")


def test_weights_survive_a_file(generator: Generator, tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    config = dataclasses.asdict(generator.config)  # type: ignore[arg-type]
    save_weights(path, generator.family, config, generator.params, {"from": "here"}, "CC0-1.0")
    loaded = load_generator(path)
    assert loaded.config == generator.config
    assert loaded.licence == "CC0-1.0"
    assert dict(loaded.provenance)["from"] == "here"
    assert jax.tree.structure(loaded.params) == jax.tree.structure(dict(generator.params))
    assert_same(loaded.params, generator.params, 0)
    # The whole network as data: what `apply` does depends on nothing else.
    assert (loaded.family, loaded.graph) == (generator.family, generator.graph)


def test_every_class_has_an_image_of_its_own(case: Case):
    generator = case.generator
    if not generator.classes:
        with pytest.raises(SettingError, match="has no classes"):
            generator.with_label(0)
        return
    count = generator.classes
    images = [run(generator.with_label(k), case.z, 0, None) for k in range(count)]
    assert min(np.abs(one - other).max() for one, other in pairwise(images)) > 1e-3
    # A label is a vector: weights choose and mix.
    one = run(generator.with_label(np.eye(count)[1]), case.z, 0, None)
    assert_same(one, images[1])
    even = generator.with_label(np.full(count, 1 / count))
    assert_same(run(generator.with_label("mean"), case.z, 0, None), run(even, case.z, 0, None))
    for wrong in (count, -1, "cat", np.ones(count + 1)):
        with pytest.raises(SettingError, match=generator.name):
            generator.with_label(wrong)


def test_random_noise_acts_where_there_is_noise(case: Case):
    generator, stored = case.generator, case.generator.params
    renewed = random_noise(stored, jax.random.key(0))
    assert_same(renewed, random_noise(stored, jax.random.key(0)), 0)
    image = run(dataclasses.replace(generator, params=renewed), case.z, 0, None)
    difference = np.abs(image - case.crossings[-1]).max()
    assert (difference > 1e-3) == any(name in generator.family for name in NOISY)
    # Nothing but the noise is replaced.
    for name, stage in stored.items():
        kept = {k: v for k, v in stage.items() if k != "noise"}
        assert_same({k: renewed[name][k] for k in kept}, kept, 0)
        if "noise" in stage:
            assert np.abs(renewed[name]["noise"] - stage["noise"]).min() > 0


@pytest.mark.parametrize(
    "name", ["stylegan", "stylegan2 skip", "stylegan2_pytorch", "mobile_stylegan"]
)
def test_every_image_of_a_batch_may_have_its_own_noise(name: str):
    generator = random_generator(CONFIGS[name])
    z = latents(generator)
    keys = jax.random.split(jax.random.key(7), BATCH)

    @jax.jit
    def one(z: jax.Array, key: jax.Array) -> jax.Array:
        return generator.apply(random_noise(generator.params, key), z[None])[0]

    expected = jnp.stack([one(code, key) for code, key in zip(z, keys, strict=True)])
    assert_same(jax.jit(jax.vmap(one))(z, keys), expected)


@pytest.mark.parametrize("name", STYLE_FAMILIES)
def test_truncation_pulls_towards_the_mean_style(name: str):
    start = random_generator(CONFIGS[name])
    mean = jax.random.normal(jax.random.key(3), start.params["truncation"]["mean"].shape)
    params = {**start.params, "truncation": {"mean": mean}}
    z = latents(start)

    def styles(psi: float, cutoff: int | None = None) -> jax.Array:
        config = dataclasses.replace(
            start.config,  # type: ignore[type-var]
            truncation_psi=psi,
            truncation_cutoff=cutoff,
        )
        generator = make_generator(start.family, config, params)
        return generator.apply(params, z, 0, generator.space("w+"))

    free = styles(1.0)
    assert_same(styles(0.0), jnp.broadcast_to(mean, free.shape), 1e-6)
    assert_same(styles(0.25), mean + 0.25 * (free - mean), 1e-6)
    assert_same(styles(0.25, 2)[:, :2], styles(0.25)[:, :2], 0)
    assert_same(styles(0.25, 2)[:, 2:], free[:, 2:], 0)


@pytest.mark.parametrize(
    "broken",
    [
        lambda: StyleGANConfig(5, 4, (6, 4), (6, 6, 4)),
        lambda: StyleGANConfig(5, 4, (6, 5), (6, 6)),
        lambda: StyleGANConfig(5, 4, (), (6, 6)),
        lambda: StyleGAN2Config(5, 4, (6, 4), (6, 6)),
        lambda: dataclasses.replace(SKIP, architecture="resnet"),
        lambda: MobileStyleGANConfig(5, 4, (6, 4), (8, 4)),
        lambda: MobileStyleGANConfig(5, 4, (6, 4), (6, 4, 4)),
        lambda: BigGANConfig(5, Labels(3, 2), (8, 8), (False, True)),
        lambda: BigGANConfig(5, Labels(3, 2), (4, 8), (True,)),
        lambda: SNGANConfig(5, (8,)),
        lambda: StyleGAN2PyTorchConfig(5, 4, (6, 4), (6, 4), attention=(2,)),
        lambda: LightweightGANConfig(5, (8,)),
        lambda: LightweightGANConfig(5, (8, 8), (0,)),
        lambda: LightweightGANConfig(5, (8, 8), excitation="none"),
        lambda: Labels(0, 2),
        lambda: Labels(3, 2, "beside"),
    ],
)
def test_impossible_settings_are_refused(broken):
    with pytest.raises(SettingError):
        broken()


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [PGGANConfig.standard(1024), StyleGANConfig.standard(1024), StyleGAN2Config.standard(1024)],
)
def test_the_largest_published_networks_render(config):
    generator = random_generator(config)
    assert generator.latent_shape == (512,)
    z = jax.random.normal(jax.random.key(0), (1, 512))
    image = jax.jit(generator.apply)(generator.params, z)
    assert image.shape == (1, 1024, 1024, 3)
    assert np.isfinite(image).all()
    assert np.asarray(image).std() > 0.01
