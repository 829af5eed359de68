"""What the five layouts of StyleGAN2 call their tensors, and how they arrange them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..layout import Shape, Size
from ..transforms import Transform, hwio, keep
from .style import Keys


@dataclass(frozen=True)
class Names:
    """What a layout calls its tensors, and how it arranges them.

    Attributes:
        dense: weight and bias of a layer of the mapping network; `{}` is its number.
        mean: the mean style.
        layer: name of a convolution layer by its number.
        rgb: name of the to-RGB layer of a resolution by its number.
        noise: name of a convolution layer's noise by its number.
        const: the constant input.
        weight: what a layer's name is followed by for its weight.
        style: the same for the dense layer from a style vector: weight and bias.
        bias: the same for the bias of a convolution layer.
        strength: the same for the strength of the noise.
        filters: patterns of the names of the fixed filters.
        filter_sum: sum of such a filter.
        weight_shape: shape of a weight with the given kernel size, inputs and outputs.
        hwio: brings a weight to (h, w, in, out).
        const_shape: shape of the constant input.
        noise_shape: leading axes of the noise.
        strength_shape: shape of the strength of the noise.
        rgb_bias: shape of the bias of a to-RGB layer.
        flips: whether kernels of doubling layers are stored back to front.
        adds_one: whether the code adds one to the biases of styles.
        scales: whether weights are scaled before they are demodulated.
    """

    dense: tuple[str, str]
    mean: str
    layer: Keys
    rgb: Keys
    noise: Keys
    const: str
    weight: str
    style: tuple[str, str]
    bias: str
    strength: str
    filters: tuple[str, ...]
    filter_sum: float
    weight_shape: Callable[[int, Size, Size], Shape]
    hwio: Transform
    const_shape: Shape = (1, "c0", 4, 4)
    noise_shape: Shape = (1, 1)
    strength_shape: Shape = ()
    rgb_bias: Shape = ("image",)
    flips: bool = False
    adds_one: bool = False
    scales: bool = True


def resolution(i: int) -> int:
    """Returns the resolution of a convolution layer, by its number."""
    return 4 * 2 ** ((i + 1) // 2)


def _rosinality_layer(i: int) -> str:
    return f"convs.{i - 1}" if i else "conv1"


def _ada_layer(i: int) -> str:
    # The first resolution has only its second layer.
    return f"synthesis.b{resolution(i)}.conv{0 if i % 2 else 1}"


MGANPRIOR = Names(
    dense=("mapping.dense{}.fc.weight", "mapping.dense{}.bias"),
    mean="truncation.w_avg",
    layer="synthesis.layer{}".format,
    rgb="synthesis.output{}".format,
    noise="synthesis.layer{}.noise".format,
    const="synthesis.early_layer.const",
    weight="weight",
    style=("style.fc.weight", "style.bias"),
    bias="bias",
    strength="noise_strength",
    filters=("synthesis.layer*.filter.kernel", "synthesis.upsample.kernel"),
    filter_sum=4.0,
    weight_shape=lambda size, inputs, outputs: (size, size, inputs, outputs),
    hwio=keep,
    adds_one=True,
)
GENFORCE = replace(
    MGANPRIOR,
    dense=("mapping.dense{}.weight", "mapping.dense{}.bias"),
    style=("style.weight", "style.bias"),
    weight_shape=lambda size, inputs, outputs: (outputs, inputs, size, size),
    hwio=hwio,
)
ROSINALITY = Names(
    # Number 0 of the Sequential is the pixel norm.
    dense=("style.{}.weight", "style.{}.bias"),
    mean="latent_avg",
    layer=_rosinality_layer,
    rgb=lambda j: f"to_rgbs.{j - 1}" if j else "to_rgb1",
    noise="noises.noise_{}".format,
    const="input.input",
    weight="conv.weight",
    style=("conv.modulation.weight", "conv.modulation.bias"),
    bias="activate.bias",
    strength="noise.weight",
    filters=("convs.*.conv.blur.kernel", "to_rgbs.*.upsample.kernel"),
    filter_sum=4.0,
    weight_shape=lambda size, inputs, outputs: (1, outputs, inputs, size, size),
    hwio=lambda weight: hwio(weight[0]),
    strength_shape=(1,),
    rgb_bias=(1, "image", 1, 1),
    flips=True,
)
STYLEGAN2_TORCH = replace(
    ROSINALITY,
    dense=("mapping.{}.weight", "mapping.{}.bias"),
    layer=lambda i: f"up_convs.{i // 2}" if i % 2 else f"convs.{i // 2}",
    rgb="to_rgbs.{}".format,
    weight="weight",
    style=("affine.weight", "affine.bias"),
    bias="leaky_relu.bias",
    strength="add_noise.weight",
    filters=("up_convs.*.blur.kernel", "to_rgbs.*.upsample.kernel"),
)
ADA = Names(
    dense=("mapping.fc{}.weight", "mapping.fc{}.bias"),
    mean="mapping.w_avg",
    layer=_ada_layer,
    rgb=lambda j: f"synthesis.b{4 * 2**j}.torgb",
    noise=lambda i: f"{_ada_layer(i)}.noise_const",
    const="synthesis.b4.const",
    weight="weight",
    style=("affine.weight", "affine.bias"),
    bias="bias",
    strength="noise_strength",
    filters=("synthesis.*.resample_filter",),
    filter_sum=1.0,
    weight_shape=lambda size, inputs, outputs: (outputs, inputs, size, size),
    hwio=hwio,
    const_shape=("c0", 4, 4),
    noise_shape=(),
    flips=True,
    scales=False,
)
