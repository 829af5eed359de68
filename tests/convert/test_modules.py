"""Modules that were stored as objects, as the reader gives them: inert records."""

from typing import Any

import pytest

from convert.stack.elements import Kernel, Norm, Shape, Slope
from convert.stack.modules import read_modules
from convert.stack.parts import Part
from convert.unpickler import Record
from mgp_jax.errors import CheckpointError
from mgp_jax.generators.stack_layers import Pad, PixelShuffle, Upsample
from mgp_jax.generators.stack_pointwise import Activation


def module(kind: str, children: dict[str, Record] | None = None, **settings: Any) -> Record:
    record = Record(kind if "." in kind else f"torch.nn.modules.some.{kind}")
    record.build({"_modules": children or {}, "_parameters": {}, "_buffers": {}, **settings})
    return record


def part(name: str, **shapes: tuple[int, ...]) -> Part:
    return Part(name, shapes, "plain", ("weight",) if "weight" in shapes else ())


CONVOLUTION = {"kernel_size": (3, 3), "stride": (2, 1), "padding": (1, 0), "dilation": (1, 1)}
KERNEL = part("0", weight=(8, 4, 3, 3))
NORM = part("0", weight=(8,), bias=(8,))
TRACKED = part("0", running_mean=(8,), running_var=(8,))


@pytest.mark.parametrize(
    "child, found, expected",
    [
        (module("ReLU"), None, [Activation("relu")]),
        (module("LeakyReLU", negative_slope=0.3), None, [Activation("leaky_relu", 0.3)]),
        (module("ELU", alpha=2), None, [Activation("elu", 2.0)]),
        (module("GELU", approximate="tanh"), None, [Activation("gelu_tanh")]),
        (module("GELU", approximate="none"), None, [Activation("gelu")]),
        (module("Dropout2d", p=0.5), None, []),
        (module("Identity"), None, []),
        (module("__main__.View"), None, []),
        (module("Unflatten", unflattened_size=(4, 2, 2)), None, [Shape(4, 2, 2)]),
        (module("PixelShuffle", upscale_factor=2), None, [PixelShuffle(2)]),
        (module("Upsample", scale_factor=2.0, mode="nearest"), None, [Upsample(2)]),
        (
            module("Upsample", scale_factor=(3.0, 3.0), mode="bilinear", align_corners=None),
            None,
            [Upsample(3, "bilinear")],
        ),
        (
            module("UpsamplingBilinear2d", scale_factor=2, mode="bilinear", align_corners=True),
            None,
            [Upsample(2, "bilinear_aligned")],
        ),
        (
            module("ReflectionPad2d", padding=(1, 2, 3, 4)),
            None,
            [Pad(((3, 4), (1, 2)), "reflect")],
        ),
        (module("ReplicationPad2d", padding=1), None, [Pad(((1, 1), (1, 1)), "edge")]),
        (module("Conv2d", **CONVOLUTION), KERNEL, [Kernel(KERNEL, False, (2, 1), (1, 0))]),
        (
            module("ConvTranspose2d", **CONVOLUTION, output_padding=(1, 0)),
            KERNEL,
            [Kernel(KERNEL, True, (2, 1), (1, 0), (1, 0))],
        ),
        (
            module("Conv2d", **{**CONVOLUTION, "padding": "same", "stride": (1, 1)}),
            KERNEL,
            [Kernel(KERNEL, False, (1, 1), "same")],
        ),
        (
            module("Conv2d", **CONVOLUTION, padding_mode="reflect"),
            KERNEL,
            [Pad(((1, 1), (0, 0)), "reflect"), Kernel(KERNEL, False, (2, 1))],
        ),
        (module("BatchNorm2d", eps=0.8), TRACKED, [Norm(TRACKED, None, 0.8)]),
        (module("InstanceNorm2d", eps=0.1), NORM, [Norm(NORM, 0, 0.1)]),
        (module("InstanceNorm2d", eps=0.1), TRACKED, [Norm(TRACKED, None, 0.1)]),
        (module("GroupNorm", num_groups=4, eps=0.1), NORM, [Norm(NORM, 4, 0.1)]),
        (module("PReLU"), NORM, [Slope(NORM)]),
    ],
)
def test_what_modules_show(child, found, expected):
    root = module("Sequential", {"0": child})
    shown = read_modules(root, {} if found is None else {"0": found})
    assert shown.elements == expected
    assert shown.in_order
    assert list(shown.known) == (["0"] if found else [])


@pytest.mark.parametrize(
    "child, found, message",
    [
        (module("BatchNorm2d"), NORM, "0 .BatchNorm2d. without statistics"),
        (module("Conv2d", **CONVOLUTION, groups=2), KERNEL, "groups or dilation"),
        (module("Conv2d", **{**CONVOLUTION, "dilation": (2, 2)}), KERNEL, "groups or dilation"),
        (module("Conv2d", **CONVOLUTION, padding_mode="circular"), KERNEL, "mode circular"),
        (module("Conv2d", **{**CONVOLUTION, "stride": (0, 1)}), KERNEL, "damaged settings"),
        (module("Conv2d", **{**CONVOLUTION, "stride": "x"}), KERNEL, "damaged settings"),
        (module("Conv2d", **CONVOLUTION), None, "has no weight"),
        (module("Conv2d", **CONVOLUTION), NORM, "without a weight of 4 axes"),
        (module("Upsample", scale_factor=1.5, mode="nearest"), None, "a whole factor"),
        (module("Upsample", scale_factor=float("nan"), mode="nearest"), None, "a whole factor"),
        (module("Upsample", scale_factor=float("inf"), mode="nearest"), None, "a whole factor"),
        (module("Upsample", scale_factor=2, mode="bicubic"), None, "mode bicubic"),
        (module("LeakyReLU", negative_slope="0.2"), None, "damaged settings"),
        (module("BatchNorm2d", eps=-1), TRACKED, "damaged epsilon"),
        (module("Softmax"), None, "not supported in a stack"),
        (module("LSTM"), None, "not supported in a stack"),
        (module("__main__.Mystery"), None, "0 is a Mystery, of which nothing is known"),
    ],
)
def test_what_is_not_supported_is_named(child, found, message):
    root = module("Sequential", {"0": child})
    with pytest.raises(CheckpointError, match=message):
        read_modules(root, {} if found is None else {"0": found})


def test_the_order_of_a_class_of_its_own_is_not_certain():
    children = {"0": module("ReLU"), "1": module("Tanh")}
    assert read_modules(module("Sequential", children), {}).in_order
    assert not read_modules(module("__main__.M", children), {}).in_order
    inside = module("__main__.M", {"main": module("Sequential", children)})
    assert read_modules(inside, {}).in_order


def test_hostile_nesting_ends():
    root = module("Sequential")
    root.attributes["_modules"]["again"] = root
    with pytest.raises(CheckpointError, match="nested too deeply"):
        read_modules(root, {})
