"""Stacks of layers whose names, norms and enlargements differ: one network, or one clear line."""

import dataclasses

import numpy as np
import pytest
from stacks import (
    TUTORIAL,
    convert,
    layer,
    norm,
    ones,
    renamed,
    same_network,
)

from convert.detect import detect
from convert.layout import Converted
from convert.options import Options
from mgp_jax.errors import CheckpointError

DECONV = {k: f"deconv{k // 3 + 1}{'_bn' if k % 3 else ''}" for k in (0, 1, 3, 4, 6, 7, 9)}
GROUPED = {k: f"{'bn' if k % 3 else 'up'}{k // 3 + 1}" for k in (0, 1, 3, 4, 6, 7, 9)}
BLOCKS = {k: f"layer{k // 3}.{k % 3}" for k in (0, 1, 3, 4, 6, 7, 9)}


@pytest.mark.parametrize("prefix", ["", "main.", "net.", "a.b."])
@pytest.mark.parametrize("numbers", [None, DECONV, GROUPED, BLOCKS])
def test_names_do_not_matter(prefix, numbers):
    tensors = renamed(prefix, numbers)
    assert same_network(convert(tensors)[0])
    # As safetensors have them.
    assert same_network(convert(dict(sorted(tensors.items())))[0])


def test_norms_may_be_listed_behind_the_layers():
    tensors = renamed("", GROUPED)
    layers = {key: value for key, value in tensors.items() if key.startswith("up")}
    made, assumed = convert({**layers, **tensors})
    assert same_network(made)
    assert assumed["order"] == "norm_first"


def test_modules_between_a_layer_and_its_norm_are_an_activation():
    shifted = {n: str(n + (n % 3 == 1)) for n in (0, 1, 3, 4, 6, 7, 9)}
    made, assumed = convert(renamed("main.", shifted))
    kinds = [layer["kind"] for layer in made.config["layers"]]
    assert kinds[:3] == ["dense", "activation", "affine"]
    assert assumed["order"] == "activation_first"
    first, _ = convert(renamed("main.", shifted), order="norm_first")
    assert same_network(first)


def test_a_norm_right_before_the_next_layer_has_no_activation():
    close = dict(zip((0, 1, 3, 4, 6, 7, 9), map(str, (0, 1, 2, 3, 5, 6, 8)), strict=True))
    made, _ = convert(renamed("main.", close))
    kinds = [layer["kind"] for layer in made.config["layers"]]
    assert kinds == ["dense", "transposed", "activation", "transposed", "activation", "transposed"]


LINDER_NOREN = {
    **layer("l1.0", 128 * 16, 10, bias=128 * 16),
    **norm("conv_blocks.0", 128),
    **layer("conv_blocks.2", 128, 128, 3, 3, bias=128),
    **norm("conv_blocks.3", 128),
    **layer("conv_blocks.6", 64, 128, 3, 3, bias=64),
    **norm("conv_blocks.7", 64),
    **layer("conv_blocks.9", 1, 64, 3, 3, bias=1),
}
CAOGANG = {
    **layer("preprocess.0", 4 * 4 * 16, 10, bias=4 * 4 * 16),
    **layer("block1.0", 16, 8, 5, 5, bias=8),
    **layer("block2.0", 8, 4, 5, 5, bias=4),
    **layer("deconv_out", 4, 1, 8, 8, bias=1),
}
COURSERA = {
    **layer("gen.0.0", 10, 8, 3, 3, bias=8),
    **norm("gen.0.1", 8),
    **layer("gen.1.0", 8, 4, 4, 4, bias=4),
    **norm("gen.1.1", 4),
    **layer("gen.2.0", 4, 6, 3, 3, bias=6),
    **norm("gen.2.1", 6),
    **layer("gen.3.0", 6, 1, 4, 4, bias=1),
}
SEVEN = {
    **layer("main.0", 10, 8, 4, 4),
    **layer("main.2", 8, 4, 3, 3),
    **layer("main.4", 4, 6, 4, 4),
    **layer("main.6", 6, 1, 4, 4),
}


