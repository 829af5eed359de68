"""The label of a conditional stack: an embedding that is joined to the code, or a one-hot vector.

Where the names show an embedding, its length tells whether it stands beside the code or is
multiplied with it. A one-hot label is only visible as a longer code: the number of classes has to
be said. A label is kept as a table with the vector of every class, see `generators.labels`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mgp_jax.errors import CheckpointError
from mgp_jax.generators.labels import JOINS, Labels

from ..layout import Row, Shape
from ..options import Options
from .assembly import Assembly
from .parts import Part
from .publications import find_publication

NAME = re.compile(r"(^|[._])(label\w*|emb\w*|class_emb\w*|y_emb\w*)(\.\d)?$")
MAX_CLASSES = 100_000


@dataclass(frozen=True)
class Vectors:
    """The vectors of the classes.

    Attributes:
        classes: number of classes.
        size: length of a vector.
        sources: the tensors that they are made of; none for one-hot vectors.
        linear: whether the tensor is the weight of a linear layer on one-hot vectors.
    """

    classes: int
    size: int
    sources: Mapping[str, Shape]
    linear: bool = False

    def table(self, *tensors: np.ndarray) -> np.ndarray:
        """Returns a vector for every class, float[classes, size]."""
        if not tensors:
            return np.eye(self.classes)
        return tensors[0].T + tensors[1] if self.linear else tensors[0]


def find_vectors(parts: Sequence[Part], options: Options) -> tuple[Vectors | None, list[Part]]:
    """Takes the label out of the modules of a stack.

    Returns: the vectors of the classes, None without any, and the other modules.

    Raises:
        CheckpointError: there are several embeddings, or no usable one.
    """
    found = [part for part in parts if NAME.search(part.name)]
    rest = [part for part in parts if part not in found]
    classes = options.whole("classes")
    if not found:
        return (Vectors(classes, classes, {}) if classes else None), rest
    part = found[0]
    if len(found) > 1 or len(part.weight) != 2 or part.form != "plain":
        names = ", ".join(part.name for part in found)
        raise CheckpointError(f"labels that go through more than one embedding ({names})")
    rows, columns = part.weight
    linear = part.shapes.keys() == {"weight", "bias"}
    count, size = (columns, rows) if linear else (rows, columns)
    if not 0 < count <= MAX_CLASSES or classes not in (None, count):
        raise CheckpointError(f"{part.name} has vectors of {count} classes")
    sources: dict[str, Shape] = {part.key("weight"): part.weight}
    if linear:
        sources[part.key("bias")] = (size,)
    return Vectors(count, size, sources, linear), rest


def join_label(
    made: Assembly, vectors: Vectors, parts: Sequence[Part], options: Options
) -> tuple[Assembly, Mapping[str, str]]:
    """Gives a stack its label.

    Args:
        made: the stack, whose first layer takes what code and label become together.
        vectors: the vectors of the classes.
        parts: the modules of the stack.
        options: what the user says.

    Returns: the conditional stack, and what was assumed.

    Raises:
        CheckpointError: the first layer does not take a code and such a vector.
        SettingError: there is no such class or way to join.
    """
    inputs, size = made.config.latent_size, vectors.size
    weights = [part for part in parts if len(part.weight) in (2, 4)]
    publication = find_publication(weights, parts)
    usual = publication.join if publication else "code_first"
    if size == inputs and vectors.sources:
        usual = "multiply"
    join = options.choice("label_join", JOINS, usual)
    latent = inputs if join == "multiply" else inputs - size
    if latent < 1 or (join == "multiply" and size != inputs):
        raise CheckpointError(
            f"the first layer takes {inputs} numbers, which are no code and a label of {size} "
            f"({join})"
        )
    label = options.label(vectors.classes)
    kept = slice(None) if label is None else slice(label, label + 1)
    labels = Labels(1 if label is not None else vectors.classes, size, join)
    even = np.full(labels.classes, 1 / labels.classes)
    rows = (
        Row("layer0.label.table", vectors.sources, lambda *tensors: vectors.table(*tensors)[kept]),
        Row("layer0.label.weights", {}, lambda: even),
    )
    config = replace(made.config, latent_size=latent, labels=labels)
    assumed = {} if "label_join" in options.values else {"label_join": join}
    return replace(made, config=config, rows=(*made.rows, *rows)), assumed
