"""What a method is: where variables start, how they render, what a phase holds fixed."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax
import optax

from mgp_jax.degradations import Degradation
from mgp_jax.generators import Generator, Split
from mgp_jax.recipes import Recipe
from mgp_jax.solve import ResolvedPhase, make_transform, within_ball
from mgp_jax.terms import Given, Rendering, Settings, Target

What = Generator | Split
Need = Literal["styles", "encoder", "lpips_vgg"]
NEEDS: dict[Need, str] = {
    "styles": "a style-based generator",
    "encoder": "an encoder",
    "lpips_vgg": "LPIPS with VGG16",
}
# Networks that a user brings.
BROUGHT = ("encoder", "lpips_vgg")


def no_place(split: Split, recipe: Recipe, number: int) -> Hashable:
    """Resolves nothing."""
    del split, recipe, number
    return None


def hold_nothing(given: Given, variables: Any, phase: ResolvedPhase) -> tuple[Any, None]:
    """Begins a phase with the variables as they are."""
    del given, phase
    return variables, None


def by_rates(held: Any, phase: ResolvedPhase) -> optax.GradientTransformation:
    """Moves every variable with its own learning rate."""
    del held
    wanted = settings_of(phase).phase
    rates = {name: wanted.rate(name) for name in phase.moves}
    return make_transform(wanted.optimizer, wanted.schedule, phase.steps, rates)


def in_ball(moved: dict[str, Any], held: Any, phase: ResolvedPhase) -> dict[str, Any]:
    """Keeps the residual within the ball that a phase asks for."""
    ball = settings_of(phase).phase.ball
    if ball is None or "residual" not in moved:
        return moved
    return {**moved, "residual": within_ball(moved["residual"], ball, held.anchor)}


def settings_of(phase: ResolvedPhase) -> Settings:
    """Returns what the functions of a method want to know of a phase."""
    assert isinstance(phase.settings, Settings)
    return phase.settings


@dataclass(frozen=True)
class Method:
    """A way to restore images; its functions are pure, and traced by JAX.

    Attributes:
        name: what the command line calls it.
        title: what tables call it.
        start: `start(given, target, keys, phase)` makes the variables that a batch starts from, a
            named tuple or a dictionary with leading axes B; `keys` has one random key for each
            image, `target` its `Target` with leading axes B.
        render: `render(given, variables, held, phase)` makes a `Rendering` of one image's
            variables; `held` is None where no phase runs.
        recipe: `recipe(degradation, what)` returns how it optimises unless told otherwise.
        enter: `enter(given, variables, phase)` returns the variables that a phase begins with and
            what it holds fixed, for one image.
        place: `place(split, recipe, number)` resolves what the functions want to know of a phase,
            hashable; they find it in `phase.settings.place`.
        transform: `transform(held, phase)` returns the optax transform of the moving variables.
        prior: where its knowledge of images comes from.
        needs: what it cannot do without: styles of the generator, or networks by their names.
        alone: variables that images cannot share a program for, such as the weights of a network:
            where they move, images run one after another.
        most: the steps behind which more only harm, for a degradation and a generator; None for no
            such limit.
        restarts: number of starts of each restoration, of which the best is kept, unless told
            otherwise.
    """

    name: str
    title: str
    start: Callable[[Given, Target, jax.Array, ResolvedPhase], Any]
    render: Callable[[Given, Any, Any, ResolvedPhase], Rendering]
    recipe: Callable[[Degradation, What], Recipe]
    enter: Callable[[Given, Any, ResolvedPhase], tuple[Any, Any]] = hold_nothing
    place: Callable[[Split, Recipe, int], Hashable] = no_place
    transform: Callable[[Any, ResolvedPhase], optax.GradientTransformation] = by_rates
    prior: Literal["generator", "network", "none"] = "generator"
    needs: tuple[Need, ...] = ()
    alone: tuple[str, ...] = ()
    most: Callable[[Degradation, What], int] | None = None
    restarts: int = 1

    def missing(self, what: What, networks: Mapping[str, Any]) -> str | None:
        """Returns what it needs and what there is not, in words; None if there is all.

        Args:
            what: the generator.
            networks: networks by name; None for those that there are not.
        """
        for need in self.needs:
            if need == "styles":
                there = isinstance(what, Generator) and "w" in dict(what.config.spaces)
            else:
                there = networks.get(need) is not None
            if not there:
                return NEEDS[need]
        return None

    def fewest(self, degradation: Degradation, what: What) -> int:
        """Returns the fewest steps it can do: one for each phase, none where it has no steps."""
        recipe = self.recipe(degradation, what)
        return len(recipe.phases) if recipe.steps else 0