@pytest.mark.parametrize(
    "tensors, pixels, whose, said",
    [
        (
            LINDER_NOREN,
            16,
            "Linder",
            {"epsilon": "1e-5,0.8,0.8", "upsample": "nearest,nearest,none"},
        ),
        (CAOGANG, 28, "caogang", {"output": "sigmoid", "output_paddings": "-1,0,0"}),
        (COURSERA, 28, "Coursera", {"strides": "2,1,2,2", "paddings": "0,0,0,0"}),
        (SEVEN, 28, "7 x 7", {"strides": "1,2,2,2", "paddings": "0,1,1,1"}),
    ],
    ids=["Linder-Noren", "caogang", "Coursera", "seven"],
)
def test_published_generators_are_known(tensors, pixels, whose, said, tmp_path):
    made, assumed = convert(tensors)
    assert whose.lower() in assumed["as in"].lower().replace("é", "e")
    assert said.items() <= assumed.items()
    assert resolution_of(made) == pixels


def resolution_of(made: Converted) -> int:
    from mgp_jax.generators import SequentialConfig

    return SequentialConfig(**made.config).resolution


def test_the_enlargements_of_convolutions_are_read_from_gaps_or_asked_for():
    tensors = {
        **layer("main.0", 8 * 16, 10),
        **layer("main.4", 4, 8, 3, 3),
        **norm("main.5", 4),
        **layer("main.8", 6, 4, 3, 3),
        **layer("main.10", 3, 6, 3, 3),
    }
    made, assumed = convert(tensors)
    assert assumed["upsample"] == "nearest,nearest,none"
    assert resolution_of(made) == 16
    made, assumed = convert(tensors, upsample="none,bilinear,none")
    assert "upsample" not in assumed
    methods = [x["method"] for x in made.config["layers"] if x["kind"] == "upsample"]
    assert methods == ["bilinear"]
    unnamed = {key.replace("main.", "conv"): value for key, value in tensors.items()}
    with pytest.raises(CheckpointError, match="--option upsample=nearest,nearest,none"):
        convert(unnamed)
    assert resolution_of(convert(unnamed, upsample="nearest,none,none")[0]) == 8


def test_vectors_become_maps_and_images():
    mlp = {
        **layer("0", 12, 10, bias=12),
        **norm("1", 12),
        **layer("3", 3 * 36, 12, bias=3 * 36),
    }
    made, _ = convert(mlp)
    assert resolution_of(made) == 6 and made.config["layers"][-1]["channels"] == 3
    weight, bias = np.arange(3 * 36 * 12.0).reshape(-1, 12), np.arange(3 * 36.0)
    made, _ = convert({**mlp, "3.weight": weight, "3.bias": bias})
    # Rows are channel, y, x.
    np.testing.assert_array_equal(made.params["layer1"]["bias"][2, 4, 1], 36 + 2 * 6 + 4)
    np.testing.assert_array_equal(made.params["layer1"]["kernel"][2, 4, 5, 1], 12 * (36 + 16) + 5)
    with pytest.raises(CheckpointError, match="3 makes 107 numbers, which are no square map"):
        convert({**mlp, "3.weight": ones(107, 12), "3.bias": ones(107)})


def test_a_pixel_shuffle_shows_in_the_channels():
    tensors = {
        **layer("0", 8 * 16, 10),
        **layer("3", 16, 8, 3, 3),
        **norm("5", 4),
        **layer("7", 12, 4, 3, 3),
    }
    made, assumed = convert(tensors, upsample="none")
    kinds = [x["kind"] for x in made.config["layers"]]
    assert kinds.count("pixel_shuffle") == 2 and resolution_of(made) == 16
    assert assumed["pixel shuffle"] == "behind 3, 7"


def test_learned_slopes_and_bare_instance_norms():
    tensors = {
        **layer("0", 10, 8, 4, 4),
        "2.weight": ones(8),
        **layer("3", 8, 6, 4, 4),
        "5.weight": ones(1),
        **layer("6", 6, 3, 4, 4),
    }
    made, assumed = convert(tensors)
    kinds = [x["kind"] for x in made.config["layers"]]
    assert kinds == ["dense", "prelu", "transposed", "prelu", "transposed"]
    assert made.params["layer0"]["slope1"].shape == (8,)
    assert "activation" not in assumed and assumed["norm"] == "none"
    made, assumed = convert(tensors, norm="instance", epsilon="0.5")
    norms = [x for x in made.config["layers"] if x["kind"] == "group_norm"]
    assert len(norms) == 2 and norms[0]["epsilon"] == 0.5 and norms[0]["groups"] == 0


