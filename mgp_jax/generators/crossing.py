"""What passes between the stages of a generator, and what crosses a cut."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

Params = Mapping[str, Any]


class Features(NamedTuple):
    """What crosses a cut: a feature map and, in some families, what travels with it.

    Stages for which the map is all there is pass the bare array to each other; `as_features` and
    `as_passed` go from one form to the other.

    Attributes:
        maps: float[N, H, W, C], the feature map; in front of the first map the latent codes
            float[N, ...] themselves.
        rgb: float[N, H, W, 3], the image accumulated so far, or None.
        styles: float[N, L, W], one style vector for every layer, or None.
    """

    maps: jax.Array
    rgb: jax.Array | None = None
    styles: jax.Array | None = None


def as_features(passed: Any) -> Features:
    """Returns what a stage passes as `Features`."""
    return passed if isinstance(passed, Features) else Features(passed)


def as_passed(features: Features) -> Any:
    """Returns `Features` in the form that the next stage takes."""
    bare = features.rgb is None and features.styles is None
    return features.maps if bare else features
