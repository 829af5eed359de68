"""Every stage of converted StyleGAN and StyleGAN2 generators against the original code's numbers.

The arrays are described in tests/data/golden/README.md. All comparisons are in float32 at the
highest matrix-product precision, within 1e-4 * max(1, max|golden|).
"""

import dataclasses
import functools
import json
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np
import pytest

from convert.conversion import Request, convert_file
from mgp_jax.generators import Features, Generator, load_generator, make_generator
from mgp_jax.generators.style import StyleConfig

GOLDEN = Path(__file__).parents[1] / "data" / "golden"

# With the options that the checkpoint itself does not show.
FIXTURES: dict[str, dict[str, str]] = {
    "stylegan_mganprior": {},
    "stylegan_mganprior_fused": {},
    "stylegan_mganprior_auto128": {},
    "stylegan_genforce": {},
    "stylegan_genforce_fused": {"fused_scale": "true"},
    "stylegan2_mganprior": {},
    "stylegan2_mganprior_origin": {},
    "stylegan2_genforce": {},
    "stylegan2_rosinality": {},
    "stylegan2_rosinality_train": {},
    "stylegan2_ada": {},
    "stylegan2_ada_pkl": {},
    "stylegan2_ada_pkl_oldnames": {},
}
W, W_PLUS = 1, 2


@pytest.fixture(autouse=True)
def highest_precision():
    with jax.default_matmul_precision("highest"):
        yield


@pytest.fixture(scope="module")
def generator_of(tmp_path_factory: pytest.TempPathFactory):
    """Converts a fixture, writes the weights file and loads it, once."""
    folder = tmp_path_factory.mktemp("converted")

    @functools.cache
    def make(name: str) -> Generator:
        path = folder / f"{name}.safetensors"
        source = next(p for p in GOLDEN.glob(f"{name}.*") if p.suffix in (".pth", ".pkl"))
        convert_file(source, Request(options=FIXTURES[name])).save(path)
        return load_generator(path)

    return make


def golden(name: str) -> Mapping[str, np.ndarray]:
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        return dict(arrays)


def assert_close(mine, expected: np.ndarray, what: str):
    mine = np.asarray(mine)
    assert mine.shape == expected.shape, what
    error = np.abs(mine - expected).max()
    assert error <= 1e-4 * max(1, np.abs(expected).max()), f"{what}: off by {error}"


def nchw(x) -> np.ndarray:
    """Returns maps with the channels in front; of 128 pixels every fourth, as they are kept."""
    x = np.moveaxis(np.asarray(x), -1, 1)
    return x[..., ::4, ::4] if x.shape[-1] == 128 else x


@jax.jit
def run_synthesis(generator: Generator, styles: jax.Array) -> dict:
    made = {}
    x = styles
    for k in range(W_PLUS, len(generator.stages)):
        x = made[generator.stages[k]] = generator.apply(generator.params, x, k, k + 1)
    return made


def synthesis(generator: Generator, styles: np.ndarray | jax.Array) -> dict:
    """Returns what every stage behind the styles makes, in batches of one size: one compilation."""
    missing = 3 - len(styles)
    made = run_synthesis(generator, np.pad(styles, ((0, missing), (0, 0), (0, 0)), "edge"))
    return jax.tree.map(lambda x: x[: len(styles)], made)


def run_stages(generator: Generator, z: np.ndarray) -> dict:
    """Returns what every stage makes."""
    w = generator.apply(generator.params, z, 0, W)
    styles = generator.apply(generator.params, w, W, W_PLUS)
    return {"mapping": w, "truncation": styles} | synthesis(generator, styles)


def truncated(generator: Generator, psi: float, cutoff: int | None = None) -> Generator:
    assert isinstance(generator.config, StyleConfig)
    config = dataclasses.replace(generator.config, truncation_psi=psi, truncation_cutoff=cutoff)
    return make_generator(generator.family, config, generator.params)


@pytest.mark.parametrize("name", FIXTURES)
def test_every_stage(name, generator_of):
    arrays, generator = golden(name), generator_of(name)
    made = run_stages(generator, arrays["z"])
    assert_close(made["mapping"], arrays["w"], "w")
    layers = [stage for stage in generator.stages if stage.startswith("layer")]
    checked = set()
    for key, expected in arrays.items():
        kind, _, number = key.rpartition("_")
        if kind not in ("feat", "featmean", "featrms"):
            continue
        crossing = made[f"layer{number}"]
        assert isinstance(crossing, Features)
        maps = crossing.maps
        mine = {
            "feat": nchw(maps)[: len(expected)],
            "featmean": maps.mean((1, 2)),
            "featrms": (maps**2).mean((1, 2)) ** 0.5,
        }[kind]
        assert_close(mine, expected, key)
        checked.add(f"layer{number}")
    assert checked == set(layers)
    assert_close(nchw(made["to_rgb"]), arrays["image"], "image")


@pytest.mark.parametrize("name", [name for name in FIXTURES if name.startswith("stylegan2")])
def test_the_accumulated_image_crosses_the_cut_behind_a_to_rgb(name, generator_of):
    arrays, generator = golden(name), generator_of(name)
    made = run_stages(generator, arrays["z"])
    keys = [key for key in arrays if key.startswith("rgb_")]
    assert bool(keys) == (generator.config.architecture == "skip")
    for key in keys:
        crossing = made[f"layer{2 * int(key.removeprefix('rgb_'))}"]
        assert_close(nchw(crossing.rgb)[: len(arrays[key])], arrays[key], key)
    if not keys:
        assert all(x.rgb is None for x in made.values() if isinstance(x, Features))


@pytest.mark.parametrize("name", FIXTURES)
def test_a_style_for_every_layer(name, generator_of):
    arrays, generator = golden(name), generator_of(name)
    image = synthesis(generator, arrays["wp_in"])["to_rgb"]
    assert_close(nchw(image), arrays["image_wp"], "image_wp")


@pytest.mark.parametrize("name", [n for n in FIXTURES if not n.endswith("_train")])
def test_truncation(name, generator_of):
    arrays, generator = golden(name), generator_of(name)
    facts = json.loads((GOLDEN / f"{name}.json").read_text())["config"]
    cases = {"image_psi07": truncated(generator, 0.7)}
    if "image_psi07_cut" in arrays:  # rosinality has no cut-off
        part = truncated(generator, facts["truncation_psi"], facts["truncation_cut"])
        cases["image_psi07_cut"] = part
        expected = arrays["wp_psi07_cut"]
        styles = part.apply(part.params, arrays["z"][: len(expected)], 0, W_PLUS)
        assert_close(styles, expected, "wp_psi07_cut")
    for key, case in cases.items():
        expected = arrays[key]
        styles = case.apply(case.params, arrays["z"][: len(expected)], 0, W_PLUS)
        # Truncation is over: the generator without it makes the image of these styles.
        assert_close(nchw(synthesis(generator, styles)["to_rgb"]), expected, key)
