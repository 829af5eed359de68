"""Tells from names and shapes of tensors whose layout a checkpoint has.

To add a family, write its file in `families/` and add its layouts here. Order matters: the first
layout that matches is taken.
"""

import re
from collections.abc import Callable

from mgp_jax.errors import CheckpointError

from .families import (
    biggan,
    lightweight_gan,
    lpips,
    mobile_stylegan,
    pggan,
    sequential,
    sngan,
    stylegan,
    stylegan2,
    stylegan2_pytorch,
    vgg16,
)
from .layout import Layout, Shapes

LAYOUTS: tuple[Layout, ...] = (
    *stylegan2.LAYOUTS,
    *mobile_stylegan.LAYOUTS,
    *stylegan.LAYOUTS,
    *pggan.LAYOUTS,
    *biggan.LAYOUTS,
    *sngan.LAYOUTS,
    *stylegan2_pytorch.LAYOUTS,
    *lightweight_gan.LAYOUTS,
    *lpips.LAYOUTS,
    *vgg16.LAYOUTS,
    *sequential.LAYOUTS,
)

FAMILIES = tuple(dict.fromkeys(layout.family for layout in LAYOUTS))


def _has_prefix(*prefixes: str) -> Callable[[Shapes], bool]:
    return lambda shapes: any(key.startswith(prefixes) for key in shapes)


def _has_all(*patterns: str) -> Callable[[Shapes], bool]:
    tests = [re.compile(pattern) for pattern in patterns]
    return lambda shapes: all(any(test.search(key) for key in shapes) for test in tests)


def _is_zoo_dcgan(shapes: Shapes) -> bool:
    names = ("formatLayer.module.weight", "formatLayer.weight")
    return any(len(shapes.get(name, ())) == 4 for name in names)


def _is_resnet(shapes: Shapes) -> bool:
    # genforce's own resnet overwrites convolution layers by its 1x1 shortcuts.
    shortcut = shapes.get("synthesis.layer1.weight", ())
    overwritten = len(shortcut) == 4 and 3 not in shortcut and 1 in shortcut
    named = any(".skip." in key or "skip_layer" in key for key in shapes)
    return named or ("synthesis.early_layer.const" in shapes and overwritten)


def _is_discriminator(shapes: Shapes) -> bool:
    marks = (".fromrgb.", ".final_linear.", ".b4.out.", ".input0.")
    return any(mark in f".{key}" for key in shapes for mark in marks)


def _is_newer_mobile(shapes: Shapes) -> bool:
    named = "student.input.input" in shapes
    return named and not any(key.endswith(".style_inv") for key in shapes)


PLAIN = "plain stacks of layers are"

# Networks that are recognised, but whose arithmetic mgp_jax does not have; and what to do instead.
UNSUPPORTED: tuple[tuple[str, Callable[[Shapes], bool], str], ...] = (
    (
        "StyleGAN3",
        _has_prefix("synthesis.input.", "synthesis.L0_"),
        "StyleGAN and StyleGAN2 are",
    ),
    (
        "a StyleGAN2 with the resnet architecture",
        _is_resnet,
        "the architectures skip and origin are",
    ),
    (
        "a class-conditional generator of genforce",
        _has_prefix("mapping.label_weight"),
        "conditional generators of stylegan2-ada-pytorch are",
    ),
    (
        "a generator of genforce without constant input",
        _has_prefix("synthesis.early_layer.weight"),
        "those that start from a constant are",
    ),
    ("pytorch_GAN_zoo's DCGAN", _is_zoo_dcgan, "the layout of the PyTorch tutorial is"),
    (
        "pytorch_GAN_zoo's StyleGAN",
        _has_prefix("baseScale0"),
        "the layouts of mganprior and genforce are",
    ),
    (
        "a newer MobileStyleGAN, whose styles go through a tanh",
        _is_newer_mobile,
        "those with style_inv are",
    ),
    (
        "lucidrains' stylegan2_pytorch without its mapping network",
        _has_all(r"^blocks\.0\.to_style1\.", r"^initial_conv\."),
        "the whole checkpoint of its training is",
    ),
    (
        "an older lightweight_gan, which enlarges without a pixel shuffle",
        _has_all(r"^initial_conv\.0\.", r"^layers\.0\.0\.2\.weight", r"^out_conv\."),
        "those of version 1.2 are",
    ),
    ("FastGAN", _has_all(r"(^|\.)init\.init\.0\.", r"(^|\.)feat_\d+\."), PLAIN),
    (
        "aladdinpersson's ProGAN",
        _has_all(r"(^|\.)prog_blocks\.", r"(^|\.)rgb_layers\."),
        "the layouts of mganprior, genforce and pytorch_GAN_zoo are",
    ),
    (
        "BigGAN of another code",
        _has_all(r"(^|\.)(shared|gen_z|linear)\.", r"\.bn1\.(gain|bias|scale)\b"),
        "BigGAN-deep of pytorch-pretrained-biggan is",
    ),
    ("a discriminator", _is_discriminator, "generators are; choose the generator's file"),
)


def detect(shapes: Shapes, family: str = "auto") -> Layout:
    """Returns the layout of a state dict.

    Args:
        shapes: shape of every tensor by name.
        family: which family it must belong to, or `auto`.

    Raises:
        CheckpointError: the layout is unknown, not supported, or of another family.
    """
    for name, test, supported in UNSUPPORTED:
        if test(shapes):
            raise CheckpointError(f"a checkpoint of {name}, which is not supported; {supported}")
    found = [layout for layout in LAYOUTS if layout.matches(shapes)]
    for layout in found:
        if family in ("auto", layout.family):
            return layout
    if found:
        raise CheckpointError(f"not a {family} checkpoint; it looks like {found[0]}")
    some = ", ".join(f"{key:.80}" for key in list(shapes)[:3])
    wanted = ", ".join(FAMILIES) if family == "auto" else family
    raise CheckpointError(
        f"unknown layout: {len(shapes)} tensors named like {some}; known families are {wanted}"
    )
