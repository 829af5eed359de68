"""What every method is given, and how a method restores it in so many steps."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from mgp_jax.degradations import Degradation
from mgp_jax.generators import Generator
from mgp_jax.memory import at_a_time
from mgp_jax.methods import Method
from mgp_jax.recipes import Recipe
from mgp_jax.recipes.large import LARGE
from mgp_jax.restoration import restore_many


class Restored(NamedTuple):
    """What a method made of all observations, see `Restoration`.

    Attributes:
        images: float[B, H, W, C] in [-1, 1].
        samples: float[B, K, H, W, C] in [-1, 1].
        deviation: float[B, H, W, C].
    """

    images: np.ndarray
    samples: np.ndarray
    deviation: np.ndarray


class Case(NamedTuple):
    """What every method is given.

    Attributes:
        generator: the generator.
        degradation: what made the observations.
        observations: float[B, ...].
        networks: what methods may need, None where there is no such network.
        seed: seed of all random starts.
        samples: restorations of each image by every method; None for what its recipe says.
    """

    generator: Generator
    degradation: Degradation
    observations: jax.Array
    networks: Mapping[str, Any]
    seed: int
    samples: int | None = None

    @property
    def is_large(self) -> bool:
        """Whether the images are so large that steps take a second, and gigabytes."""
        return self.generator.resolution >= LARGE

    @property
    def together(self) -> int:
        """How many images are restored at a time."""
        return at_a_time(self.generator.resolution, len(self.observations))

    def recipe(self, method: Method) -> Recipe:
        """Returns how a method optimises the case, the number of steps aside."""
        recipe = method.recipe(self.degradation, self.generator)
        return recipe if self.samples is None else recipe.with_(samples=self.samples)

    def most(self, method: Method) -> int | None:
        """Returns the steps behind which more only harm, None for no such limit."""
        return None if method.most is None else method.most(self.degradation, self.generator)

    def fewest(self, method: Method) -> int:
        """Returns the fewest steps that a method can do, 0 for methods that have none."""
        return method.fewest(self.degradation, self.generator)

    def restore(self, method: Method, steps: int) -> Restored:
        """Restores the observations.

        Args:
            method: the method.
            steps: how many steps it may do.
        """
        recipe, fewest = self.recipe(method), self.fewest(method)
        rows = restore_many(
            self.generator,
            self.observations,
            self.degradation,
            recipe.with_(steps=max(steps, fewest)) if fewest else recipe,
            batch_size=self.together,
            restarts=method.restarts,
            method=method,
            seed=self.seed,
            networks=self.networks,
        )
        parts = [(row.images, row.samples, row.deviation) for row in rows]
        return Restored(*map(np.concatenate, zip(*parts, strict=True)))
