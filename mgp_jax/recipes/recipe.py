"""How to optimise: named, frozen settings of the phases of an inversion."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

from mgp_jax.errors import SettingError


@dataclass(frozen=True)
class Phase:
    """One run of an optimiser over some of the variables with one objective.

    Attributes:
        steps: number of iterations.
        moves: which variables are optimised, as far as there are such; those of the multi-code
            method are the fields of `Codes`.
        optimizer: `adam`, `sgd`, `normalised` (gradient descent whose steps have the length of the
            learning rate), `spherical` (Adam on a sphere), `relative` (Adam whose steps are parts
            of each array's root mean square), or a function that makes an optax transform of a
            learning rate.
        schedule: `cosine` (to zero at the last step) or `constant` learning rates.
        z_rate: learning rate of the latent codes.
        alpha_rate: learning rate of the importances, in units of the value they start from.
        whiten: optimise the importances in coordinates in which the feature maps of the codes, at
            the start of the phase, are orthonormal; see `codes.whitening`. Their learning rate is
            then in units of the feature maps, like that of the residual.
        styles_rate: learning rate of the tail's styles.
        residual_rate: learning rate of the residual.
        noise_rate: learning rate of the noise maps.
        label_rate: learning rate of the soft label of a conditional generator.
        weights_rate: learning rate of the weights of a network, in methods that move some.
        rates: learning rates of other variables, by name; a mapping or pairs.
        pixel: weight of the mean squared error, images in [-1, 1].
        perceptual: weight of the mean absolute difference of VGG16 features.
        lpips: weight of the LPIPS distance (AlexNet).
        pyramid: weight of LPIPS (VGG16) summed over halved sizes, plus a tenth of the absolute
            difference of the smallest; compares observations at random with their noise.
        perceptual_size: height and width that images are resized to for features and LPIPS, None
            for their own; a pyramid begins with the first half that is no larger.
        prior: weight of mean z^2 + mean (alpha / start - 1)^2, which keeps codes probable; in W and
            W+ z counts from the mean style.
        styles_prior: weight of the mean squared distance of the tail's styles from the mean.
        tether: weight of mean residual^2 / mean h^2, h the composed map that the phase starts
            from.
        noise_regularization: weight of the autocorrelation of the noise maps (Karras et al. 2020,
            StyleGAN2, appendix D).
        terms: own summands of the objective, functions `term(rendering, target, variables)` that
            return a scalar; see `terms.Rendering` and `terms.Target`.
        ball: the residual is kept within the L1 ball of this radius, in units of the L1 norm of the
            composed map that the phase starts from; None for no bound (Daras et al. 2021).
    """

    steps: int
    moves: tuple[str, ...] = ("z", "alpha", "styles")
    optimizer: str | Callable[..., Any] = "adam"
    schedule: str = "cosine"
    z_rate: float = 0.1
    alpha_rate: float = 0.2
    whiten: bool = False
    styles_rate: float = 0.05
    residual_rate: float = 0.02
    noise_rate: float = 0.05
    label_rate: float = 0.1
    weights_rate: float = 0.001
    rates: Mapping[str, float] | tuple[tuple[str, float], ...] = ()
    pixel: float = 1.0
    perceptual: float = 0.0
    lpips: float = 0.0
    pyramid: float = 0.0
    perceptual_size: int | None = None
    prior: float = 0.0
    styles_prior: float = 0.0
    tether: float = 0.0
    noise_regularization: float = 0.0
    terms: tuple[Callable[..., Any], ...] = ()
    ball: float | None = None

    def __post_init__(self) -> None:
        # Hashable, because programs are compiled for a phase.
        if isinstance(self.rates, Mapping):
            object.__setattr__(self, "rates", tuple(sorted(self.rates.items())))
        object.__setattr__(self, "terms", tuple(self.terms))

    @property
    def moves_head(self) -> bool:
        """Whether what comes out of the head changes: codes, noise maps or label move."""
        return not {"z", "noise", "label"}.isdisjoint(self.moves)

    def rate(self, variable: str) -> float:
        """Returns the learning rate of a variable.

        Raises:
            SettingError: the phase has none for it.
        """
        rate = dict(self.rates).get(variable, getattr(self, f"{variable}_rate", None))
        if rate is None:
            raise SettingError(f"phase: moves {variable}, but has no learning rate for it")
        return rate


@dataclass(frozen=True)
class Recipe:
    """A complete way of inverting.

    Attributes:
        name: what the command line calls it.
        phases: run one after another, each from the best iterate of the one before.
        codes: number of latent codes N.
        layer: the cut, as index or name; None to choose it by the size of the feature map.
        map_size: where no layer is given, cut behind the last layer whose feature map has at most
            this height; None for what `default_cut` says.
        samples: restorations from different starts, whose mean is the result.
        space: the space of the latent codes.
        importance_power: the importances start from N to the power of minus this. 1 makes the
            composed map the mean of the feature maps.
        from_mean: start from the mean style instead of random codes; for the spaces W and W+.
        truncation: how far from the mean style random codes start, as a part of their distance; for
            the spaces W and W+.
        candidates: start from those codes, of so many random ones which a batch shares, whose
            images are nearest to the observation, seen through the degradation. Every start
            chooses among a random half of them, at least N. 0 to start from random codes.
        detail: how much is kept of what the rendering adds to the cubic enlargement of a smaller
            observation. What it adds is right in part only, so that less of it is nearer to the
            truth, and as sharp to the eye from .9 on.
        saturation: what the colours that a gray observation is given are multiplied by. Codes near
            the mean, or the mean of several, have paler ones than photographs.
        temperature: what the spread of several samples is multiplied by, so that it is that of the
            errors: see `spread.expected_deviation`; `metrics.temperature` finds it.
        floor: deviation that all samples have in common, before the temperature; on the [0, 1]
            scale. What no sample knows they agree on.
        shift: how far the truth's edges lie from where all samples have them, before the
            temperature; as a part of the height.
    """

    name: str
    phases: tuple[Phase, ...]
    codes: int = 20
    layer: int | str | None = None
    map_size: int | None = None
    samples: int = 1
    space: str = "z"
    importance_power: int = 1
    from_mean: bool = False
    truncation: float = 1.0
    candidates: int = 0
    detail: float = 1.0
    saturation: float = 1.0
    temperature: float = 1.0
    floor: float = 0.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        if not self.phases:
            raise SettingError(f"recipe {self.name}: has no phases")
        if self.codes < 1:
            raise SettingError(f"codes: {self.codes}, at least 1 is needed")
        if not 0 <= self.detail <= 1:
            raise SettingError(f"detail: {self.detail}, must be from 0 to 1")
        if not 0 < self.temperature < math.inf:
            raise SettingError(f"temperature: {self.temperature}, must be above 0")
        for name in ("saturation", "floor", "shift"):
            if not 0 <= getattr(self, name) < math.inf:
                raise SettingError(f"{name}: {getattr(self, name)}, must not be negative")
        if self.samples < 1:
            raise SettingError(f"samples: {self.samples}, at least 1 is needed")

    @property
    def steps(self) -> int:
        """Number of iterations of all phases."""
        return sum(phase.steps for phase in self.phases)

    @property
    def expected(self) -> dict[str, float]:
        """What is expected of the spread of several samples, see `spread.expected_deviation`."""
        return {"temperature": self.temperature, "floor": self.floor, "shift": self.shift}

    def with_(self, *, steps: int | None = None, **changes: Any) -> "Recipe":
        """Returns the recipe with other settings.

        Args:
            steps: another number of steps, shared among the phases as before.
            **changes: new values of attributes.

        Raises:
            SettingError: there are fewer steps than phases, or no such attribute.

        Example:
            >>> from mgp_jax import Phase, Recipe
            >>> recipe = Recipe("mine", (Phase(100), Phase(300, moves=("residual",))))
            >>> [phase.steps for phase in recipe.with_(steps=40, codes=10).phases]
            [10, 30]
        """
        if unknown := sorted(changes.keys() - {field.name for field in fields(self)}):
            known = ", ".join(field.name for field in fields(self))
            raise SettingError(f"recipe {self.name}: has no {unknown[0]}, there are {known}, steps")
        recipe = replace(self, **changes)
        return recipe if steps is None else recipe._with_steps(steps)

    def _with_steps(self, steps: int) -> "Recipe":
        if self.steps == 0:
            raise SettingError(f"steps: {steps}, recipe {self.name} has none")
        if steps < len(self.phases):
            raise SettingError(f"steps: {steps}, recipe {self.name} needs {len(self.phases)}")
        ends, total = [0], 0
        for index, phase in enumerate(self.phases, 1):
            total += phase.steps
            end = round(total * steps / self.steps)
            ends.append(min(max(end, ends[-1] + 1), steps - len(self.phases) + index))
        counts = [after - before for before, after in pairwise(ends)]
        phases = zip(self.phases, counts, strict=True)
        return replace(self, phases=tuple(replace(phase, steps=n) for phase, n in phases))


def described(recipe: Recipe) -> str:
    """Returns all that a recipe says, as a text that is the same in every process.

    What was added later, the saturation and what is expected of the spread, is not said where it
    changes nothing, so that runs that knew nothing of it go on.
    """
    text = re.sub(r" at 0x[0-9a-f]+", "", repr(recipe)).replace(", saturation=1.0, ", ", ")
    expected = tuple(recipe.expected.values())
    if recipe.samples > 1 and expected != (1, 0, 0):
        return text
    return text.removesuffix(", temperature={}, floor={}, shift={})".format(*expected)) + ")"


def refined(name: str, codes: Phase, refinement: Phase, **settings: Any) -> Recipe:
    """Makes a recipe of a phase for the codes and one that refines the composed feature map."""
    refinement = replace(refinement, moves=("residual",))
    return Recipe(name, (codes, refinement), **settings)


def codes_only(recipe: Recipe) -> Recipe:
    """Leaves out the phases that refine the composed map, so that codes and importances remain.

    Raises:
        SettingError: nothing would be left.
    """
    phases = tuple(phase for phase in recipe.phases if "residual" not in phase.moves)
    return replace(recipe, name="codes-only", phases=phases)


def quality_of(fast: Mapping[str, Recipe]) -> dict[str, Recipe]:
    """Returns better and slower recipes for every kind of problem.

    More steps help where the observation determines the image. Elsewhere they overfit, but the
    errors of several starts differ, so their mean is nearer to the truth.
    """
    inversion = fast["inversion"]
    recipes = {kind: mean_of_several(recipe) for kind, recipe in fast.items()}
    return named("quality", recipes | {"inversion": inversion.with_(steps=3 * inversion.steps)})


def mean_of_several(recipe: Recipe) -> Recipe:
    """Returns the mean of four starts of a recipe."""
    return replace(recipe, samples=4)


def named(name: str, recipes: Mapping[str, Recipe]) -> dict[str, Recipe]:
    """Returns the recipes for every kind of problem under another name."""
    return {kind: replace(recipe, name=name) for kind, recipe in recipes.items()}
