"""What has become of a photograph, estimated from the photograph alone.

Gray, blur and noise are found in the pixels, the quality of JPEG in the file's tables. An apparent
resolution below that of the pixels and a blur are one: both take the finest detail away.
"""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.degradations.base import Degradation
from mgp_jax.degradations.blurring import Blur
from mgp_jax.degradations.composition import compose
from mgp_jax.degradations.jpeg import LUMINANCE_STEPS, Jpeg
from mgp_jax.degradations.noise_level import noise_level
from mgp_jax.degradations.pointwise import Grayscale, Noise
from mgp_jax.errors import SettingError
from mgp_jax.images import luminance

# What is below counts as a clean photograph: a blur in pixels, a noise on the [0, 1] scale.
SHARP, QUIET = 0.65, 0.018
# From this quality on JPEG leaves nothing that is worth undoing.
FINE = 85
# The blocks of a file are still there where it has been resized by no more than that.
RESIZED = 1.2
# The noise of a blurred photograph at least: its blur is not known exactly, so that what undoes it
# must not agree with every last level.
INEXACT = 0.01
# A photograph enlarged F times is about as blurred as by a Gaussian of so many F pixels.
ENLARGED = 0.43
# Colour differences by so much, on the [0, 1] scale, that the brightness does not explain, make a
# photograph one in colours; toned ones are gray. They are seen in blocks, which are without noise.
COLOURFUL, BLOCK = 0.01, 8
# Pixels a side that tell whether a photograph is gray.
ENOUGH = 512
# The power of photographs falls with the frequency to the power of this, more or less.
SLOPE, CERTAINTY = -2.9, 4.0
# Rings of the spectrum; below the lowest frequency, in cycles a pixel, subjects differ too much.
RINGS, LOWEST = 32, 0.02
# How much the power must be above that of the noise to count.
ABOVE = 4.0
# By how much of the exponent a blur must change what still counts. Behind noise little does, and
# subjects differ by as much.
VISIBLE = 1.4
# Rounding to 8 bits is noise too.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Estimate:
    """What seems to have made a photograph of a clean one.

    Attributes:
        gray: whether it has no colours of its own.
        blur: standard deviation of a Gaussian blur in its pixels, 0 for none.
        noise: standard deviation of its noise on the [0, 1] scale, 0 for none.
        quality: that of its JPEG compression, 1 to 100; None if it is not known or does not matter.
    """

    gray: bool = False
    blur: float = 0.0
    noise: float = 0.0
    quality: int | None = None

    @property
    def resolution(self) -> float:
        """The part of its height and width, in pixels, that would hold all its detail."""
        return min(1.0, ENLARGED / self.blur) if self.blur else 1.0

    def reduced(self, scale: float) -> "Estimate":
        """Returns what it is where the photograph is reduced: means of pixels have less noise.

        Args:
            scale: the new height and width as a part of the old.
        """
        blur, noise = self.blur * scale, self.noise * min(1.0, scale)
        alike = 1 / RESIZED <= scale <= RESIZED
        return Estimate(
            gray=self.gray,
            blur=round(blur, 1) if blur >= SHARP else 0.0,
            noise=round(noise, 2) if noise >= QUIET else 0.0,
            quality=self.quality if alike else None,
        )

    def degradation(self) -> Degradation:
        """Returns it as an operator on an image of the photograph's size."""
        operators: list[Degradation] = [Grayscale()] if self.gray else []
        if self.blur:
            operators.append(Blur.gaussian(self.blur))
        if self.quality is not None:
            operators.append(Jpeg(self.quality))
        noise = max(self.noise, INEXACT) if self.blur else self.noise
        return compose(*operators, *([Noise(noise)] if noise else ()))

    def __str__(self) -> str:
        found = ["gray"] if self.gray else []
        if self.blur:
            share = f"{self.resolution:.0%}"
            found.append(f"as sharp as {share} of its pixels a side (blur of {self.blur:g})")
        found += [f"noise of {self.noise:g}"] if self.noise else []
        found += [] if self.quality is None else [f"JPEG of quality {self.quality}"]
        return ", ".join(found) or "clean"


def estimate(photograph: np.ndarray, steps: Any = None) -> Estimate:
    """Estimates what has made a photograph, or a part of one, of a clean one.

    Args:
        photograph: float[H, W, 1 or 3] in [-1, 1], at least 16 pixels a side. Take a square that is
            evenly sharp: an estimate is one for all of it.
        steps: the quantisation steps of its file, see `images.quantisation`; None if there are
            none.

    Returns: rounded values, because programs are compiled for each.
    """
    pixels = np.asarray(photograph, np.float64) / 2 + 0.5
    noise = float(noise_level(pixels))
    quality = None if steps is None else quality_of(steps)
    blur = blur_width(luminance(pixels)[..., 0] if pixels.shape[2] == 3 else pixels[..., 0], steps)
    return Estimate(
        gray=is_gray(photograph),
        blur=round(blur, 1) if blur >= SHARP else 0.0,
        noise=round(noise, 2) if noise >= QUIET else 0.0,
        quality=None if quality is None or quality >= FINE else quality,
    )


