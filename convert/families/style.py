"""What the layouts of StyleGAN and StyleGAN2 share: mapping network, mean style, styles, noise."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

import numpy as np

from mgp_jax.errors import CheckpointError, SettingError

from ..layout import Row, Size
from ..options import Options
from ..transforms import Transform, equalised, keep, scaled
from ..wrappers import StateDict

MAPPING_MULTIPLIER = 0.01
AVERAGED_CODES = 4096


Keys = Callable[[int], str]


def gained(transform: Transform, gain: float, use_wscale: bool = True) -> Transform:
    """Returns `transform` with equalised learning rate folded in, unless weights act as stored."""
    return equalised(transform, gain) if use_wscale else transform


def transpose(weight: np.ndarray) -> np.ndarray:
    """Linear weight (out, in) -> (in, out)."""
    return weight.T


def noise_map(noise: np.ndarray) -> np.ndarray:
    """Noise (1, 1, H, W) or (H, W) -> (1, H, W, 1)."""
    return noise.reshape(1, *noise.shape[-2:], 1)


def constant_map(const: np.ndarray) -> np.ndarray:
    """Constant input (1, C, H, W) or (C, H, W) -> (1, H, W, C)."""
    return np.moveaxis(const.reshape(1, *const.shape[-3:]), 1, -1)


def per_style(state: StateDict, key: str, weight: str, styles: int) -> int:
    """Returns how many style vectors the mapping network puts out: 1, or one for every layer.

    Args:
        state: the state dict.
        key: name of the mean style.
        weight: name of a weight (out, W) that takes one style vector.
        styles: number of style vectors of the generator.
    """
    mean, one = state.shapes.get(key, ()), state.shapes.get(weight, ())
    several = len(mean) == 1 and len(one) == 2 and mean[0] == styles * one[1]
    return styles if several else 1


def mapping_rows(
    weights: Keys,
    biases: Keys,
    depth: int,
    outputs: Size,
    gain: float,
    multiplier: float,
    use_wscale: bool = True,
) -> list[Row]:
    """Rows of the mapping network; its widths get the names m0, m1, ...

    Args:
        weights: name of the weight of each layer.
        biases: name of its bias.
        depth: number of layers.
        outputs: size of the last layer.
        gain: gain of the weights.
        multiplier: learning-rate multiplier of weights and biases.
        use_wscale: whether weights have equalised learning rate.
    """
    rows: list[Row] = []
    for i in range(depth):
        inputs = f"m{i - 1}" if i else "latent"
        width = outputs if i == depth - 1 else f"m{i}"
        kernel = scaled(gained(transpose, gain, use_wscale), multiplier)
        rows.append(Row(f"mapping.dense{i}.kernel", {weights(i): (width, inputs)}, kernel))
        rows.append(Row(f"mapping.dense{i}.bias", {biases(i): (width,)}, scaled(keep, multiplier)))
    return rows


def mean_row(key: str, copies: int) -> Row:
    """Row of the stored mean style, of one for all or one for each of `copies` layers."""
    if copies == 1:
        return Row("truncation.mean", {key: ("w",)}, keep)
    return Row("truncation.mean", {key: ((copies, "w"),)}, lambda mean: mean.reshape(copies, -1))


def averaged_row(mapping: list[Row], gain: float, table: Row | None = None) -> Row:
    """Row of a mean style that is not stored: the average of many codes through the mapping.

    Args:
        mapping: rows of the mapping network, kernels and biases in turn.
        gain: factor behind each leaky ReLU.
        table: row of the vectors of the classes, which are averaged over as well.
    """
    sources = {key: shape for row in mapping for key, shape in row.sources.items()}
    if table is not None:
        sources |= table.sources

    def average(*tensors: np.ndarray) -> np.ndarray:
        count = len(mapping)
        params = [row.transform(value) for row, value in zip(mapping, tensors[:count], strict=True)]
        vectors = np.zeros((1, 0)) if table is None else table.transform(*tensors[count:])
        size = params[0].shape[0] - vectors.shape[1]
        # Of all of numpy's generators, only this one promises the same numbers for ever.
        codes = np.random.RandomState(0).standard_normal((AVERAGED_CODES, size))
        x = codes / np.sqrt(np.mean(codes**2, axis=1, keepdims=True) + 1e-8)
        x = np.concatenate([x, vectors[np.arange(AVERAGED_CODES) % len(vectors)]], axis=1)
        for kernel, bias in zip(params[::2], params[1::2], strict=True):
            x = x @ kernel + bias
            x = gain * np.where(x >= 0, x, 0.2 * x)
        return x.mean(axis=0)

    return Row("truncation.mean", sources, average)


def mapping_widths(sizes: Mapping[str, int], depth: int, copies: int) -> list[int]:
    """Returns the widths of the mapping network from the named sizes."""
    return [*(sizes[f"m{i}"] for i in range(depth - 1)), copies * sizes["w"]]


def multiplier(options: Options, default: float = MAPPING_MULTIPLIER) -> float:
    """Returns the learning-rate multiplier of the mapping network."""
    value = options.number("mapping_multiplier")
    if value == 0:
        raise SettingError("option mapping_multiplier=0: a number > 0 is needed")
    return default if value is None else value


def check_filters(
    state: StateDict, patterns: tuple[str, ...], taps: tuple[int, ...], total: float
) -> dict[str, str]:
    """Checks that stored filters are the ones that `mgp_jax` has built in.

    Args:
        state: the state dict.
        patterns: names of the filters.
        taps: the filter in one axis.
        total: sum of the filter in both axes.

    Returns: the patterns, with the reason why nothing is made from these tensors.

    Raises:
        CheckpointError: a filter is another one.
    """
    usual = np.outer(taps, taps) * (total / sum(taps) ** 2)
    for key, value in state.tensors.items():
        if not any(fnmatchcase(key, pattern) for pattern in patterns):
            continue
        same_shape = value.shape[-2:] == usual.shape
        if not same_shape or not np.allclose(value, usual, rtol=0, atol=1e-5 * total):
            raise CheckpointError(f"{key} is not the filter {taps}, the only one supported")
    return dict.fromkeys(patterns, f"the filter {taps}, which is built in")
