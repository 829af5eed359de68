"""The text form of degradations, for the command line.

Operators are separated by `|` and applied from left to right; their arguments by `:`, options
(`seed=1`) last:

    identity                    gray
    down:FACTOR[:METHOD]        method: area (default), bilinear, bicubic, bilinear-antialias,
                                bicubic-antialias, pillow (area predicts it; the true one is any
                                filter of Pillow)
    resize:SIZE[:METHOD]        to SIZE x SIZE pixels, whatever the factor is; same methods
    noise:SIGMA                 on the [0, 1] scale
    noise:auto                  of a level that each observation tells
    poisson:PEAK                photons in white
    drop:PROBABILITY            dead pixels, black, at random places
    mask:center:SIZE            a square hole of SIZE pixels
    mask:random:FRACTION        missing pixels; option seed
    mask:strokes:COUNT          straight strokes; option seed
    mask:FILE.png               white = missing
    mask:inverted:FILE.png      black = missing
    impulse:FRACTION            pixels replaced by random colours; option seed
    blur:gaussian:SIGMA         in pixels
    blur:motion:LENGTH:ANGLE    in pixels and degrees
    blur:FILE.npy               kernel with two odd sides
    jpeg:QUALITY[:444]          1 to 100; chroma at half the resolution unless 444
    quantise:BITS               rounded to 2^BITS levels, as a file does
    cs:FRACTION                 random projections; option seed
    FILE.py:FUNCTION            a function of an image, float[H, W, C] in [-1, 1], written with JAX

A file name may hold `:` but no `|`.
"""

import difflib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np

from mgp_jax.arrays import read_array
from mgp_jax.degradations.base import AUTO, Degradation, Shape, as_degradation
from mgp_jax.degradations.blurring import Blur
from mgp_jax.degradations.composition import compose
from mgp_jax.degradations.counting import Drop, Poisson
from mgp_jax.degradations.jpeg import Jpeg
from mgp_jax.degradations.masks import Impulse, Mask
from mgp_jax.degradations.pointwise import Grayscale, Identity, Noise, UnknownNoise
from mgp_jax.degradations.quantising import Quantise
from mgp_jax.degradations.resampling import METHODS, Downsample, Resize
from mgp_jax.degradations.sensing import CompressedSensing
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.user_code import load_function, names_function


def parse(spec: str, resolution: int, channels: int = 3) -> Degradation:
    """Makes a degradation of its text form.

    Args:
        spec: for example `gray|down:4|noise:0.05`; see the top of this file.
        resolution: height and width in pixels of the image it is applied to.
        channels: channels of that image.

    Returns: the degradation; its `str` is the canonical form of the spec.

    Raises:
        SettingError: the spec is wrong or does not fit the resolution.
        ImageError: a mask file cannot be used.

    Example:
        >>> from mgp_jax import parse
        >>> degradation = parse("gray|down:4", resolution=64)
        >>> degradation.observation_shape((64, 64, 3))
        (16, 16, 1)
    """
    try:
        return compose(*_operators(spec, (resolution, resolution, channels)))
    except SettingError as error:
        problem = " ".join(str(error).split())
        raise SettingError(f"degradation {spec!r}: {problem}") from None


def _operators(spec: str, shape: Shape) -> Iterator[Degradation]:
    """Yields the operators of a spec, each made for the shape that those before it leave."""
    pixelwise = True
    for text in spec.split("|"):
        arguments = Arguments(text.strip())
        operator = _builder(arguments)(arguments, shape)
        arguments.finish()
        if isinstance(operator, Mask) and operator.picture is not None and not pixelwise:
            # It belongs to what the operators before it make, not to a photograph.
            operator.picture.require_fitting(None, shape[0])
        shape = operator.observation_shape(shape)
        pixelwise &= operator.pixelwise
        yield operator


class Arguments:
    """The parts of one operator's text, taken from left to right."""

    def __init__(self, text: str):
        self.text = text
        self.name, *rest = (part.strip() for part in text.split(":"))
        self.rest = rest
        self.path = text.partition(":")[2].strip()

    def fail(self, problem: str) -> NoReturn:
        """Raises a SettingError about this operator."""
        raise SettingError(f"{self.text}: {problem}")

    def word(self, what: str) -> str:
        """Takes the next argument, which must be there."""
        if not self.rest or not self.rest[0] or self.rest[0].startswith("seed="):
            self.fail(f"{what} is missing")
        return self.rest.pop(0)

    def number(self, what: str) -> float:
        """Takes a number."""
        word = self.word(what)
        try:
            return float(word)
        except ValueError:
            self.fail(f"{what} must be a number, not {word!r}")

    def whole(self, what: str) -> int:
        """Takes a whole number."""
        return self._whole(what, self.word(what))

    def seed(self) -> int:
        """Takes the option `seed=N`; 0 if it is not given."""
        if not self.rest or not self.rest[0].startswith("seed="):
            return 0
        return self._whole("the seed", self.rest.pop(0).removeprefix("seed="))

    def finish(self) -> None:
        """Raises a SettingError if something is left over."""
        if self.rest:
            self.fail(f"{self.rest[0]!r} is not understood")

    def _whole(self, what: str, word: str) -> int:
        try:
            return int(word)
        except ValueError:
            self.fail(f"{what} must be a whole number, not {word!r}")


