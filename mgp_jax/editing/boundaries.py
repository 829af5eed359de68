"""Boundaries trained from labels: the normal of a linear classifier of latent codes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mgp_jax.arrays import read_array
from mgp_jax.editing.directions import Direction, default_space, unit
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.generators import Generator, generate, random_latents
from mgp_jax.metrics import to_unit
from mgp_jax.seeds import words

METHODS = ("svm", "logistic")
# Every class needs so many samples, of which the held-out part sees some.
FEWEST = 10


class Boundary(NamedTuple):
    """A trained boundary.

    Attributes:
        direction: its normal, towards the label 1 or the larger scores.
        accuracy: share of the held-out codes that are on their side of it.
        trained: number of codes it was trained on.
        held_out: number of codes that the accuracy was measured on.
    """

    direction: Direction
    accuracy: float
    trained: int
    held_out: int


def train_boundary(
    latents: np.ndarray,
    labels: np.ndarray,
    space: str = "z",
    name: str = "boundary",
    method: str = "svm",
    share: float = 0.2,
    held_out: float = 0.3,
    seed: int = 0,
) -> Boundary:
    """Finds the direction in which labels change.

    Args:
        latents: float[M, D], latent codes.
        labels: [M], two classes 0 and 1, or scores: then the codes with the highest and the lowest
            scores are the two classes.
        space: the space of the latent codes.
        name: what to call the direction.
        method: `svm` (linear support vector machine) or `logistic` (logistic regression).
        share: share of the codes that each class gets of scores, at most a half.
        held_out: share of the labelled codes that the accuracy is measured on.
        seed: seed of the choice of those.

    Raises:
        SettingError: labels and codes do not fit, a class has too few codes, a setting is out of
            range, or scikit-learn is not installed.

    Source: Shen et al. 2020 (InterFaceGAN), sections 2.2 and 3.1.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import train_test_split
        from sklearn.svm import LinearSVC
    except ImportError:
        raise SettingError(
            "training a boundary needs scikit-learn: pip install 'mgp_jax[editing]'"
        ) from None
    if method not in METHODS:
        raise SettingError(f"method {method}: there are {', '.join(METHODS)}")
    if not (0 < share <= 0.5 and 0 < held_out < 1):
        raise SettingError("share: from 0 to 0.5, held out: from 0 to 1, both above 0")
    latents, labels = np.asarray(latents, np.float64), np.asarray(labels, np.float64).squeeze()
    if latents.ndim != 2 or labels.shape != latents.shape[:1]:
        raise SettingError(
            f"labels: {list(labels.shape)} for latent codes {list(latents.shape)}, "
            "one label for each code is needed"
        )
    if not (np.isfinite(latents).all() and np.isfinite(labels).all()):
        raise SettingError("labels or latent codes are not finite")
    chosen, classes = _two_classes(labels, share)
    if min(np.sum(classes), np.sum(~classes)) < FEWEST:
        raise SettingError(
            f"labels: {np.sum(classes)} codes of one class and {np.sum(~classes)} of the other, "
            f"at least {FEWEST} each are needed"
        )
    low, high = words(seed)
    random = np.random.RandomState([low, high]) if high else low
    x, test_x, y, test_y = train_test_split(
        latents[chosen], classes, test_size=held_out, random_state=random, stratify=classes
    )
    # Few dimensions and many codes: in the primal, where nothing is random.
    settings: Any = {"dual": False} if method == "svm" else {"max_iter": 1000}
    model: Any = (LinearSVC if method == "svm" else LogisticRegression)(**settings)
    model.fit(x, y)
    return Boundary(
        Direction(unit(model.coef_[0]), space, name),
        accuracy=float(model.score(test_x, test_y)),
        trained=len(x),
        held_out=len(test_x),
    )


