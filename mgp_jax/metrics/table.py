"""The table of metrics: what each is called, how it is shown, and the function that measures it.

Records, reports, tables, benchmarks and the search for recipes read their metrics from here. One
more metric is a function and a row; a row added to `METRICS` in Python counts everywhere, too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from mgp_jax.errors import SettingError
from mgp_jax.metrics.calibration import calibration_curve, correlation, coverage, temperature_of
from mgp_jax.metrics.colorization import colorization_auc, colour_weights
from mgp_jax.metrics.fidelity import SMALLEST_FOR_SSIM, psnr, ssim, to_unit
from mgp_jax.metrics.naturalness import SMALLEST_FOR_NIQE, niqe
from mgp_jax.metrics.perceptual import REDUCED, SMALLEST_FOR_LPIPS, lpips, lpips_of_reduced

Scores = dict[str, list[float | None]]


@dataclass(frozen=True)
class Metric:
    """A row of the table.

    Attributes:
        name: the field of records.
        title: the name that people read.
        function: measures images float[B, H, W, C] against references of the same shape, both in
            [0, 1]: float[B]. `each` makes one of a function of single images.
        higher: whether more is better; None where neither is.
        digits: decimal places that are shown.
        unit: shown behind the number.
        factor: what is shown is the value times this.
        smallest: height and width that images need at least.
        channels: numbers of channels that it is defined for.
        kind: the one kind of task that it is for; None for all.
        recorded: whether every run records it where the truth is known.
        spread: whether it measures the spread of several answers: its function takes as a third
            argument their deviations, of the shape of the images and in the same units.
    """

    name: str
    title: str
    function: Callable[..., Any]
    higher: bool | None = True
    digits: int = 3
    unit: str = ""
    factor: float = 1
    smallest: int = 1
    channels: tuple[int, ...] = (1, 3)
    kind: str | None = None
    recorded: bool = True
    spread: bool = False

    @property
    def heading(self) -> str:
        """Title and unit, as a column or an axis is labelled."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def axis(self) -> str:
        """Heading and direction."""
        if self.higher is None:
            return self.heading
        return f"{self.heading}, {'higher' if self.higher else 'lower'} is better"

    def number(self, value: float) -> str:
        """Returns a value as it is shown, without the unit."""
        return f"{self.factor * value:.{self.digits}f}"

    def text(self, value: float) -> str:
        """Returns title, value and unit."""
        return f"{self.title} {self.number(value)} {self.unit}".rstrip()

    def measures(self, shape: Sequence[int]) -> bool:
        """Whether it is defined for images of a shape (..., H, W, C)."""
        return min(shape[-3:-1]) >= self.smallest and shape[-1] in self.channels


def each(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function of batches of one that measures a single image against its reference."""
    return lambda *batches: [float(function(*item)) for item in zip(*batches, strict=True)]


def _balanced_auc(images: jax.Array, references: jax.Array) -> jax.Array:
    return colorization_auc(images, references, colour_weights(references))


def _niqe(image: jax.Array, reference: jax.Array) -> float:
    del reference
    return niqe(image)


# Of large images, in tables alone.
IN_SMALL: dict[str, Any] = {"higher": False, "smallest": REDUCED + 1, "recorded": False}
# Of colorizations alone, and in tables alone.
COLOURS: dict[str, Any] = {"digits": 2, "unit": "%", "factor": 100, "channels": (3,)}
COLOURS |= {"kind": "colorization", "recorded": False}

ROWS = (
    Metric("psnr", "PSNR", psnr, digits=2, unit="dB"),
    Metric("ssim", "SSIM", ssim, smallest=SMALLEST_FOR_SSIM),
    Metric("lpips", "LPIPS", lpips, False, smallest=SMALLEST_FOR_LPIPS),
    Metric("lpips_256", "LPIPS at 256", lpips_of_reduced, **IN_SMALL),
    Metric("auc", "AuC", colorization_auc, **COLOURS),
    Metric("auc_balanced", "AuC balanced", _balanced_auc, **COLOURS),
    Metric("niqe", "NIQE", each(_niqe), False, 2, smallest=SMALLEST_FOR_NIQE, recorded=False),
    Metric("correlation", "Spread correlation", each(correlation), digits=2, spread=True),
    Metric("coverage", "90 % coverage", each(coverage), None, 1, "%", 100, spread=True),
    Metric("temperature", "Temperature left", each(temperature_of), None, 2, spread=True),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in ROWS}
# Shown where there is room for two.
PAIR = (METRICS["psnr"], METRICS["lpips"])
LPIPS_AT_256 = METRICS["lpips_256"]


def recorded(spread: bool = False) -> list[Metric]:
    """Returns the metrics that every run records; with those of the spread, where there is one."""
    return [m for m in METRICS.values() if m.recorded and (spread or not m.spread)]


def metric_named(name: str) -> Metric:
    """Returns a row of the table.

    Raises:
        SettingError: there is no such metric.
    """
    if name not in METRICS:
        raise SettingError(f"metric {name}: there are {', '.join(METRICS)}")
    return METRICS[name]


def compare(
    images: np.ndarray,
    truths: np.ndarray,
    metrics: Iterable[Metric] | None = None,
    deviations: np.ndarray | None = None,
) -> Scores:
    """Measures results against the truth, clipped to what an image file can hold.

    Args:
        images: float[B, H, W, C] in [-1, 1].
        truths: float[B, H, W, C] in [-1, 1].
        metrics: rows of the table or others; None for those that every run records.
        deviations: float[B, H, W, C], the predicted deviations of the results, in units of images
            in [-1, 1]; None where there is one answer each.

    Returns: by the name of the metric one number for each image; None where the metric is not
        defined for images of this shape or needs deviations, or the number is not finite.
    """
    several = deviations is not None
    first, second = to_unit(images), to_unit(truths)
    spread = [np.asarray(deviations) / 2] if several else []
    scores = {}
    for metric in recorded(several) if metrics is None else metrics:
        if metric.measures(first.shape) and (several or not metric.spread):
            values = metric.function(first, second, *(spread if metric.spread else ()))
        else:
            values = np.full(len(first), np.nan)
        numbers = np.asarray(values, float)
        scores[metric.name] = [float(x) if np.isfinite(x) else None for x in numbers]
    return scores


def calibration_points(
    images: np.ndarray, truths: np.ndarray, deviations: np.ndarray
) -> list[list[float]]:
    """Returns the points of `calibration_curve` as JSON values, of images as `compare` takes them.

    Args:
        images: float[..., H, W, C] in [-1, 1], one or several.
        truths: the same.
        deviations: the predicted deviations of the results, in the same units.
    """
    points = calibration_curve(to_unit(images), to_unit(truths), np.asarray(deviations) / 2)
    return [list(point) for point in points]


def describe(scores: Mapping[str, Any], metrics: Iterable[Metric] | None = None) -> list[str]:
    """Returns title, value and unit of the metrics that have a number in a record.

    Args:
        scores: numbers by the name of the metric, beside anything else.
        metrics: which are looked for, in this order; None for all of the table.
    """
    chosen = METRICS.values() if metrics is None else metrics
    return [m.text(scores[m.name]) for m in chosen if scores.get(m.name) is not None]