def _builder(arguments: Arguments) -> Callable[[Arguments, Shape], Degradation]:
    """Finds the builder of an operator by its name."""
    name = arguments.name
    if not name:
        raise SettingError("an operator is missing")
    if names_function(arguments.text):
        return _own
    if name not in BUILDERS:
        near = difflib.get_close_matches(name, BUILDERS, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(BUILDERS)}"
        raise SettingError(f"unknown operator {name!r}; {hint}")
    return BUILDERS[name]


def _down(arguments: Arguments, shape: Shape) -> Degradation:
    del shape
    return Downsample(arguments.whole("the factor"), _method(arguments))


def _resize(arguments: Arguments, shape: Shape) -> Degradation:
    del shape
    return Resize(arguments.whole("the size"), _method(arguments))


def _method(arguments: Arguments) -> str:
    """Takes a method of resampling; `area` if none is given."""
    if not arguments.rest:
        return METHODS[0]
    method = arguments.word("the method")
    if method not in METHODS:
        near = difflib.get_close_matches(method, METHODS, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(METHODS)}"
        arguments.fail(f"unknown method {method!r}; {hint}")
    return method


def _mask(arguments: Arguments, shape: Shape) -> Degradation:
    kind = arguments.word("center:SIZE, random:FRACTION, strokes:COUNT or a file")
    _require_pixels(arguments, shape)
    if kind == "center":
        return Mask.center(arguments.whole("the size of the hole"), shape)
    if kind == "random":
        return Mask.random(arguments.number("the fraction"), shape, arguments.seed())
    if kind == "strokes":
        return Mask.strokes(arguments.whole("the number of strokes"), shape, arguments.seed())
    inverted = kind == "inverted" and len(arguments.rest) > 0
    path, arguments.rest = arguments.path, []
    if inverted:
        path = path.partition(":")[2].strip()
    if not Path(path).suffix and not Path(path).exists():
        near = difflib.get_close_matches(kind, ("center", "random", "strokes"), 1)
        needed = "center, random, strokes or a file is needed"
        hint = f"did you mean {near[0]}?" if near else needed
        arguments.fail(f"unknown mask {kind!r}; {hint}")
    return Mask.from_file(path, shape[0], inverted)


def _noise(arguments: Arguments, shape: Shape) -> Degradation:
    del shape
    if arguments.rest[:1] == [AUTO]:
        arguments.rest = arguments.rest[1:]
        return UnknownNoise()
    return Noise(arguments.number("sigma"))


def _drop(arguments: Arguments, shape: Shape) -> Degradation:
    _require_pixels(arguments, shape)
    return Drop.of(arguments.number("the probability"))


def _impulse(arguments: Arguments, shape: Shape) -> Degradation:
    _require_pixels(arguments, shape)
    return Impulse.random(arguments.number("the fraction"), shape, arguments.seed())


def _blur(arguments: Arguments, shape: Shape) -> Degradation:
    del shape
    kind = arguments.word("gaussian:SIGMA, motion:LENGTH:ANGLE or a file")
    if kind == "gaussian":
        return Blur.gaussian(arguments.number("sigma"))
    if kind == "motion":
        return Blur.motion(arguments.whole("the length"), arguments.number("the angle"))
    path, arguments.rest = arguments.path, []
    if Path(path).suffix != ".npy":
        near = difflib.get_close_matches(kind, ("gaussian", "motion"), 1)
        hint = f"did you mean {near[0]}?" if near else "gaussian, motion or FILE.npy is needed"
        arguments.fail(f"unknown blur {kind!r}; {hint}")
    try:
        kernel = read_array(path).astype(np.float64)
    except ImageError:
        arguments.fail("the kernel file cannot be read")
    return Blur.from_kernel(kernel, f"blur:{path}")


def _jpeg(arguments: Arguments, shape: Shape) -> Degradation:
    del shape
    quality = arguments.whole("the quality")
    full = arguments.rest[:1] == ["444"]
    arguments.rest = arguments.rest[full:]
    return Jpeg(quality, subsample=not full)


def _sensing(arguments: Arguments, shape: Shape) -> Degradation:
    _require_pixels(arguments, shape)
    return CompressedSensing.random(arguments.number("the fraction"), shape, arguments.seed())


def _own(arguments: Arguments, shape: Shape) -> Degradation:
    del shape
    arguments.rest = []
    return as_degradation(load_function(arguments.text))


def _require_pixels(arguments: Arguments, shape: Shape) -> None:
    """Raises a SettingError if the operators so far do not leave an image."""
    if len(shape) != 3:
        arguments.fail("needs an image, not the measurements of another operator")


BUILDERS: dict[str, Callable[[Arguments, Shape], Degradation]] = {
    "identity": lambda arguments, shape: Identity(),
    "gray": lambda arguments, shape: Grayscale(),
    "down": _down,
    "resize": _resize,
    "noise": _noise,
    "poisson": lambda arguments, shape: Poisson.of(arguments.number("the number of photons")),
    "drop": _drop,
    "mask": _mask,
    "impulse": _impulse,
    "blur": _blur,
    "jpeg": _jpeg,
    "quantise": lambda arguments, shape: Quantise(arguments.whole("the number of bits")),
    "cs": _sensing,
}
