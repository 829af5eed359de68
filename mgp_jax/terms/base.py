"""What a term of the objective looks at, and what the functions of a method are handed."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax

from mgp_jax.degradations import Degradation, Identity
from mgp_jax.generators.split import Split
from mgp_jax.recipes import Phase


class Given(NamedTuple):
    """What stays the same and all images share; a pytree.

    Attributes:
        split: the frozen generator, cut in two.
        degradation: what made the observations.
        networks: what looks at images, by name: `vgg`, `lpips`, `encoder`, as far as needed.
        key: source of what all images draw alike.
    """

    split: Split
    degradation: Degradation
    networks: Mapping[str, Any]
    key: jax.Array


class Target(NamedTuple):
    """What one image's rendering is compared with; a pytree.

    Attributes:
        observation: what the degradation made of the unknown image; float[H, W, C] in [-1, 1] for
            images.
        features: what the networks see in the observation, by their names.
        tolerance: mean squared error at which the optimisation stops, float[].
        visible: 1 where the observation tells of the image, else 0, broadcasts against it; None
            where the operator itself says so.
        noise: standard deviation of the noise that the observation tells of, float[]; None where
            the operator itself knows it.
    """

    observation: jax.Array
    features: Mapping[str, Any]
    tolerance: jax.Array
    visible: jax.Array | None = None
    noise: jax.Array | None = None


class Rendering(NamedTuple):
    """What the current variables come to.

    Attributes:
        image: float[H, W, C] in [-1, 1] up to overshoots.
        seen: what the degradation makes of it, to be compared with `Target.observation`.
        composed: the map behind the cut that the tail renders, `Features`; None in methods that
            have none.
        anchor: the map that the phase started from, where it moves a residual on it; else None.
        importance: the value that the importances start from.
        mean_code: the mean style as a code, or None where codes are normal.
        mean_style: the mean style, float[W] or float[L, W], or None where there are none.
        networks: see `Given`.
        size: height and width that images are resized to before networks look at them; None for
            their own.
        degradation: what made the observations.
        key: see `Given`; None where nothing is drawn.
    """

    image: jax.Array
    seen: Any = None
    composed: Any = None
    anchor: Any = None
    importance: float = 1.0
    mean_code: Any = None
    mean_style: Any = None
    networks: Mapping[str, Any] = {}
    size: int | None = None
    degradation: Degradation = Identity()
    key: Any = None


Term = Callable[[Rendering, Target, Any], jax.Array]


class Held(NamedTuple):
    """What a phase computes when it begins, and holds fixed; a pytree.

    Attributes:
        anchor: the map that the phase started from, or None.
        features: the feature maps of all codes, where only their importances move, or None.
        whitening: coordinates of the importances, where the phase wants them, or None.
    """

    anchor: Any = None
    features: Any = None
    whitening: jax.Array | None = None


@dataclass(frozen=True)
class Settings:
    """What the functions of a method want to know of a phase.

    Attributes:
        phase: rates and weights.
        start: `start(given, target, keys, phase)` makes the variables of a batch.
        render: `render(given, variables, held, phase)` makes a `Rendering` of one image's
            variables, `phase` being the `ResolvedPhase`; `held` is None where no phase runs.
        place: what else the method has resolved for this phase.
        slices: see `Execution`.
    """

    phase: Phase
    start: Callable[..., Any]
    render: Callable[..., Rendering]
    place: Hashable = None
    slices: int = 0
