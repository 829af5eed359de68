"""Lightweight GAN in the layout of the package lightweight_gan of lucidrains.

Batch norms are folded into the convolutions in front of them. Images in [0, 1] are brought to
[-1, 1] by the last layer. Its code draws the noise of every layer anew for each image.
"""

import dataclasses

import numpy as np

from mgp_jax.errors import CheckpointError, SettingError
from mgp_jax.generators.lightweight_gan import AHEAD, LightweightGANConfig, cosines

from ..layout import Layout, Plan, Row, Shape, Shapes, Size, count
from ..options import Options
from ..stack.folding import Source, fold, join
from ..transforms import Transform, hwio, transposed_hwio
from ..wrappers import StateDict
from .linear_attention import ALPHA, attention_rows, check_blur, dense_rows
from .residual import row

EPSILON = 1e-5
COUNTER = "a counter of training steps"
NO_EFFECT = "the same for every pixel of a softmax, which has no effect"


def plan(state: StateDict, options: Options) -> Plan:
    """Plan for lightweight_gan."""
    del options
    shapes = state.shapes
    config, stored = _config(shapes), (*shapes.get("out_conv.bias", ()), 0)[0]
    norm = _norm("initial_conv.1", (2, "c0"))
    shape: Shape = ("latent", (2, "c0"), 4, 4)
    rows = _folded("layer0", "initial_conv.0", shape, transposed_hwio, norm)
    for i in range(1, len(config.channels)):
        name, inputs, outputs = f"layers.{i - 1}", f"c{i - 1}", f"c{i}"
        norm = _norm(f"{name}.0.4", (2, outputs))
        strength = join(lambda w, scale: w * scale, Source({f"{name}.0.3.weight": (1,)}), norm[0])
        rows += [
            *dense_rows(f"layer{i}.shuffle", f"{name}.0.0.net.0", (4, inputs), inputs),
            *_folded(f"layer{i}", f"{name}.0.2.1", ((2, outputs), inputs, 4, 4), hwio, norm),
            row(f"layer{i}.noise_strength", strength),
            Row(f"layer{i}.noise", {}, _drawn(i)),
        ]
        if i in config.attention:
            target, attention = f"layer{i}.attention", f"{name}.2"
            rows += attention_rows(target, f"{attention}.norm", f"{attention}.fn", inputs, True)
        if config.excited(i):
            rows += _excitation_rows(config, i, f"{name}.1")
    shape = ("image", f"c{len(config.channels) - 1}", 3, 3)
    kept = config.image_channels
    rows += [
        Row("to_rgb.kernel", {"out_conv.weight": shape}, lambda w: 2 * hwio(w)[..., :kept]),
        Row("to_rgb.bias", {"out_conv.bias": ("image",)}, lambda bias: 2 * bias[:kept] - 1),
    ]
    ignored = {
        **check_blur(state, "layers.*.0.1.f"),
        **_check_cosines(state),
        "*.num_batches_tracked": COUNTER,
        "layers.*.1.to_k.bias": NO_EFFECT,
    }
    noted = {
        "noise": "drawn once for all images (none is stored)",
        **({"alpha": ALPHA} if stored == 4 else {}),
    }
    return Plan(tuple(rows), lambda _: dataclasses.asdict(config), ignored, noted=noted)


def _config(shapes: Shapes) -> LightweightGANConfig:
    """Reads the configuration from the shapes."""
    layers = range(count(shapes, r"layers\.(\d{1,2})\."))
    codes, outputs = (*shapes.get("initial_conv.0.weight", ()), 0, 0)[:2]
    widths = [(*shapes.get(f"layers.{k}.0.2.1.weight", ()), 0)[0] // 2 for k in layers]
    image = (*shapes.get("out_conv.bias", ()), 0)[0]
    try:
        return LightweightGANConfig(
            codes,
            (outputs // 2, *widths),
            tuple(k + 1 for k in layers if f"layers.{k}.2.norm.g" in shapes),
            "frequency" if any(k.endswith(".1.dct_weights") for k in shapes) else "context",
            "layers.0.0.1.f" in shapes,
            3 if image == 4 else image,
        )
    except SettingError as error:
        raise CheckpointError(str(error)) from None


def _norm(name: str, channels: Size) -> tuple[Source, Source]:
    """Returns factor and summand of a batch norm."""
    weight, bias, mean, variance = (
        Source({f"{name}.{part}": (channels,)})
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = join(lambda gamma, variance: gamma / np.sqrt(variance + EPSILON), weight, variance)
    return scale, join(lambda beta, mean, scale: beta - mean * scale, bias, mean, scale)


def _folded(
    target: str, name: str, shape: Shape, orient: Transform, norm: tuple[Source, Source]
) -> list[Row]:
    """Rows of a convolution with the norm behind it in its weights."""
    outputs = next(size for size in shape if isinstance(size, tuple))
    layer = {
        "kernel": Source({f"{name}.weight": shape}, orient),
        "bias": Source({f"{name}.bias": (outputs,)}),
    }
    sources = fold(layer, dict(zip(("scale", "shift"), norm, strict=True)))
    return [row(f"{target}.{part}", source) for part, source in sources.items()]


def _excitation_rows(config: LightweightGANConfig, index: int, name: str) -> list[Row]:
    target, inputs, hidden = f"layer{index}.excites", f"c{index}", config.hidden(index)
    rows = [
        *dense_rows(f"{target}.dense0", f"{name}.net.0", hidden, inputs),
        *dense_rows(f"{target}.dense1", f"{name}.net.2", f"c{index + AHEAD}", hidden),
    ]
    if config.excitation == "context":
        rows.append(Row(f"{target}.key", {f"{name}.to_k.weight": (1, inputs, 1, 1)}, np.ravel))
    return rows


def _check_cosines(state: StateDict) -> dict[str, str]:
    """Checks that stored cosines are those that `mgp_jax` has built in."""
    for key, value in state.tensors.items():
        if not key.endswith(".1.dct_weights"):
            continue
        if value.ndim != 4 or not np.allclose(value, weights_of_cosines(value.shape), atol=1e-5):
            raise CheckpointError(f"{key} are not the cosines of FcaNet, the only ones supported")
    return {"layers.*.1.dct_weights": "the cosines, which are built in"}


def weights_of_cosines(shape: tuple[int, ...]) -> np.ndarray:
    """Returns what sums by frequency are weighted with, float[1, C, H, W]."""
    _, channels, height, width = shape
    rows, columns = cosines(height), cosines(width)
    size = channels // 16
    within_rows = np.einsum("y,xk->kyx", rows[:, 0], columns)
    within_columns = np.einsum("yk,x->kyx", rows, columns[:, 0])
    made = np.repeat(np.concatenate([within_rows, within_columns]), size, axis=0)
    return np.pad(made, ((0, channels - len(made)), (0, 0), (0, 0)))[None]


def _drawn(i: int) -> Transform:
    size = 4 * 2**i
    return lambda: np.random.RandomState(i).standard_normal((1, size, size, 1))


def _matches(shapes: Shapes) -> bool:
    return "layers.0.0.0.net.0.weight" in shapes and "initial_conv.0.weight" in shapes


LAYOUTS = (Layout("lightweight_gan", "lightweight_gan", _matches, plan),)