def estimated_sigma(degradation: Degradation, observation: Any) -> float:
    """Returns the standard deviation of the noise that an observation tells, on the [0, 1] scale.

    Args:
        degradation: one whose noise is not known.
        observation: float[H, W, C] in [-1, 1].

    Raises:
        SettingError: it shows too little, because hardly any pixels side by side are known.
    """
    level = float(_told_noise(degradation, jnp.asarray(observation, jnp.float32))) / 2
    if not math.isfinite(level):
        raise SettingError(
            f"{degradation}: too few pixels side by side are known to tell noise, give its sigma"
        )
    return level


@jax.jit
def _told_noise(degradation: Degradation, observation: jax.Array) -> jax.Array:
    return degradation.told_noise(observation)


def is_gray(photograph: np.ndarray) -> bool:
    """Says whether brightness explains all colours: a photograph is gray, or toned as old ones are.

    Args:
        photograph: [H, W, 1 or 3], float in [-1, 1] or uint8; of large ones some pixels count.
    """
    if photograph.shape[2] == 1:
        return True
    every = max(1, min(photograph.shape[:2]) // ENOUGH)
    thin = photograph[::every, ::every]
    pixels = thin / 255.0 if thin.dtype == np.uint8 else thin / 2 + 0.5
    block = min(BLOCK, *pixels.shape[:2])
    height, width = (n // block * block for n in pixels.shape[:2])
    blocks = pixels[:height, :width].reshape(height // block, block, width // block, block, 3)
    colours = blocks.mean(axis=(1, 3)).reshape(-1, 3)
    brightness = colours.mean(axis=1)
    known = np.stack([brightness**0, brightness, brightness**2], axis=1)
    differences = colours - brightness[:, None]
    explained = known @ np.linalg.lstsq(known, differences, rcond=None)[0]
    return bool(np.sqrt(np.mean((differences - explained) ** 2)) < COLOURFUL)


def blur_width(brightness: np.ndarray, steps: Any = None) -> float:
    """Returns the standard deviation of the Gaussian blur that the power spectrum shows.

    The power of sharp photographs falls like that of the frequency to some power. What falls
    faster, as a Gaussian does, is blur. Three numbers are fitted to the logarithm of the spectrum,
    as far as it is above the noise: its level, that power and the blur.

    Args:
        brightness: float[H, W] in [0, 1].
        steps: quantisation steps of JPEG, whose error is noise to the spectrum.
    """
    frequency, power = spectrum(brightness)
    floor = max(float(noise_level(brightness[..., None])) ** 2, ROUNDING)
    if steps is not None:
        floor = max(floor, (np.min(steps) / 255) ** 2 / 12)
    seen = frequency > LOWEST
    sunk = np.flatnonzero(seen & (power <= ABOVE * floor))
    seen[sunk[0] if len(sunk) else RINGS :] = False
    f, y = frequency[seen], np.log(power[seen] - floor)
    rows = np.stack([np.ones_like(f), np.log(f), -((2 * np.pi * f) ** 2)], axis=1)
    # One row more for what is known of all photographs.
    rows = np.vstack([rows, [0, CERTAINTY, 0]])
    fit = np.linalg.lstsq(rows, np.append(y, CERTAINTY * SLOPE), rcond=None)[0]
    if len(f) < 3 or fit[2] * (2 * np.pi * f[-1]) ** 2 < VISIBLE:
        return 0.0
    return math.sqrt(fit[2])


def spectrum(brightness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns frequencies float[32] in cycles a pixel, and the mean power of each ring around 0."""
    height, width = brightness.shape
    window = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[None, 1:-1]
    still = (brightness - np.average(brightness, weights=window)) * window
    power = np.abs(np.fft.fft2(still)) ** 2 / np.sum(window**2)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    ring = (2 * RINGS * radius).astype(int).ravel()
    count = np.bincount(ring, minlength=RINGS)[:RINGS]
    total = np.bincount(ring, power.ravel(), RINGS)[:RINGS]
    return (np.arange(RINGS) + 0.5) / (2 * RINGS), total / np.maximum(count, 1)


def quality_of(steps: Any) -> int:
    """Returns the quality on libjpeg's scale whose table of luminance is nearest to one of a file.

    Args:
        steps: int[8, 8].
    """
    # Where they are neither cut off nor rounded to nothing.
    told = np.clip(steps, 2, 254) == steps
    if not np.any(told):
        return 100 if np.max(steps) < 2 else 1
    scale = 100 * float(np.median((np.asarray(steps) / LUMINANCE_STEPS)[told]))
    quality = 5000 / scale if scale > 100 else (200 - scale) / 2
    return int(np.clip(round(quality), 1, 100))
