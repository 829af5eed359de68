"""Labels: the class that a conditional generator draws, as a parameter of its first stage.

The parameter `table` has a vector for every class, `weights` says how much of each is taken: 1 of
the class that is drawn, or parts of several. So a label is chosen, mixed or optimised without
another network, and codes and cuts are those of a generator without labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mgp_jax.errors import SettingError

JOINS = ("code_first", "label_first", "multiply")
MEAN = "mean"
LabelLike = int | str | Sequence[float] | jax.Array


@dataclass(frozen=True)
class Labels:
    """How a generator takes a label.

    Attributes:
        classes: number of classes K; 1 where one was chosen at the conversion.
        size: length E of the vector of a class.
        join: the vector stands behind the code (`code_first`) or in front of it (`label_first`), or
            code and vector are multiplied (`multiply`).

    Raises:
        SettingError: a number is below 1, or the join is unknown.
    """

    classes: int
    size: int
    join: str = "code_first"

    def __post_init__(self) -> None:
        if self.classes < 1 or self.size < 1:
            raise SettingError(f"labels: {self.classes} classes with vectors of {self.size}")
        if self.join not in JOINS:
            raise SettingError(f"labels: join {self.join}, choose from {', '.join(JOINS)}")

    def weights(self, label: LabelLike) -> jax.Array:
        """Returns the weights float[K] of a label.

        Args:
            label: a class from 0 on, as number or text; `mean` for all classes alike; or weights
                float[K].

        Raises:
            SettingError: there is no such class, or there are not K weights.
        """
        if isinstance(label, str | int | np.integer):
            text = str(label)
            if text == MEAN:
                return jnp.full(self.classes, 1 / self.classes)
            if not (text.isdecimal() and int(text) < self.classes):
                raise SettingError(
                    f"label {text}: choose a class from 0 to {self.classes - 1}, or {MEAN}"
                )
            return jnp.zeros(self.classes).at[int(text)].set(1.0)
        weights = jnp.asarray(label, jnp.float32)
        if weights.shape != (self.classes,):
            raise SettingError(
                f"label: {weights.shape} weights, {self.classes} classes need one each"
            )
        return weights


def joined_size(latent_size: int, labels: Labels | None) -> int:
    """Returns the length of a code with the vector of a label joined to it."""
    return latent_size + (labels.size if labels and labels.join != "multiply" else 0)


def code_rows(kernel: jax.Array, latent_size: int, labels: Labels | None, stage: Any) -> jax.Array:
    """Returns those weights of a first layer that a code meets.

    Args:
        kernel: float[joined size, outputs].
        latent_size: length D of a code.
        labels: how the generator takes a label.
        stage: parameters of the first stage.

    Returns: float[D, outputs].
    """
    if labels is None or labels.join == "code_first":
        return kernel[:latent_size]
    if labels.join == "label_first":
        return kernel[labels.size :]
    return label_vector(stage)[:, None] * kernel


def label_vector(stage: Any) -> jax.Array:
    """Returns the vector float[E] of the label, of the parameters of the stage that takes it."""
    return stage["label"]["weights"] @ stage["label"]["table"]


class Label(nnx.Module):
    """Joins the vector of a label to latent codes."""

    def __init__(self, labels: Labels, *, rngs: nnx.Rngs):
        self.table = nnx.Param(rngs.params.normal((labels.classes, labels.size)))
        self.weights = nnx.Param(labels.weights(MEAN))
        self.join = labels.join

    def __call__(self, z: jax.Array) -> jax.Array:
        """Maps float[N, D] to float[N, joined size]."""
        vector = self.vector()
        vector = jnp.broadcast_to(vector, (len(z), len(vector)))
        match self.join:
            case "code_first":
                return jnp.concatenate([z, vector], axis=1)
            case "label_first":
                return jnp.concatenate([vector, z], axis=1)
        return z * vector

    def vector(self) -> jax.Array:
        """Returns the vector float[E] of the label."""
        return self.weights[...] @ self.table[...]
