"""Codes in files: those of our runs, and latent codes of Z, W and W+ as other programs write them.

Ours (.npz) hold all that renders an image. Latent codes alone are an array (.npy) or a
`projected_w.npz` of stylegan2-ada. Those of W+ have a row for each style, or one for each layer of
the StyleGAN2 of that resolution: 18 at 1024 pixels, which networks distilled from it take too.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.arrays import read_archive, read_array
from mgp_jax.codes import Codes
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.files import path_of, reason, replacing
from mgp_jax.generators import Generator, Split
from mgp_jax.generators.sampling import with_truncation
from mgp_jax.generators.style import StyleConfig

# Names of latent codes in archives, by their space: of stylegan2-ada's projector, and our own.
STYLES_OF_OTHERS = "w"
# The mean square of D normal numbers varies by sqrt(2 / D). Farther off they are not normal.
DEVIATIONS = 4


class Latents(NamedTuple):
    """Latent codes without importances.

    Attributes:
        values: float32[N, ...], codes of the space.
        space: `z`, `w` or `w+`.
    """

    values: np.ndarray
    space: str


def read_latents(
    path: str | os.PathLike[str], generator: Generator, space: str | None = None
) -> Latents:
    """Reads latent codes.

    Args:
        path: an array (.npy), D numbers or [N, D] for Z and W, [L, D] or [N, L, D] for W+, L being
            the number of styles or of `StyleConfig.rows`; or an archive (.npz) with such an array
            named `w`, or with the codes of a run.
        generator: the generator they are for.
        space: the space of codes [N, D]. None takes them for Z where the generator has no other or
            their lengths are those of normal codes.

    Raises:
        ImageError: the file cannot be read or is no array of finite numbers.
        SettingError: it holds no codes of the generator, or those of Z or W without saying which.
    """
    array, space = _read(path, space)
    try:
        return to_latents(array, generator, space)
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from None


def to_latents(array: np.ndarray, generator: Generator, space: str | None = None) -> Latents:
    """Finds out which latent codes of a generator an array holds; see `read_latents`."""
    spaces = dict(generator.config.spaces)
    if space is not None:
        generator.space(space)
    config, styled = generator.config, isinstance(generator.config, StyleConfig)
    single = styled and array.shape == generator.latent_shape
    if (single or array.shape[1:] == generator.latent_shape) and space in (None, "z"):
        values = _narrow(array.reshape(-1, *generator.latent_shape))
        if styled and space is None:
            _require_normal(values)
        return Latents(values, "z")
    if isinstance(config, StyleConfig) and space != "z":
        width = generator.shapes[spaces["w"]].shape[-1]
        told = space == "w" or (space is None and (width,) != generator.latent_shape)
        if array.ndim in (1, 2) and array.shape[-1] == width and told:
            return Latents(_narrow(array.reshape(-1, width)), "w")
        rows = array.reshape(-1, *array.shape[-2:]) if array.ndim in (2, 3) else array
        if rows.shape[1:] in ((config.rows, config.w_size), (config.styles, config.w_size)):
            return Latents(to_styles(_narrow(rows), config), "w+")
    forms = [f"[N, {', '.join(map(str, generator.latent_shape))}]"]
    if isinstance(config, StyleConfig):
        counts = " or ".join(map(str, sorted({config.rows, config.styles})))
        forms.append(f"[N, {counts}, {config.w_size}] in W+")
    raise SettingError(
        f"latent codes of {generator.name} are numbers {', '.join(forms)}, not {array.dtype} "
        f"{list(array.shape)}{'' if space is None else f' in {space}'}"
    )


def save_latents(
    path: str | os.PathLike[str],
    generator: Generator,
    latents: Latents,
    truncation: float | None = None,
) -> None:
    """Writes latent codes as other programs take them.

    Args:
        path: an archive (.npz) with an array named `w`, or any other name for an array (.npy).
        generator: the generator they are for. Where it has styles, the codes are carried to W+ and
            written as float32[N, rows, D], see `to_rows`; else as they are, float32[N, ...].
        latents: the codes.
        truncation: psi on that way; None for what the generator's configuration says.

    Raises:
        ImageError: the file cannot be written.
    """
    values, config = latents.values, generator.config
    if isinstance(config, StyleConfig):
        if truncation is not None:
            generator = with_truncation(generator, truncation)
        way = generator.space(latents.space), generator.space("w+")
        values = to_rows(np.asarray(generator.apply(generator.params, values, *way)), config)
    try:
        with replacing(path) as file:
            if path_of(path).suffix == ".npz":
                np.savez(file, allow_pickle=False, w=values)
            else:
                np.save(file, values, allow_pickle=False)
    except OSError as error:
        raise ImageError(f"{path}: cannot be written: {reason(error)}") from None


def to_styles(rows: np.ndarray, config: StyleConfig) -> np.ndarray:
    """Brings the last but one axis of W+ codes or directions from rows of layers to styles."""
    if rows.shape[-2] == config.styles:
        return rows
    return rows[..., list(config.style_layers), :]


def to_rows(styles: np.ndarray, config: StyleConfig) -> np.ndarray:
    """Brings W+ codes float[..., L, D] to rows of layers, as other programs take them.

    Rows that the network does not have repeat its last one. Where styles of one layer differ, no
    rows can say so, and the codes stay as they are.
    """
    layers = np.asarray(config.style_layers)
    first = np.searchsorted(layers, np.minimum(np.arange(config.rows), layers[-1]))
    rows = styles[..., first, :]
    return rows if np.array_equal(rows[..., layers, :], styles) else styles


def load_codes(path: str | os.PathLike[str], split: Split) -> Codes:
    """Reads the codes of one image that a run has written.

    Args:
        path: the file.
        split: what they are for.

    Raises:
        ImageError: the file cannot be read or holds no codes.
        SettingError: they are for another generator, cut or space, or of several samples.
    """
    arrays = read_archive(path, "file of codes")
    if not arrays.keys() >= {"z", "alpha"}:
        raise ImageError(f"{path}: cannot be read (it is no file of codes)")
    numbers = {name: jnp.asarray(a) for name, a in arrays.items() if a.dtype.kind in "fiub"}
    z, alpha = numbers["z"], numbers["alpha"]
    crossing = split.crossing._replace(styles=None)
    noise = {k.removeprefix("noise_"): v for k, v in numbers.items() if k.startswith("noise_")}
    codes = Codes(z, alpha, numbers.get("styles"), noise=noise or None, label=numbers.get("label"))
    if any(name.startswith("residual") for name in numbers):
        leaves = [numbers.get(f"residual{k}") for k in range(len(jax.tree.leaves(crossing)))]
        codes = codes._replace(residual=jax.tree.unflatten(jax.tree.structure(crossing), leaves))
    try:
        fits = alpha.shape == (len(z), split.channels) and z.shape[1:] == split.latent_shape
        wanted = jax.tree.map(lambda leaf: leaf.shape, crossing)
        fits &= codes.residual is None or jax.tree.map(jnp.shape, codes.residual) == wanted
        fits &= _text(arrays, "space") in (None, split.space)
    except (IndexError, TypeError):
        fits = False
    if not fits:
        raise SettingError(f"{path}: these codes are not of {split.name} cut at {split.cut_name}")
    return codes


def place_of(split: Split) -> dict[str, np.ndarray]:
    """Returns what files of codes say of the split that they are for; see `split_of`."""
    return {"space": np.array(split.space), "layer": np.array(split.cut_name)}


def split_of(path: str | os.PathLike[str], generator: Generator) -> Split | None:
    """Cuts a generator where the codes of a file say.

    Returns: the split; None if the file does not say, as those of version 0.1.0.

    Raises:
        ImageError: the file cannot be read.
        SettingError: the generator has no such cut.
    """
    arrays = read_archive(path)
    space, layer = (_text(arrays, name) for name in ("space", "layer"))
    if space is None or layer is None:
        return None
    try:
        return generator.split(0 if layer == "latent code" else layer, space)
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from None


def holds_codes(path: str | os.PathLike[str]) -> bool:
    """Returns whether a file is an archive that holds all of a run's codes, not latent ones alone.

    Raises:
        ImageError: the file cannot be read.
    """
    return _is_archive(path) and read_archive(path).keys() >= {"z", "alpha"}


def codes_of(generator: Generator, latents: Latents) -> tuple[Split, list[Codes]]:
    """Makes codes that render each latent code by itself.

    Returns: the split that they are for, and a set of one code for each.
    """
    split = generator.split(generator.config.spaces[-1][1], latents.space)
    alpha = jnp.ones((1, split.channels))
    return split, [Codes(jnp.asarray(value)[None], alpha) for value in latents.values]


def _read(path: str | os.PathLike[str], space: str | None) -> tuple[np.ndarray, str | None]:
    """Returns an array of latent codes, and their space as far as the file says it."""
    if not _is_archive(path):
        return read_array(path), space
    arrays = read_archive(path)
    if "z" in arrays:
        array, space = arrays["z"], _text(arrays, "space") or space
    elif STYLES_OF_OTHERS in arrays:
        array = arrays[STYLES_OF_OTHERS]
        space = "w" if array.ndim < 3 and space is None else space
    else:
        raise ImageError(f"{path}: holds no latent codes, an array named w or z is needed")
    if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
        raise ImageError(f"{path}: holds other latent codes than finite numbers")
    return array, space


def _is_archive(path: str | os.PathLike[str]) -> bool:
    if Path(path).suffix in (".pt", ".pth"):
        raise ImageError(f"{path}: a PyTorch file; `mgp-convert {path} codes.npy` makes an array")
    return Path(path).suffix == ".npz"


def _text(arrays: Mapping[str, np.ndarray], name: str) -> str | None:
    value: Any = arrays.get(name)
    return str(value) if value is not None and value.dtype.kind == "U" and not value.ndim else None


def _narrow(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "fiu":
        raise SettingError(f"latent codes are numbers, not {array.dtype}")
    if not len(array):
        raise SettingError("holds no latent codes")
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    if not np.isfinite(narrow).all():
        raise SettingError("latent codes must fit into float32")
    return narrow


def _require_normal(values: np.ndarray) -> None:
    """Raises SettingError if codes are hardly normal ones, and so may be of W as well."""
    count, size = len(values), values[0].size
    square = float(np.mean(np.square(values, dtype=np.float64)))
    if abs(square - 1) > DEVIATIONS * (2 / (count * size)) ** 0.5:
        raise SettingError(
            f"{count} codes of {size} numbers of mean square {square:.2g}, not 1 as that of normal "
            "ones: say of which space they are, z, w or w+"
        )
