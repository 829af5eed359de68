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
        factors: float[N, 1, 1, K], what later stages will multiply their channels by, or None.

    Map, image and factors are composed channel by channel; styles are not.
    """

    maps: jax.Array
    rgb: jax.Array | None = None
    styles: jax.Array | None = None
    factors: jax.Array | None = None

    @property
    def composed(self) -> "Features":
        """What is composed: all but the styles."""
        return self._replace(styles=None)


def as_features(passed: Any) -> Features:
    """Returns what a stage passes as `Features`."""
    return passed if isinstance(passed, Features) else Features(passed)


def as_passed(features: Features) -> Any:
    """Returns `Features` in the form that the next stage takes."""
    bare = all(part is None for part in features[1:])
    return features.maps if bare else features