def regress(
    latents: np.ndarray,
    scores: np.ndarray,
    space: str = "w",
    name: str = "boundary",
    held_out: float = 0.3,
    ridge: float = 0.1,
) -> Boundary:
    """Finds the direction along which scores rise, by ridge regression; few samples are enough.

    Args:
        latents: float[M, D], random latent codes in any order.
        scores: float[M].
        space: the space of the latent codes.
        name: what to call the direction.
        held_out: share of the codes, the last ones, that the accuracy is measured on.
        ridge: variance that is added to that of each number of the codes.

    Returns: the direction; its accuracy is the share of held-out codes whose scores it puts on the
        right side of their median.

    Raises:
        SettingError: scores and codes do not fit, are not finite or all alike.
    """
    latents, scores = np.asarray(latents, np.float64), np.asarray(scores, np.float64)
    if latents.ndim != 2 or scores.shape != latents.shape[:1]:
        raise SettingError(
            f"scores: {list(scores.shape)} for latent codes {list(latents.shape)}, one score for "
            "each code is needed"
        )
    if not (np.isfinite(latents).all() and np.isfinite(scores).all()):
        raise SettingError("scores or latent codes are not finite")
    trained = len(latents) - round(held_out * len(latents))
    x, y = latents - latents[:trained].mean(axis=0), scores - scores[:trained].mean()
    gram = x[:trained].T @ x[:trained] / trained + ridge * np.eye(latents.shape[1])
    normal = np.linalg.solve(gram, x[:trained].T @ y[:trained] / trained)
    along = x[trained:] @ normal
    right = (along > np.median(along)) == (y[trained:] > np.median(y[trained:]))
    direction = Direction(unit(normal), space, name)
    return Boundary(direction, float(np.mean(right)), trained, len(along))


def score_samples(
    generator: Generator,
    score: Callable[[np.ndarray], Any],
    count: int,
    seed: int = 0,
    space: str | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draws random images and scores them.

    Args:
        generator: the generator.
        score: takes images float[B, H, W, C] in [0, 1], returns B numbers.
        count: number of images.
        seed: seed of their codes.
        space: the space whose codes are returned, None for `default_space`.

    Returns: the latent codes float[count, D], and the scores float[count].

    Raises:
        SettingError: the function does not return a number for every image.
    """
    z = random_latents(generator, count, seed)
    scores = []
    for start in range(0, count, 256):
        images = np.asarray(to_unit(generate(generator, z[start : start + 256])))
        values = np.asarray(score(images))
        if values.size != len(images) or values.dtype.kind not in "fiub":
            raise SettingError(
                f"the scoring function returned {values.dtype} {list(values.shape)} for "
                f"{len(images)} images, one number each is needed"
            )
        scores.append(values.reshape(-1).astype(np.float64))
    end = generator.space(space or default_space(generator))
    codes = generator.apply(generator.params, z, 0, end)
    return np.asarray(codes), np.concatenate(scores)


def read_labels(path: str | os.PathLike[str]) -> np.ndarray:
    """Reads labels: an array file (.npy), or text with one number a line below a heading or none.

    Raises:
        ImageError: the file is not readable.
        SettingError: it holds something other than numbers.
    """
    if Path(path).suffix == ".npy":
        return read_array(path)
    try:
        lines = Path(path).read_text().split()
        # One heading is common in tables.
        skip = 1 if lines and not _is_number(lines[0]) else 0
        return np.array([float(line) for line in lines[skip:]])
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise SettingError(f"{path}: holds something other than one number a line") from None


def _two_classes(labels: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices of the labelled codes, and which of them are of the class 1."""
    if np.isin(labels, (0, 1)).all():
        return np.arange(len(labels)), labels == 1
    if np.isin(labels, (-1, 1)).all():
        return np.arange(len(labels)), labels == 1
    count = int(share * len(labels))
    order = np.argsort(labels, kind="stable")
    chosen = np.concatenate([order[:count], order[len(order) - count :]])
    return chosen, np.arange(2 * count) >= count


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
