"""Generators of well-known packages, every map and image against what the package computed."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import jax
import numpy as np
import pytest
from checkpoints import GOLDEN
from packages import FOLDER, Fixture, pick, read_fixture, write_fixture
from safetensors.numpy import save

from convert.cli import main
from convert.conversion import Conversion, Request, convert_bytes, convert_file
from mgp_jax import invert, psnr
from mgp_jax.errors import CheckpointError, MGPError, SettingError
from mgp_jax.generators import Generator, generate, load_generator, random_latents
from mgp_jax.generators.crossing import as_features
from mgp_jax.generators.zoo import find_generator


class Case(NamedTuple):
    """How to convert a fixture, and what it is.

    Attributes:
        family: the family that comes out.
        options: of the conversion.
        assumed: what the conversion says, at least.
        skipped: leading cuts with a map that the package does not show.
    """

    family: str
    options: Mapping[str, str] = MappingProxyType({})
    assumed: Mapping[str, str] = MappingProxyType({})
    skipped: int = 0


CASES = {
    "conditional_code_first": Case("sequential", {}, {"label_join": "code_first"}),
    "conditional_label_first": Case("sequential", {"label_join": "label_first"}),
    "conditional_multiply": Case("sequential", {}, {"label_join": "multiply"}),
    "conditional_one_hot": Case("sequential", {"classes": "4"}, {"label_join": "code_first"}),
    "biggan_deep": Case("biggan", {"truncation": "0.55"}, {"doubles": "no,yes,no,yes"}),
    "sngan_32": Case("sngan"),
    "sngan_48": Case("sngan"),
    "cgan_pd_32": Case("sngan"),
    "sagan_32": Case("sngan"),
    "pro_gan_pth": Case("pggan", {}, {"final_tanh": "false"}),
    "stylegan2_torch": Case("stylegan2", {}, {"noise": "of zeros (none is stored)"}),
    "stylegan2_pytorch": Case(
        "stylegan2_pytorch", {}, {"mapping_multiplier": "0.1", "noise": "one image drawn for all"}
    ),
    "stylegan2_pytorch_rgba": Case(
        "stylegan2_pytorch", {}, {"alpha": "left out (images of four channels are cut to three)"}
    ),
    "lightweight_gan": Case("lightweight_gan", {}, {"noise": "drawn once for all images"}),
    "lightweight_gan_gray": Case("lightweight_gan"),
}


@cache
def fixture(name: str) -> Fixture:
    return read_fixture(name)


def convert(name: str, **options: str) -> Conversion:
    given = {**CASES[name].options, **options}
    data = save(dict(fixture(name).tensors))
    return convert_bytes(data, f"{name}.safetensors", Request(options=given))


@pytest.fixture(scope="module")
def generator_of(tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("packages")

    @cache
    def make(name: str, label: str = "") -> Generator:
        path = folder / f"{name}{label}.safetensors"
        convert(name, **({"label": label} if label else {})).save(path)
        return find_generator(path)

    return make


@jax.jit
def run_stages(generator: Generator, z: jax.Array) -> list[jax.Array]:
    made, x = [], z
    for k in range(len(generator.stages)):
        x = generator.apply(generator.params, x, k, k + 1)
        made.append(as_features(x).maps)
    return made


def assert_maps(generator: Generator, z: np.ndarray, expected: np.ndarray, skipped: int) -> None:
    made = [pick(np.asarray(x)) for x in run_stages(generator, z) if x.ndim == 4][skipped:]
    assert len(made) == len(expected)
    for k, (mine, theirs) in enumerate(zip(made, expected, strict=True)):
        error = np.abs(mine - theirs).max()
        assert error <= 1e-4 * max(1, np.abs(theirs).max()), f"map {k}: off by {error}"


def test_every_fixture_has_a_case():
    assert {path.stem for path in FOLDER.glob("*.npz")} == set(CASES)
    # A few of the numbers, of a few small networks.
    assert sum(path.stat().st_size for path in FOLDER.glob("*.npz")) < 60_000


@pytest.mark.parametrize("name", CASES)
def test_every_map_is_that_of_the_package(name, generator_of):
    case, expected = CASES[name], fixture(name)
    conversion = convert(name)
    assert conversion.family == case.family
    for topic, text in case.assumed.items():
        assert conversion.assumed[topic].startswith(text)
    assert all(move.targets or move.ignored for move in conversion.converted.moves)
    generator = generator_of(name)
    for label, maps in expected.maps.items():
        drawn = generator.with_label(label) if generator.classes else generator
        assert_maps(drawn, expected.z, maps, case.skipped)


CONDITIONAL = [name for name in CASES if len(fixture(name).maps) > 1]


@pytest.mark.parametrize("name", CONDITIONAL)
def test_one_class_alone_is_the_same_as_chosen_among_all(name, generator_of):
    *_, label = fixture(name).maps
    alone = generator_of(name, str(label))
    assert alone.classes == 1
    assert_maps(alone, fixture(name).z, fixture(name).maps[label], CASES[name].skipped)
    with pytest.raises(SettingError, match="label=99: the classes are 0 to"):
        convert(name, label="99")


@pytest.mark.parametrize("name", CONDITIONAL[:1])
def test_a_class_has_to_be_chosen(name, tmp_path):
    path = tmp_path / "several.safetensors"
    convert(name).save(path)
    with pytest.raises(SettingError, match="several: draws 4 classes; choose one by its label"):
        load_generator(path)
    weights = load_generator(path, 2).config.label_weights(load_generator(path, "2").params)
    np.testing.assert_array_equal(weights, [0, 0, 1, 0])
    with pytest.raises(SettingError, match="faces64 has no classes"):
        load_generator("faces64", 0)


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("conditional_code_first", {"label_join": "multiply"}, "no code and a label of 5"),
        ("conditional_code_first", {"label_join": "beside"}, "choose from code_first"),
        ("conditional_code_first", {"classes": "9"}, "label_emb has vectors of 4 classes"),
        ("conditional_one_hot", {"classes": "10"}, "takes 10 numbers, which are no code and"),
        ("conditional_one_hot", {"classes": "many"}, "a whole number"),
        ("conditional_one_hot", {"classes": "0", "label": "1"}, "say with classes=K"),
    ],
)
def test_labels_that_do_not_fit(name, options, message):
    with pytest.raises(MGPError, match=message) as caught:
        convert(name, **options)
    assert "\n" not in str(caught.value)


def test_the_averaged_generator_of_pro_gan_pth_and_its_settings(tmp_path):
    def wrap(state: dict) -> dict:
        generator = {"conf": {"use_eql": False, "depth": 4}, "state_dict": state}
        return {"generator": generator, "shadow_generator": generator, "gen_optim": {"state": {}}}

    conversion = convert_file(write_fixture("pro_gan_pth", tmp_path, wrap))
    assert conversion.route == ("shadow_generator", "state_dict") and conversion.averaged
    kernel = conversion.converted.params["layer3"]["kernel"]
    stored = fixture("pro_gan_pth").tensors["layers.1.conv_2.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(kernel, stored)
    lower = convert("pro_gan_pth", lod="1")
    assert lower.converted.config["enlarge"] == 2 and len(lower.converted.config["channels"]) == 4


@pytest.mark.parametrize("name", ["stylegan2_pytorch", "lightweight_gan"])
def test_what_a_training_of_lucidrains_writes(name, tmp_path):
    path = write_fixture(
        name, tmp_path, lambda state: {"GAN": state, "version": "1.0", "D_scaler": {}}
    )
    conversion = convert_file(path)
    assert conversion.route[0] == "GAN" and conversion.averaged
    jax.tree.map(
        np.testing.assert_array_equal, conversion.converted.params, convert(name).converted.params
    )
    why = {move.key: move.ignored for move in conversion.converted.moves}
    assert why["version"] == "progress of the training run"
    assert why["D_scaler"] == "optimiser state"
    discriminator = {text for key, text in why.items() if key.startswith(("D.", "D_aug."))}
    assert discriminator == {"discriminator"}
    trained = {text for key, text in why.items() if key.startswith(("G.", "S."))}
    assert trained == {"the generator before averaging"}


@pytest.mark.parametrize("name", ["stylegan2_pytorch", "lightweight_gan"])
def test_networks_of_lucidrains_that_were_not_averaged(name):
    tensors = fixture(name).tensors
    alone = {k: v for k, v in tensors.items() if k.startswith(("G.", "S."))}
    conversion = convert_bytes(save(alone), "alone.safetensors")
    assert not conversion.averaged
    # Renamed, the averaged ones are the same to the conversion.
    renamed = {k.replace("E.", ".", 1): v for k, v in tensors.items() if k[1:3] == "E."}
    made = convert_bytes(save(renamed), "renamed.safetensors").converted.params
    jax.tree.map(np.testing.assert_array_equal, made, convert(name).converted.params)
    assert not np.array_equal(
        conversion.converted.params["to_rgb"]["kernel"], made["to_rgb"]["kernel"]
    )


@pytest.mark.parametrize(
    "name, change, message",
    [
        (
            "stylegan2_pytorch",
            lambda t: {k[3:]: v for k, v in t.items() if k.startswith("GE.")},
            "without its mapping network, which is not supported",
        ),
        (
            "stylegan2_pytorch",
            lambda t: {**t, "GE.blocks.0.to_rgb.upsample.1.f": np.array((1, 3, 1))},
            r"GE\.blocks\.0\.to_rgb\.upsample\.1\.f is not the filter \(1, 2, 1\)",
        ),
        (
            "lightweight_gan",
            lambda t: {k.replace(".0.2.1.", ".0.2."): v for k, v in t.items() if ".net." not in k},
            "an older lightweight_gan",
        ),
        (
            "lightweight_gan_gray",
            lambda t: {k: v + 0.01 * k.endswith("dct_weights") for k, v in t.items()},
            r"layers\.1\.1\.dct_weights are not the cosines",
        ),
        (
            "lightweight_gan",
            lambda t: {**t, "GE.layers.0.0.0.net.0.weight": np.ones((4, 6, 1, 1))},
            r"mis-shaped: layers\.0\.0\.0\.net\.0\.weight is \[4, 6, 1, 1\]",
        ),
    ],
)
def test_networks_of_lucidrains_that_are_refused(name, change, message):
    changed = {k: np.asarray(v) for k, v in change(fixture(name).tensors).items()}
    with pytest.raises(CheckpointError, match=message):
        convert_bytes(save(changed), "x.safetensors")


PARTS = [("mimicry_sngan", "block2.b1.weight"), ("lucidrains", "G.initial_conv.weight")]


@pytest.mark.parametrize("name, missing", PARTS)
def test_a_file_with_part_of_a_network(name, missing):
    with pytest.raises(CheckpointError, match=rf"missing: {missing}\n"):
        convert_file(GOLDEN / "sequential" / f"n_{name}.pth")


@pytest.mark.parametrize("name", CASES)
def test_a_tensor_that_is_missing_or_damaged_is_named(name):
    tensors = dict(fixture(name).tensors)
    used = {move.key for move in convert(name).converted.moves if move.targets}
    weights = [k for k in tensors if k.endswith(("weight", "weight_orig"))]
    key = next(k for k in reversed(weights) if {k, k.removeprefix("GE.")} & used)
    damaged = {
        "missing": {k: v for k, v in tensors.items() if k != key},
        "cut": {**tensors, key: tensors[key][..., :-1]},
        "not finite": {**tensors, key: np.full_like(tensors[key], np.nan)},
        "unexpected": {**tensors, "odd": np.ones(3, np.float32)},
    }
    for kind, state in damaged.items():
        with pytest.raises(CheckpointError) as caught:
            convert_bytes(save(state), "x.safetensors", Request(options=CASES[name].options))
        assert str(caught.value).startswith("x.safetensors: "), kind


def test_the_command_keeps_a_class_or_says_that_all_are_there(capsys, tmp_path):
    source, out, sheet = (tmp_path / name for name in ("in.safetensors", "out", "sheet.png"))
    source.write_bytes(save(dict(fixture("conditional_multiply").tensors)))
    assert main([str(source), str(out), "--preview", str(sheet)]) == 0
    assert "4 classes are kept: the commands of mgp take --label 0 to 3" in capsys.readouterr().out
    assert sheet.exists()
    assert main([str(source), str(out), "--label", "2"]) == 0
    assert "classes are kept" not in capsys.readouterr().out
    assert load_generator(out).classes == 1
    assert main([str(source), str(out), "--label", "2", "--option", "label=1"]) == 2
    assert "--label 2: the label is given twice" in capsys.readouterr().err


INVERTED = {"conditional_multiply": 1, "cgan_pd_32": 1, "biggan_deep": 2}
UNCONDITIONAL = ("sngan_48", "pro_gan_pth", "stylegan2_torch", "stylegan2_pytorch")


def reproduce(generator: Generator) -> None:
    """Checks that the recipe `fast` finds images of the generator's own."""
    drawn = generate(generator, random_latents(generator, 2, seed=5))
    images = np.clip(drawn, -1, 1)  # as a file has them
    result = invert(generator, images, recipe="fast")
    for found, image in zip(result.images, images, strict=True):
        assert psnr(found / 2 + 0.5, image / 2 + 0.5) > 25


@pytest.mark.slow
@pytest.mark.parametrize("name", [*INVERTED, *UNCONDITIONAL])
def test_an_image_of_its_own_is_reproduced(name, generator_of):
    generator = generator_of(name)
    reproduce(generator.with_label(INVERTED[name]) if generator.classes else generator)


@pytest.mark.slow
def test_an_image_is_reproduced_with_factors_across_the_cut(generator_of):
    generator = generator_of("lightweight_gan_gray")
    # What it draws is five times as bright as a trained network's, and a file would lose it.
    last = jax.tree.map(lambda x: 0.2 * x, generator.params["to_rgb"])
    dimmed = replace(generator, params={**generator.params, "to_rgb": last})
    assert dimmed.split().crossing.factors is not None
    reproduce(dimmed)
