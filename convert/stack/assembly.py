"""Puts the elements of a stack together: the layers of `mgp_jax`, and the rows that fill them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mgp_jax.errors import CheckpointError
from mgp_jax.generators.sequential import SequentialConfig, split_stages
from mgp_jax.generators.stack_base import Layer, Margins, Weighted
from mgp_jax.generators.stack_layers import Convolution, Dense, PixelShuffle, Transposed
from mgp_jax.generators.stack_pointwise import Affine, GroupNorm, PReLU

from ..layout import Row
from ..transforms import Transform
from .elements import Element, Kernel, Linear, Norm, Shape, Slope, Stack
from .folding import Source, constant, fold, norm_sources, orient_kernel, weight_source
from .kinds import is_square
from .parts import Part

IMAGE_CHANNELS = (1, 3)
COUNTER = "a counter of training steps"


@dataclass(frozen=True)
class Made:
    """A layer, and where its parameters come from."""

    layer: Layer
    parameters: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True)
class Assembly:
    """A network in our terms.

    Attributes:
        config: its configuration.
        rows: what its parameters are made of.
        ignored: reasons to ignore tensors, by name.
        assumed: what nothing but the number of channels shows.
    """

    config: SequentialConfig
    rows: tuple[Row, ...]
    ignored: Mapping[str, str]
    assumed: Mapping[str, str]


def assemble(stack: Stack) -> Assembly:
    """Makes configuration and rows.

    Raises:
        CheckpointError: the elements do not fit each other, or do not make an image.
        SettingError: the layers do not fit each other.
    """
    builder = _Builder(stack.elements)
    for i in range(len(stack.elements)):
        builder.add(i)
    builder.finish()
    layers = tuple(made.layer for made in builder.made)
    if sum(isinstance(layer, Weighted) for layer in layers) < 2:
        raise CheckpointError("a network of one layer only, which is no generator")
    config = SequentialConfig(builder.latent, layers, stack.output, stack.latent)
    if config.image_channels not in IMAGE_CHANNELS:
        raise CheckpointError(
            f"makes images of {config.image_channels} channels; 1 (gray) and 3 (RGB) are supported"
        )
    shuffled = {"pixel shuffle": f"behind {', '.join(builder.shuffled)}"}
    assumed = shuffled if builder.shuffled else {}
    return Assembly(config, tuple(_rows(builder.made)), builder.ignored, assumed)


def _rows(made: Sequence[Made]) -> list[Row]:
    rows = []
    entries = iter(made)
    for i, stage in enumerate(split_stages(tuple(entry.layer for entry in made))):
        for k, layer in enumerate(stage):
            suffix = "" if isinstance(layer, Weighted) else str(k)
            for name, source in next(entries).parameters.items():
                rows.append(Row(f"layer{i}.{name}{suffix}", source.tensors, source.transform))
    return rows


class _Builder:
    """Adds one element after the other and keeps the size of the map."""

    def __init__(self, elements: Sequence[Element]):
        self.elements = elements
        self.made: list[Made] = []
        self.ignored: dict[str, str] = {}
        self.shuffled: list[str] = []
        self.last = ""
        self.latent = 0
        self.height = self.width = 1
        self.channels = 0

    def add(self, i: int) -> None:
        """Adds element `i`."""
        match element := self.elements[i]:
            case Shape(_, 1, 1) if not self.made:
                pass  # the code as a map of one pixel
            case Norm() | Slope() | Shape() | Layer() if not self.made:
                raise CheckpointError(f"a {type(element).__name__} in front of the first layer")
            case Linear():
                self._linear(element.part, self.elements[i + 1 :])
            case Kernel():
                self._shuffle(element.inputs)
                self._kernel(element)
            case Norm():
                self._shuffle(element.part.channels)
                self._norm(element)
            case Slope():
                self._slope(element.part)
            case Shape():
                found = (self.channels, self.height, self.width)
                if (element.channels, element.height, element.width) != found:
                    raise CheckpointError(f"a reshaping to {element} of a map of {found}")
            case Layer():
                self._append(element)

    def finish(self) -> None:
        """Makes an image of 3 channels of a multiple by a square number."""
        self._shuffle(3)

    def _append(self, layer: Layer, parameters: Mapping[str, Source] | None = None) -> None:
        before = (self.height, self.width, self.channels)
        self.height, self.width, self.channels = layer.size(before)
        self.made.append(Made(layer, parameters or {}))

    def _shuffle(self, wanted: int) -> None:
        """Puts in the pixel shuffle that a drop in channels by a square number shows."""
        factor = math.isqrt(self.channels // wanted) if wanted else 0
        if self.height > 1 and factor > 1 and factor**2 * wanted == self.channels:
            self._append(PixelShuffle(factor))
            self.shuffled.append(self.last)

    def _linear(self, part: Part, behind: Sequence[Element]) -> None:
        features, inputs = part.weight
        self._take(part, inputs)
        if (self.height, self.width) != (1, 1):
            raise CheckpointError(f"{part.name}, a linear layer behind a map, is not supported")
        height, width, channels = _map_of(features, behind, part)
        fill = _filler(height, width, channels)
        kernel = weight_source(part, False).then(fill)
        bias = Source({part.key("bias"): (features,)}, fill)
        if "bias" not in part.shapes:
            bias = constant(np.zeros((height, width, channels)))
        per_pixel = height * width > 1
        if not per_pixel:
            bias = bias.then(lambda values: values[0, 0])
        self._append(Dense(height, width, channels, per_pixel), {"kernel": kernel, "bias": bias})

    def _kernel(self, element: Kernel) -> None:
        part = element.part
        self._take(part, element.inputs)
        margins = _margins(element)
        rows, columns = part.weight[2:]
        layer: Layer
        if not element.transposed:
            layer = Convolution(element.outputs, (rows, columns), element.stride, margins)
        elif (self.height, self.width) == (1, 1):
            # The kernel itself is the output, whatever the stride is, but for what is cut off.
            sides = zip((rows, columns), margins, strict=True)
            height, width = (k - sum(pair) for k, pair in sides)
            layer = Dense(height, width, element.outputs)
        else:
            layer = Transposed(element.outputs, (rows, columns), element.stride, margins)
        orient = orient_kernel(layer, element.transposed, margins)
        bias = constant(np.zeros(element.outputs))
        if "bias" in part.shapes:
            bias = Source({part.key("bias"): (element.outputs,)})
        kernel = weight_source(part, element.transposed).then(orient)
        self._append(layer, {"kernel": kernel, "bias": bias})

    def _take(self, part: Part, inputs: int) -> None:
        self.last = part.name
        if not self.made:
            self.latent = self.channels = inputs
        if inputs != self.channels:
            raise CheckpointError(
                f"{part.name} takes {inputs} channels, but there are {self.channels}"
            )

    def _norm(self, element: Norm) -> None:
        part = element.part
        channels = part.channels or self.channels
        per_pixel = channels != self.channels
        if channels not in (self.channels, self.channels * self.height * self.width):
            raise CheckpointError(
                f"{part.name} is a norm of {channels} channels, but there are {self.channels}"
            )
        if "num_batches_tracked" in part.shapes:
            self.ignored[part.key("num_batches_tracked")] = COUNTER
        norm = norm_sources(part, channels, element)
        if per_pixel:
            fill = _filler(self.height, self.width, self.channels)
            norm = {name: source.then(fill) for name, source in norm.items()}
        last = self.made[-1] if self.made else None
        if element.groups is not None:
            if per_pixel or (self.height, self.width) == (1, 1):
                raise CheckpointError(f"{part.name or 'the norm'}, a norm over space of a vector")
            self._append(GroupNorm(groups=element.groups, epsilon=element.epsilon), norm)
        elif last and isinstance(last.layer, Weighted) and not (per_pixel and not _free(last)):
            self.made[-1] = Made(last.layer, fold(last.parameters, norm))
        else:
            self._append(Affine(per_pixel), norm)

    def _slope(self, part: Part) -> None:
        (slopes,) = part.shapes["weight"]
        if slopes not in (1, self.channels):
            raise CheckpointError(
                f"{part.name} has {slopes} slopes, but there are {self.channels} channels"
            )
        source = Source({part.key("weight"): (slopes,)})
        self._append(PReLU(slopes == 1 != self.channels), {"slope": source})


def _free(made: Made) -> bool:
    """Whether every pixel has a bias of its own."""
    return isinstance(made.layer, Dense) and made.layer.bias_per_pixel


def _filler(height: int, width: int, channels: int) -> Transform:
    """Returns what makes (channel, y, x) out of the first axis, and channels the last one."""

    def fill(values: np.ndarray) -> np.ndarray:
        maps = values.reshape(channels, height, width, *values.shape[1:])
        return np.moveaxis(maps, 0, -1)

    return fill


def _map_of(features: int, behind: Sequence[Element], part: Part) -> tuple[int, int, int]:
    """Returns height, width and channels of the map that a vector is reshaped to."""
    for element in behind:
        match element:
            case Shape():
                return element.height, element.width, element.channels
            case Linear():
                return 1, 1, features
            case Norm() if element.part.channels not in (0, features):
                return _square(features, element.part.channels, part)
            case Kernel():
                return _square(features, element.inputs, part)
    channels = next((c for c in IMAGE_CHANNELS if is_square(features, c)), 0)
    return _square(features, channels, part)


def _square(features: int, channels: int, part: Part) -> tuple[int, int, int]:
    if not channels or not is_square(features, channels):
        raise CheckpointError(
            f"{part.name} makes {features} numbers, which are no square map"
            + (f" of {channels} channels" if channels else " of 1 or 3 channels")
        )
    side = math.isqrt(features // channels)
    return side, side, channels


def _margins(element: Kernel) -> Margins:
    """Returns the padding of each side: what is added, or of a transposed convolution cut off."""
    sides = []
    for axis, size in enumerate(element.part.weight[2:]):
        if isinstance(element.padding, str):
            sides.append(((size - 1) // 2, size // 2))
            continue
        padding = element.padding[axis]
        sides.append((padding, padding - element.output_padding[axis]))
    return tuple(sides)  # type: ignore[return-value]
