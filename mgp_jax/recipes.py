"""How to optimise: named, frozen settings of the phases of an inversion."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

from mgp_jax.degradations import Degradation, kind_of
from mgp_jax.errors import SettingError


@dataclass(frozen=True)
class Phase:
    """One run of an optimiser over some of the variables with one objective.

    Attributes:
        steps: number of iterations.
        moves: which variables are optimised, as far as there are such; those of the multi-code
            method are the fields of `Codes`.
        optimizer: `adam`, `sgd`, or a function that makes an optax transform of a learning rate.
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
        perceptual_size: height and width that images are resized to for features and LPIPS, None
            for their own.
        prior: weight of mean z^2 + mean (alpha / start - 1)^2, which keeps codes probable.
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
    perceptual_size: int | None = None
    prior: float = 0.0
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
        candidates: start from those codes, of so many random ones which a batch shares, whose
            images are nearest to the observation, seen through the degradation. Every start
            chooses among a random half of them, at least N. 0 to start from random codes.
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
    candidates: int = 0

    def __post_init__(self) -> None:
        if not self.phases:
            raise SettingError(f"recipe {self.name}: has no phases")
        if self.codes < 1:
            raise SettingError(f"codes: {self.codes}, at least 1 is needed")
        if self.samples < 1:
            raise SettingError(f"samples: {self.samples}, at least 1 is needed")

    @property
    def steps(self) -> int:
        """Number of iterations of all phases."""
        return sum(phase.steps for phase in self.phases)

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
    """Returns all that a recipe says, as a text that is the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(recipe))


def refined(name: str, codes: Phase, refinement: Phase, **settings: Any) -> Recipe:
    """Makes a recipe of a phase for the codes and one that refines the composed feature map."""
    refinement = replace(refinement, moves=("residual",))
    return Recipe(name, (codes, refinement), **settings)


# The first feature map of a generator: what is composed there is a face whatever the importances.
COARSEST = 4
# The one behind it leaves less freedom than the default cut, for colours and noise to go astray.
COARSE = 8
# Random codes of which the nearest are taken; more are hardly any nearer.
POOL = 400

# Seconds an image. The composed map is refined freely only where the observation determines the
# image; elsewhere it stays tethered, because a free map fits holes and gray with anything. Where
# what is missing lies close to what is known, the coarsest map is cut, which needs few steps.
FAST = {
    "inversion": refined("fast", Phase(20), Phase(1000, schedule="constant"), candidates=POOL),
    "colorization": Recipe("fast", (Phase(20, prior=0.3),), map_size=COARSE),
    "super-resolution": refined(
        "fast", Phase(80, prior=0.03), Phase(200, tether=0.003), map_size=COARSEST
    ),
    "inpainting": refined("fast", Phase(60, prior=0.03), Phase(100, tether=0.1)),
    "scattered inpainting": refined(
        "fast", Phase(100, prior=0.01), Phase(200, tether=0.0003), map_size=COARSEST
    ),
    "denoising": refined(
        "fast",
        Phase(60, prior=0.01),
        Phase(300, tether=0.003, residual_rate=0.04),
        map_size=COARSE,
        candidates=POOL,
    ),
    "restoration": refined("fast", Phase(60, prior=0.03), Phase(100, tether=0.1)),
}


def codes_only(recipe: Recipe) -> Recipe:
    """Leaves out the phases that refine the composed map, so that codes and importances remain.

    Raises:
        SettingError: nothing would be left.
    """
    phases = tuple(phase for phase in recipe.phases if "residual" not in phase.moves)
    return replace(recipe, name="codes-only", phases=phases)


def averaged(recipe: Recipe, samples: int) -> Recipe:
    """Returns a recipe whose result is the mean of several restorations."""
    return replace(recipe, name="quality", samples=samples)


# More steps help where the observation determines the image. Elsewhere they overfit, but the errors
# of several starts differ, so their mean is nearer to the truth.
QUALITY = {kind: averaged(recipe, 4) for kind, recipe in FAST.items()} | {
    "inversion": replace(
        FAST["inversion"].with_(steps=3 * FAST["inversion"].steps), name="quality"
    ),
}


# Codes and importances, nothing else. Few steps for the codes are enough: the importances alone
# cost next to nothing, and their span of feature maps grows with the number of codes.
PRIOR = {kind: replace(codes_only(recipe), name="prior") for kind, recipe in FAST.items()}
PRIOR["inversion"] = Recipe(
    "prior",
    (
        Phase(30),
        Phase(600, moves=("alpha",), whiten=True, alpha_rate=0.01, schedule="constant"),
    ),
    codes=40,
    candidates=POOL,
)


# For editing the codes must explain as much as they can and stay probable: directions mean
# something only there. What they miss, a free residual carries along.
EDIT = {kind: replace(recipe, name="edit") for kind, recipe in FAST.items()}
EDIT["inversion"] = refined(
    "edit", Phase(120, prior=0.03), Phase(400, schedule="constant"), candidates=POOL
)


def published(steps: int, codes: int, layer: int, perceptual: float) -> Recipe:
    """Makes a recipe of the settings of the published code, each explicit, defects included.

    The importances start from 1 / N^2 (1 / N, and the sum is divided by N once more). Plain
    gradient descent has the learning rate 1 and no schedule; for the importances that is 1 / N^2,
    one unit of their start, because of the same division. Features are weighted with a thousandth.
    The layer counts the convolutions of a PGGAN; other families take their default cut.
    """
    phase = Phase(
        steps,
        moves=("z", "alpha"),
        optimizer="sgd",
        schedule="constant",
        z_rate=1.0,
        alpha_rate=1.0,
        perceptual=0.001 * perceptual,
    )
    return Recipe("paper", (phase,), codes=codes, layer=layer, importance_power=2)


PAPER = {
    "inversion": published(3000, 20, 8, 1.0),
    "colorization": published(1500, 20, 6, 1.0),
    "super-resolution": published(2000, 20, 6, 1.0),
    "inpainting": published(3000, 30, 4, 0.1),
    "scattered inpainting": published(3000, 30, 4, 0.1),
    "denoising": published(3000, 30, 4, 0.1),
    "restoration": published(3000, 20, 8, 1.0),
}


def projection(name: str, space: str) -> Recipe:
    """Makes the usual StyleGAN projector: one code in a style space and the noise maps.

    Source: Karras et al. 2020 (StyleGAN2), appendix D: from the mean style, Adam, noise maps
    regularised by their autocorrelation. The features are our VGG16's, not those of LPIPS.
    """
    phase = Phase(
        500,
        moves=("z", "noise"),
        z_rate=0.05,
        noise_rate=0.05,
        perceptual=0.01,
        noise_regularization=1e3,
    )
    return Recipe(name, (phase,), codes=1, layer="truncation", space=space, from_mean=True)


PROJECTION_W = {kind: projection("w", "w") for kind in FAST}
PROJECTION_W_PLUS = {kind: projection("w+", "w+") for kind in FAST}

RECIPES = {
    "fast": FAST,
    "quality": QUALITY,
    "prior": PRIOR,
    "edit": EDIT,
    "paper": PAPER,
    "w": PROJECTION_W,
    "w+": PROJECTION_W_PLUS,
}


def recipe_for(name: str, degradation: Degradation, family: str = "pggan") -> Recipe:
    """Returns a named recipe's settings for what a degradation asks for.

    Args:
        name: `fast`, `quality`, `prior`, `edit`, `paper`, `w` or `w+`.
        degradation: what is to be undone.
        family: the generator's family; the published cuts are those of a PGGAN.

    Raises:
        SettingError: there is no such recipe.

    Example:
        >>> from mgp_jax import Grayscale, recipe_for
        >>> recipe_for("fast", Grayscale()).steps
        20
    """
    if name not in RECIPES:
        raise SettingError(f"recipe {name}: there are {', '.join(RECIPES)}")
    recipe = RECIPES[name][kind_of(degradation)]
    return replace(recipe, layer=None) if name == "paper" and family != "pggan" else recipe
