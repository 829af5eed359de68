"""A face that was found in a photograph."""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

# A point of a photograph: x to the right and y downwards, in pixels, whose first one goes from 0 to
# 1. Its centre is at 0.5.
Point = tuple[float, float]


@dataclass(frozen=True)
class Face:
    """A face that was found in a photograph; left and right are the photograph's.

    Attributes:
        box: left, top, right and bottom border, in pixels.
        points: five, left eye, right eye, tip of the nose, left and right corner of the mouth.
        score: how sure the detector is, 0 to 1.
    """

    box: tuple[float, float, float, float]
    points: tuple[Point, ...]
    score: float = 1.0

    @property
    def size(self) -> float:
        """The longer side of the box, in pixels."""
        left, top, right, bottom = self.box
        return max(right - left, bottom - top)

    def moved(self, scale: float, x: float = 0.0, y: float = 0.0) -> Self:
        """Returns the face where the photograph is scaled, then shifted."""
        left, top, right, bottom = self.box
        box = (left * scale + x, top * scale + y, right * scale + x, bottom * scale + y)
        points = tuple((px * scale + x, py * scale + y) for px, py in self.points)
        return replace(self, box=box, points=points)

    @property
    def turn(self) -> float:
        """By how many degrees the face is turned clockwise, as eyes and mouth are."""
        places = np.asarray(self.points)
        across, down = places[1] - places[0], places[3:].mean(axis=0) - places[:2].mean(axis=0)
        return math.degrees(math.atan2(across[1] - down[0], across[0] + down[1]))

    @property
    def aspect(self) -> float:
        """Distance of the eyes in distances of eyes and mouth: about 1, less from the side."""
        places = np.asarray(self.points)
        across, down = places[1] - places[0], places[3:].mean(axis=0) - places[:2].mean(axis=0)
        return float(np.hypot(*across) / max(np.hypot(*down), 1e-9))

    def turned(self, degrees: float, center: Point) -> Self:
        """Returns the face where the photograph is turned clockwise; the box stays upright."""
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

        def place(x: float, y: float) -> Point:
            x, y = x - center[0], y - center[1]
            return (center[0] + cos * x - sin * y, center[1] + sin * x + cos * y)

        left, top, right, bottom = self.box
        x, y = place((left + right) / 2, (top + bottom) / 2)
        half = ((right - left) / 2, (bottom - top) / 2)
        box = (x - half[0], y - half[1], x + half[0], y + half[1])
        return replace(self, box=box, points=tuple(place(*point) for point in self.points))

    def mirrored(self, width: float) -> Self:
        """Returns the face where a photograph of a width is turned left to right."""
        left, top, right, bottom = self.box
        places = [(width - x, y) for x, y in self.points]
        # What was the left eye is the right one now.
        points = tuple(places[k] for k in (1, 0, 2, 4, 3))
        return replace(self, box=(width - right, top, width - left, bottom), points=points)
