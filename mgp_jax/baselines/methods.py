"""All methods under one roof: what they are called, what they need, how they restore a batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.baselines.deep_image_prior import SETTINGS as NETWORK
from mgp_jax.baselines.deep_image_prior import fit_network
from mgp_jax.baselines.encoder import Encoder, encode, first_guesses, optimise_encoded
from mgp_jax.baselines.intermediate import layer_recipe, layers, optimise_layers
from mgp_jax.baselines.pivotal import SETTINGS as PIVOT
from mgp_jax.baselines.pivotal import tune
from mgp_jax.baselines.recipes import FEATURE_MAP, ONE_CODE, W_PLUS, W
from mgp_jax.degradations import Degradation
from mgp_jax.generators.base import Generator
from mgp_jax.generators.sampling import generate
from mgp_jax.inversion import InversionConfig
from mgp_jax.recipes import Recipe, codes_only, recipe_for
from mgp_jax.restoration import put_back_all, restore


class Case(NamedTuple):
    """What every method is given.

    Attributes:
        generator: the generator.
        degradation: what made the observations.
        observations: float[B, ...].
        encoder: the generator's encoder, or None.
        seed: seed of all random starts.
    """

    generator: Generator
    degradation: Degradation
    observations: jax.Array
    encoder: Encoder | None
    seed: int

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(H, W, C) of the images."""
        return tuple(self.generator.shapes[-1].shape[1:])


@dataclass(frozen=True)
class Method:
    """A way to restore images.

    Attributes:
        name: what the command line calls it.
        title: what tables call it.
        run: restores a case in so many steps: images float[B, H, W, C] in [-1, 1].
        prior: where its knowledge of images comes from.
        recipe: how it optimises a case, the number of steps aside. Results and prices of another
            recipe are not its own.
        least: fewest steps it can do, 0 for methods that have none.
        needs: what it cannot do without.
        most: the steps behind which more only harm, as its recipe for a case knows; None for no
            such limit.
    """

    name: str
    title: str
    run: Callable[[Case, int], np.ndarray]
    prior: Literal["generator", "network", "none"] = "generator"
    recipe: Callable[[Case], Any] = lambda case: None
    least: int = 1
    needs: Literal["encoder", "styles", None] = None
    most: Callable[[Case], int] | None = None

    def suits(self, generator: Generator, encoder: Encoder | None) -> bool:
        """Says whether there is all it needs."""
        if self.needs == "styles":
            return "truncation" in generator.stages
        return self.needs is None or encoder is not None

    def fewest(self, generator: Generator) -> int:
        """Returns the fewest steps it can do with a generator."""
        return len(layers(generator)) + 1 if self.name == "ilo" else self.least

    def restore(self, case: Case, steps: int) -> np.ndarray:
        """Restores a case, and puts back what the observation is certain of.

        Args:
            case: what is restored.
            steps: how many steps it may do.

        Returns: float[B, H, W, C] in [-1, 1].
        """
        images = jnp.asarray(self.run(case, steps))
        return np.asarray(put_back_all(case.degradation, images, case.observations))


def by_recipe(name: str, title: str, recipe: Callable[[Case], Recipe], **settings: Any) -> Method:
    """Makes a method of what the engine does with a recipe."""

    def run(case: Case, steps: int) -> np.ndarray:
        chosen = recipe(case)
        chosen = chosen.with_steps(max(steps, len(chosen.phases)))
        config = InversionConfig(recipe=chosen, seed=case.seed)
        return restore(case.generator, case.observations, case.degradation, config).images

    return Method(name, title, run, recipe=recipe, **settings)


def _multi_code(case: Case) -> Recipe:
    return recipe_for("fast", case.degradation, case.generator.family)


def _codes_only(case: Case) -> Recipe:
    return codes_only(_multi_code(case))


def _most(case: Case) -> int:
    # Where an observation leaves much open more steps overfit: `quality` has those of `fast` there.
    return recipe_for("quality", case.degradation, case.generator.family).steps


def _observation(case: Case, steps: int) -> np.ndarray:
    del steps
    like = jnp.zeros(case.image_shape)
    return np.asarray(first_guesses(case.degradation, case.observations, like))


def _needed(encoder: Encoder | None) -> Encoder:
    if encoder is None:
        raise ValueError("there is no encoder")
    return encoder


def _encoder(case: Case, steps: int) -> np.ndarray:
    del steps
    generator, encoder = case.generator, _needed(case.encoder)
    return generate(generator, encode(generator, encoder, case.observations, case.degradation))


def _encoder_optimised(case: Case, steps: int) -> np.ndarray:
    generator, encoder = case.generator, _needed(case.encoder)
    result = optimise_encoded(generator, encoder, case.observations, case.degradation, steps)
    return result.images


def _layers(case: Case, steps: int) -> np.ndarray:
    result = optimise_layers(case.generator, case.observations, case.degradation, steps, case.seed)
    return result.images


def _layers_recipe(case: Case) -> tuple[Recipe, ...]:
    return (ONE_CODE, *(layer_recipe(cut, 1) for cut in layers(case.generator)))


def _pivotal(case: Case, steps: int) -> np.ndarray:
    return tune(case.generator, case.observations, case.degradation, steps, case.seed)


def _network(case: Case, steps: int) -> np.ndarray:
    return fit_network(case.observations, case.degradation, case.image_shape, steps, case.seed)


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("observation", "observation alone", _observation, "none", least=0),
        Method("dip", "deep image prior", _network, "network", lambda case: NETWORK),
        by_recipe("one-code", "one code", lambda case: ONE_CODE),
        Method("encoder", "encoder", _encoder, least=0, needs="encoder"),
        Method(
            "encoder-optimised",
            "encoder, optimised",
            _encoder_optimised,
            recipe=lambda case: ONE_CODE,
            needs="encoder",
        ),
        by_recipe("feature-map", "free feature map", lambda case: FEATURE_MAP),
        by_recipe("w", "W projection", lambda case: W, needs="styles"),
        by_recipe("w+", "W+ projection", lambda case: W_PLUS, needs="styles"),
        Method("ilo", "intermediate layers (L1 ball)", _layers, recipe=_layers_recipe, least=2),
        Method("pivotal", "pivotal tuning", _pivotal, recipe=lambda case: PIVOT, least=2),
        by_recipe("codes-only", "multi-code, codes only", _codes_only, most=_most),
        by_recipe("multi-code", "multi-code", _multi_code, least=2, most=_most),
    )
}
