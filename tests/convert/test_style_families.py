"""Conversion of StyleGAN and StyleGAN2: what a checkpoint does not show, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from convert.conversion import Request, convert_file
from convert.detect import detect
from convert.layout import Converted, apply
from convert.options import Options
from convert.torch_files import read_checkpoint
from convert.wrappers import StateDict, unwrap
from mgp_jax.errors import CheckpointError, MGPError, SettingError
from mgp_jax.generators import Generator, make_generator
from mgp_jax.generators.zoo import make_config

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
Tensors = dict[str, np.ndarray]


@pytest.fixture(autouse=True)
def highest_precision():
    with jax.default_matmul_precision("highest"):
        yield


def tensors_of(name: str) -> Tensors:
    path = next(p for p in GOLDEN.glob(f"{name}.*") if p.suffix in (".pth", ".pkl"))
    return dict(unwrap(read_checkpoint(path)).tensors)


def convert(tensors: Tensors, beside: dict[str, Any] | None = None, **options: str) -> Converted:
    state = StateDict(tensors, beside=beside or {})
    layout = detect(state.shapes)
    given = Options(options)
    given.check(layout.options, str(layout))
    return apply(layout.plan(state, given), state)


def generator_of(converted: Converted, family: str) -> Generator:
    return make_generator(family, make_config(family, converted.config), converted.params)


def changed(name: str, change: Callable[[Tensors], Any]) -> Tensors:
    tensors = tensors_of(name)
    change(tensors)
    return tensors


def lrelu(x: np.ndarray) -> np.ndarray:
    return np.where(x >= 0, x, 0.2 * x)


def normalised(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-8)


@pytest.mark.parametrize(
    ("name", "options", "clamp"),
    [
        ("stylegan2_ada_pkl", {}, 1.5),
        ("stylegan2_ada_pkl", {"conv_clamp": "none"}, None),
        ("stylegan2_ada_pkl", {"conv_clamp": "7"}, 7),
        ("stylegan2_ada_pkl_oldnames", {}, 256),
        ("stylegan2_ada", {}, 256),
        ("stylegan2_mganprior", {}, None),
        ("stylegan2_genforce", {"conv_clamp": "2.5"}, 2.5),
    ],
)
def test_the_clamp_is_read_from_a_pickle_or_given(name, options, clamp):
    path = next(p for p in GOLDEN.glob(f"{name}.*") if p.suffix in (".pth", ".pkl"))
    conversion = convert_file(path, Request(options=options))
    assert conversion.converted.config["conv_clamp"] == clamp


def conditional(classes: int = 4) -> Tensors:
    """An unconditional checkpoint of ADA turned into a class-conditional one."""
    tensors, rng = tensors_of("stylegan2_ada"), np.random.default_rng(0)
    first = tensors["mapping.fc0.weight"]
    width = tensors["mapping.w_avg"].size
    tensors["mapping.fc0.weight"] = 100 * rng.normal(size=(len(first), first.shape[1] + width))
    tensors["mapping.embed.weight"] = rng.normal(size=(width, classes))
    tensors["mapping.embed.bias"] = rng.normal(size=width)
    return tensors


@pytest.mark.parametrize("kept", ["all", "one"])
@pytest.mark.parametrize("label", [0, 3])
def test_a_class_enters_the_mapping_network(label, kept):
    tensors = conditional()
    if kept == "one":
        generator = generator_of(convert(tensors, label=str(label)), "stylegan2")
        assert generator.classes == 1
    else:
        generator = generator_of(convert(tensors), "stylegan2").with_label(label)
        assert generator.classes == 4
    z = np.random.default_rng(1).normal(size=(5, *generator.latent_shape))

    embedding = tensors["mapping.embed.weight"]
    vector = embedding[:, label] / np.sqrt(embedding.shape[1]) + tensors["mapping.embed.bias"]
    x = np.concatenate([normalised(z), np.tile(normalised(vector), (5, 1))], axis=1)
    for i in range(8):
        weight, bias = tensors[f"mapping.fc{i}.weight"], tensors[f"mapping.fc{i}.bias"]
        x = lrelu(x @ weight.T * 0.01 / np.sqrt(weight.shape[1]) + 0.01 * bias) * np.sqrt(2)

    w = generator.apply(generator.params, z.astype(np.float32), 0, generator.space("w"))
    np.testing.assert_allclose(w, x, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("label", ["4", "-1", "1.5", "cat"])
def test_a_class_that_does_not_exist(label):
    with pytest.raises(SettingError, match="label"):
        convert(conditional(), label=label)


def test_a_class_for_an_unconditional_generator():
    with pytest.raises(SettingError, match="unconditional"):
        convert(tensors_of("stylegan2_ada"), label="0")


def test_a_missing_mean_style_is_averaged():
    path = GOLDEN / "stylegan2_rosinality_train.pth"
    first, second = convert_file(path), convert_file(path)
    mean = first.converted.params["truncation"]["mean"]
    np.testing.assert_array_equal(mean, second.converted.params["truncation"]["mean"])
    generator = generator_of(first.converted, "stylegan2")
    z = jax.random.normal(jax.random.key(0), (4096, *generator.latent_shape))
    w = np.asarray(generator.apply(generator.params, z, 0, generator.space("w")))
    error_of_a_mean = w.std(0) / 4096**0.5
    assert (np.abs(w.mean(0) - mean) < 6 * error_of_a_mean).all()


@pytest.mark.parametrize(
    "name, noise", [("stylegan2_rosinality", "noises."), ("stylegan2_ada", "noise_const")]
)
def test_without_noise_and_mean_style_zeros_and_a_computed_one_are_taken(name, noise):
    whole = conditional() if name.endswith("ada") else tensors_of(name)
    tensors = {key: v for key, v in whole.items() if noise not in key and key != "mapping.w_avg"}
    plan = detect(StateDict(tensors).shapes).plan(StateDict(tensors), Options({}))
    assert plan.noted == {
        "noise": "of zeros (none is stored)",
        "mean style": "of 4096 codes (none is stored)",
    }
    params = convert(tensors).params
    assert not any(params[f"layer{i}"]["noise"].any() for i in range(3))
    generator = generator_of(convert(tensors), "stylegan2")
    z = jax.random.normal(jax.random.key(0), (1024, *generator.latent_shape))
    drawn = [generator.with_label(k) for k in range(4)] if generator.classes else [generator]
    w = np.concatenate([g.apply(g.params, z, 0, g.space("w")) for g in drawn])
    error_of_a_mean = w.std(0) / 1024**0.5
    assert (np.abs(w.mean(0) - params["truncation"]["mean"]) < 6 * error_of_a_mean).all()


def test_a_mean_style_beside_the_state_dict():
    conversion = convert_file(GOLDEN / "stylegan2_rosinality.pth")
    with np.load(GOLDEN / "stylegan2_rosinality.npz") as arrays:
        stored = arrays["latent_avg"]
    np.testing.assert_array_equal(conversion.converted.params["truncation"]["mean"], stored)
    tensors = tensors_of("stylegan2_rosinality")
    for broken in (stored[1:], np.full_like(stored, np.nan)):
        with pytest.raises(CheckpointError, match="latent_avg"):
            convert(tensors, {"latent_avg": broken})


@pytest.mark.parametrize(
    ("fused_scale", "fused"),
    [("false", ()), ("true", (2, 4)), ("auto", ()), (None, ())],
)
def test_fused_layers_are_flipped_where_told(fused_scale, fused):
    tensors = tensors_of("stylegan_genforce")
    options = {} if fused_scale is None else {"fused_scale": fused_scale}
    params = convert(tensors, **options).params
    for i in range(1, 6):
        weight = tensors[f"synthesis.layer{i}.weight"].transpose(2, 3, 1, 0)
        expected = weight[::-1, ::-1] if i in fused else weight
        scale = np.sqrt(2) / np.sqrt(np.prod(weight.shape[:3]))
        np.testing.assert_allclose(params[f"layer{i}"]["kernel"], expected * scale, rtol=1e-6)


def test_other_options_of_genforce():
    tensors = tensors_of("stylegan_genforce")
    usual = convert(tensors).params
    faster = convert(tensors, mapping_multiplier="0.02", final_tanh="yes")
    assert faster.config["final_tanh"] is True
    for part in ("kernel", "bias"):
        twice = 2 * usual["mapping"]["dense3"][part]
        np.testing.assert_allclose(faster.params["mapping"]["dense3"][part], twice, rtol=1e-6)
    plain = convert(tensors, use_wscale="false").params
    weight = tensors["synthesis.layer3.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(plain["layer3"]["kernel"], weight)
    weight = tensors["synthesis.layer3.style.weight"].T
    np.testing.assert_array_equal(plain["layer3"]["style"]["kernel"], weight)
    for wrong in ({"mapping_multiplier": "0"}, {"fused_scale": "maybe"}, {"label": "1"}):
        with pytest.raises(SettingError, match=next(iter(wrong))):
            convert(tensors, None, **wrong)


@pytest.mark.parametrize("name", ["stylegan_mganprior", "stylegan_genforce"])
def test_a_lower_level_of_detail(name):
    tensors = tensors_of(name)
    whole = generator_of(convert(tensors), "stylegan")
    lower = generator_of(convert(tensors, lod="1"), "stylegan")
    assert lower.resolution == whole.resolution
    assert len(lower.stages) == len(whole.stages) - 2
    z = np.random.default_rng(0).normal(size=(1, *whole.latent_shape)).astype(np.float32)
    maps = whole.apply(whole.params, z, 0, whole.cut("layer3")).maps
    part = "output1.conv" if "mganprior" in name else "output1"
    weight = tensors[f"synthesis.{part}.weight"][:, :, 0, 0]
    image = maps @ weight.T / np.sqrt(weight.shape[1]) + tensors["synthesis.output1.bias"]
    image = np.repeat(np.repeat(image, 2, axis=1), 2, axis=2)
    np.testing.assert_allclose(lower.apply(lower.params, z), image, rtol=1e-4, atol=1e-4)
    with pytest.raises(SettingError, match="lod"):
        convert(tensors, lod="3")


def test_half_a_level_of_detail():
    # genforce blends two resolutions; mganprior leaves the unfinished one out.
    with pytest.raises(SettingError, match="blending"):
        convert(tensors_of("stylegan_genforce"), lod="0.5")
    assert convert(tensors_of("stylegan_mganprior"), lod="0.5").config["enlarge"] == 2


@pytest.mark.parametrize(
    ("name", "family", "dense"),
    [("stylegan_genforce", "stylegan", 7), ("stylegan2_genforce", "stylegan2", 7)],
)
def test_a_mapping_to_a_style_for_every_layer(name, family, dense):
    tensors, rng = tensors_of(name), np.random.default_rng(0)
    width = tensors["truncation.w_avg"].size
    weight, bias = f"mapping.dense{dense}.weight", f"mapping.dense{dense}.bias"
    tensors[weight] = 100 * rng.normal(size=(6 * width, tensors[weight].shape[1]))
    tensors[bias] = rng.normal(size=6 * width)
    tensors["truncation.w_avg"] = rng.normal(size=6 * width)
    converted = convert(tensors)
    generator = generator_of(converted, family)
    assert converted.config["w_size"] == width
    mean = tensors["truncation.w_avg"].reshape(6, width)
    np.testing.assert_allclose(generator.params["truncation"]["mean"], mean, rtol=1e-6)
    z = rng.normal(size=(2, *generator.latent_shape)).astype(np.float32)
    w = generator.apply(generator.params, z, 0, 1)
    styles = generator.apply(generator.params, z, 0, 2)
    np.testing.assert_array_equal(styles, np.asarray(w).reshape(2, 6, width))


def rename(old: str, new: str) -> Callable[[Tensors], Any]:
    def change(tensors: Tensors) -> None:
        for key in [key for key in tensors if key.startswith(old)]:
            tensors[new + key.removeprefix(old)] = tensors.pop(key)

    return change


def replaced(key: str, value: np.ndarray) -> Callable[[Tensors], Any]:
    return lambda tensors: tensors.update({key: value})


REFUSED: list[tuple[str, Callable[[Tensors], Any], str]] = [
    ("stylegan2_ada", replaced("synthesis.b8.skip.weight", np.ones((16, 16, 1, 1))), "resnet"),
    ("stylegan2_genforce", replaced("synthesis.layer1.weight", np.ones((16, 16, 1, 1))), "resnet"),
    ("stylegan2_mganprior", replaced("synthesis.layer1.weight", np.ones((1, 1, 16, 16))), "resnet"),
    ("stylegan2_genforce", replaced("mapping.label_weight", np.ones((3, 12))), "class-condit"),
    ("stylegan_genforce", replaced("mapping.label_weight", np.ones((3, 12))), "class-condit"),
    ("stylegan2_genforce", rename("synthesis.early_layer.const", "synthesis.early_layer.weight"),
     "constant input"),
    ("stylegan2_ada", rename("synthesis.b4.const", "synthesis.input.freqs"), "StyleGAN3"),
    ("stylegan2_ada", rename("synthesis.b", "b16.fromrgb."), "discriminator"),
    ("stylegan2_ada", replaced("mapping.embed.weight", np.ones((20, 3))), "only with a class"),
    ("stylegan2_ada", replaced("synthesis.b8.resample_filter", np.ones((4, 4)) / 16), "filter"),
    ("stylegan2_ada", replaced("synthesis.b8.resample_filter", np.ones((2, 2)) / 4), "filter"),
    ("stylegan2_rosinality", replaced("convs.0.conv.blur.kernel", np.ones((4, 4)) / 4), "filter"),
    ("stylegan_genforce", replaced("synthesis.layer2.blur.kernel", np.ones((16, 1, 3, 3)) / 9),
     "filter"),
    ("stylegan2_ada", lambda t: t.pop("synthesis.b8.conv1.bias"),
     "missing: synthesis.b8.conv1.bias"),
    ("stylegan2_mganprior", lambda t: t.pop("truncation.w_avg"), "missing: truncation.w_avg"),
    ("stylegan_genforce", lambda t: t.pop("synthesis.layer5.weight"),
     "missing: synthesis.layer5.weight"),
    ("stylegan2_rosinality", lambda t: t.pop("noises.noise_2"), "missing: noises.noise_2"),
    ("stylegan_mganprior", replaced("synthesis.layer1.epilogue.apply_noise.noise",
     np.ones((1, 16, 1, 1))), "mis-shaped: synthesis.layer1.epilogue.apply_noise.noise"),
    ("stylegan2_genforce", replaced("synthesis.layer9.weight", np.ones((8, 8, 3, 3))),
     "missing: synthesis.layer9.bias"),
    ("stylegan_genforce", replaced("synthesis.lod", np.full((), np.nan)), "lod"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "message"), REFUSED)
def test_refused_by_name(name, change, message):
    with pytest.raises(MGPError, match=message):
        convert(changed(name, change))


@pytest.mark.parametrize(
    "path", sorted(p for p in GOLDEN.glob("stylegan*") if p.suffix in (".pth", ".pkl")), ids=str
)
def test_conversion_is_deterministic_and_complete(path: Path, tmp_path: Path):
    for copy in ("a", "b"):
        conversion = convert_file(path)
        conversion.save(tmp_path / copy)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    # Every tensor either becomes a parameter or has a reason not to.
    assert all(move.targets or move.ignored for move in conversion.converted.moves)
