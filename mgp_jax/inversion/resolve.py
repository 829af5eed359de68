"""What is to be done with whatever observations: everything resolved to phases of the solver."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mgp_jax.degradations import Degradation, Identity, Operator, as_degradation
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator, Split, load_prior
from mgp_jax.generators.labels import LabelLike
from mgp_jax.methods import MULTI_CODE, Method, What, find_method
from mgp_jax.methods.method import in_ball
from mgp_jax.precision import HALVES
from mgp_jax.recipes import Phase, Recipe, recipe_for
from mgp_jax.solve import Execution, ResolvedPhase
from mgp_jax.terms import Settings, networks_for, objective
from mgp_jax.terms.networks import check_size

DEFAULT_RECIPE = "fast"

# From this height on a composed map may be refined in bfloat16; that of a smaller image comes so
# near to it that rounding would show.
ROUNDED_FROM = 256


@dataclass(frozen=True, eq=False)
class Inversion:
    """A resolved inversion: all but the observations.

    Attributes:
        split: the frozen generator, cut in two.
        degradation: the operator that made the observations.
        method: how variables start and render.
        recipe: how they are optimised.
        phases: the phases of the solver.
        seed: seed of all random starts.
        patience: see `invert`.
        target_psnr: see `invert`.
        execution: how it is computed.
        networks: what looks at images, by name.
    """

    split: Split
    degradation: Degradation
    method: Method
    recipe: Recipe
    phases: tuple[ResolvedPhase, ...]
    seed: int
    patience: int | None
    target_psnr: float | None
    execution: Execution
    networks: Mapping[str, Any]

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(H, W, C) of the images."""
        return self.split.image_shape

    @property
    def tolerance(self) -> float:
        """Mean squared error at which an image stops, beside that of the noise."""
        return 0.0 if self.target_psnr is None else 4 * 10 ** (-self.target_psnr / 10)

    def executed(self, execution: Execution) -> "Inversion":
        """Returns the inversion computed in another way."""
        phases = _phases(self.split, self.method, self.recipe, self.patience, execution)
        return replace(self, phases=phases, execution=execution)


def load(what: What | str, label: LabelLike | None = None) -> What:
    """Returns a generator or a split; a text is the name of a bundled generator or a file.

    Args:
        what: one of these.
        label: the class to draw, for a text; see `load_generator`.

    Raises:
        SettingError: it is something else, or the label does not fit.
        WeightsError: there is no such generator.
    """
    if isinstance(what, str):
        return load_prior(what, label)
    if not isinstance(what, Generator | Split):
        raise SettingError(
            f"what to invert with: a generator, a split or a name is needed, not a "
            f"{type(what).__name__}"
        )
    return what


def default_recipe(
    recipe: Recipe | str, method: Method, degradation: Degradation, what: What
) -> Recipe:
    """Returns a recipe, given itself or by its name.

    Names are those of the multi-code method; for other methods `fast` stands for their own recipe.

    Raises:
        SettingError: there is none of the name.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, str):
        kind = type(recipe).__name__
        raise SettingError(f"recipe: a Recipe or the name of one is needed, not a {kind}")
    if method is MULTI_CODE:
        return recipe_for(recipe, degradation, what)
    if recipe != DEFAULT_RECIPE:
        raise SettingError(
            f"recipe {recipe}: is one of multi-code, method {method.name} has its own"
        )
    return method.recipe(degradation, what)


def resolve(
    what: What | str,
    degradation: Operator = Identity(),
    recipe: Recipe | str = DEFAULT_RECIPE,
    *,
    method: Method | str = MULTI_CODE,
    seed: int = 0,
    patience: int | None = None,
    target_psnr: float | None = None,
    execution: Execution = Execution(),
    networks: Mapping[str, Any] | None = None,
) -> Inversion:
    """Finds out all that an inversion needs but the observations.

    Args:
        what: a generator, a split, or the name of a bundled generator. A split is used as it is
            cut; a generator is cut where the recipe says.
        degradation: the operator, or any function of an image.
        recipe: how to optimise, or the name of a recipe for this degradation.
        method: the method, or its name.
        seed: seed of all random starts.
        patience: see `invert`.
        target_psnr: see `invert`.
        execution: how it is computed.
        networks: `encoder` for the methods that start from one; `lpips_vgg` (LPIPS with VGG16) for
            those that look through it; `vgg` and `lpips` to replace the bundled ones in the terms
            that look through them.

    Raises:
        SettingError: a setting is out of range or does not fit the generator.
    """
    what, method, degradation = load(what), find_method(method), as_degradation(degradation)
    own = dict(networks or {})
    if needed := method.missing(what, own):
        raise SettingError(f"method {method.name}: needs {needed}")
    recipe = default_recipe(recipe, method, degradation, what)
    split = what if isinstance(what, Split) else cut_for(what, recipe)
    looking = networks_for(recipe.phases, own)
    if "lpips" in looking:
        check_size(recipe.phases, degradation.observation_shape(split.image_shape))
    if "encoder" in method.needs:
        looking["encoder"] = own["encoder"]
    return Inversion(
        split=split,
        degradation=degradation,
        method=method,
        recipe=recipe,
        phases=_phases(split, method, recipe, patience, execution),
        seed=seed,
        patience=patience,
        target_psnr=target_psnr,
        execution=execution,
        networks=looking,
    )


def cut_for(generator: Generator, recipe: Recipe) -> Split:
    """Cuts a generator where a recipe says.

    Raises:
        SettingError: the generator has no such layer or space.
    """
    layer = generator.default_cut(recipe.map_size) if recipe.layer is None else recipe.layer
    return generator.split(layer, recipe.space)


def _phases(
    split: Split, method: Method, recipe: Recipe, patience: int | None, execution: Execution
) -> tuple[ResolvedPhase, ...]:
    if execution.slices and recipe.codes % execution.slices:
        raise SettingError(f"slices: {execution.slices} do not divide {recipe.codes} codes")
    return tuple(
        ResolvedPhase(
            steps=phase.steps,
            moves=phase.moves,
            enter=method.enter,
            objective=objective,
            transform=method.transform,
            project=None if phase.ball is None else in_ball,
            patience=patience,
            one_by_one=_moves_alone(method, phase),
            mesh=execution.mesh,
            products=HALVES if _takes_halves(split, method, phase, execution) else None,
            settings=Settings(
                phase,
                method.start,
                method.render,
                method.place(split, recipe, number),
                execution.slices,
            ),
        )
        for number, phase in enumerate(recipe.phases)
    )


def _moves_alone(method: Method, phase: Phase) -> bool:
    """Whether a phase moves weights, which images cannot share."""
    return not set(method.alone).isdisjoint(phase.moves)


def _takes_halves(split: Split, method: Method, phase: Phase, execution: Execution) -> bool:
    """Whether a phase multiplies in bfloat16: where codes move, or the image is large."""
    coarse = phase.moves_head or min(split.image_shape[:2]) >= ROUNDED_FROM
    return execution.mixed and coarse and not _moves_alone(method, phase)