def test_spectral_and_weight_norm_are_worked_in():
    source = np.random.default_rng(1)
    weight = source.normal(size=(6, 3, 4, 4))
    u, v = source.normal(size=3), source.normal(size=6 * 16)
    first = layer("main.0", 10, 6, 4, 4)
    plain = convert({**first, "main.2.weight": weight})[0].params["layer1"]["kernel"]
    sigma = u @ weight.transpose(1, 0, 2, 3).reshape(3, -1) @ v
    new = "main.2.parametrizations.weight."
    for names in (
        ("main.2.weight_orig", "main.2.weight_u", "main.2.weight_v"),
        (f"{new}original", f"{new}0._u", f"{new}0._v"),
    ):
        tensors = {**first, **dict(zip(names, (weight, u, v), strict=True))}
        made = convert(tensors)[0].params["layer1"]["kernel"]
        np.testing.assert_allclose(made, plain / sigma, rtol=1e-5)
    length = source.normal(size=(6, 1, 1, 1))
    norms = np.sqrt((weight**2).sum((1, 2, 3), keepdims=True))
    expected = convert({**first, "main.2.weight": weight * length / norms})[0].params
    for names in (
        ("main.2.weight_v", "main.2.weight_g"),
        (f"{new}original1", f"{new}original0"),
    ):
        made = convert({**first, **dict(zip(names, (weight, length), strict=True))})[0].params
        np.testing.assert_allclose(
            made["layer1"]["kernel"], expected["layer1"]["kernel"], rtol=1e-5
        )


def test_a_linear_layer_has_spectral_norm_along_its_outputs():
    source = np.random.default_rng(2)
    weight, u, v = source.normal(size=(8, 5)), source.normal(size=8), source.normal(size=5)
    last = layer("2", 75, 8)
    names = ("0.weight_orig", "0.weight_u", "0.weight_v")
    made = convert({**dict(zip(names, (weight, u, v), strict=True)), **last})[0]
    kernel = made.params["layer0"]["kernel"][0, 0]
    np.testing.assert_allclose(kernel, weight.T / (u @ weight @ v), rtol=1e-5)


@pytest.mark.parametrize(
    "tensors, message",
    [
        ({**SEVEN, "odd": ones(1)}, "unexpected: odd"),
        ({**SEVEN, "main.8.weight": ones(3, 3, 3)}, "main.8 has a weight of 3 axes"),
        ({**SEVEN, **layer("main.8", 9, 9, 4, 4)}, "main.8 is .* does not take the 1 channels"),
        ({**SEVEN, **norm("main.1", 9)}, "main.1 is a norm of 9 channels, but there are 8"),
        ({**norm("a", 10), **SEVEN}, "a, a norm in front of the first layer"),
        ({**SEVEN, "attn1.query_conv.weight": ones(4, 4, 1, 1)}, "a network with attention"),
        ({**SEVEN, "res1.conv.weight": ones(4, 4, 1, 1)}, "a network with residual"),
        ({**SEVEN, "to_style.style.weight": ones(4, 4)}, "a network with styles"),
        (
            {**layer("c1", 8, 3, 4, 4), **layer("c2", 16, 8, 4, 4), **layer("c3", 16, 8, 4, 4),
             **layer("c4", 8, 3, 4, 4)},
            "an image-to-image network",
        ),
        ({**layer("c1", 8, 1, 4, 4), **layer("c2", 16, 8, 4, 4), **layer("f", 1, 64)}, "a discrim"),
        ({**layer("a", 64, 784), **layer("b", 1, 64)}, "a discriminator"),
        ({f"l{i}.weight": ones(4, 4) for i in range(500)}, "500 layers"),
    ],
)  # fmt: skip
def test_other_networks_are_refused(tensors, message):
    with pytest.raises(CheckpointError, match=message):
        convert(tensors)


def test_a_discriminator_is_called_one_by_its_name():
    state = dataclasses.replace(TUTORIAL, route=("netD_state_dict",))
    with pytest.raises(CheckpointError, match="netD_state_dict is a discriminator by its name"):
        detect(state.shapes).plan(state, Options())
