"""Makes generators: bundled ones by name, converted ones from a file, and untrained ones."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

from mgp_jax.errors import SettingError, WeightsError
from mgp_jax.generators.base import Generator, Params
from mgp_jax.generators.biggan import BigGAN, BigGANConfig
from mgp_jax.generators.config import Config
from mgp_jax.generators.dcgan import DCGANConfig
from mgp_jax.generators.labels import MEAN, LabelLike
from mgp_jax.generators.lightweight_gan import LightweightGAN, LightweightGANConfig
from mgp_jax.generators.mobile_stylegan import MobileStyleGAN, MobileStyleGANConfig
from mgp_jax.generators.pggan import PGGAN, PGGANConfig
from mgp_jax.generators.sequential import Sequential, SequentialConfig
from mgp_jax.generators.sngan import SNGAN, SNGANConfig
from mgp_jax.generators.split import Split
from mgp_jax.generators.stylegan import StyleGAN, StyleGANConfig
from mgp_jax.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from mgp_jax.generators.stylegan2_pytorch import StyleGAN2PyTorch, StyleGAN2PyTorchConfig
from mgp_jax.generators.weights import flatten, load_weights
from mgp_jax.seeds import seeded_key
from mgp_jax.user_code import load_function, names_function

FAMILIES: dict[str, tuple[type, Callable[..., nnx.Module]]] = {
    "biggan": (BigGANConfig, BigGAN),
    "dcgan": (DCGANConfig, Sequential),
    "sequential": (SequentialConfig, Sequential),
    "lightweight_gan": (LightweightGANConfig, LightweightGAN),
    "mobile_stylegan": (MobileStyleGANConfig, MobileStyleGAN),
    "pggan": (PGGANConfig, PGGAN),
    "sngan": (SNGANConfig, SNGAN),
    "stylegan": (StyleGANConfig, StyleGAN),
    "stylegan2": (StyleGAN2Config, StyleGAN2),
    "stylegan2_pytorch": (StyleGAN2PyTorchConfig, StyleGAN2PyTorch),
}

BUNDLED = ("faces1024", "faces64")


def load_generator(source: str | os.PathLike[str], label: LabelLike | None = None) -> Generator:
    """Loads a bundled generator by its name, or any generator from a weights file.

    Args:
        source: `faces1024`, `faces64`, or the path of a file written by `mgp-convert`; or
            `mine.py:build`, a function of the user's that makes one.
        label: for a generator of several classes the one to draw, from 0 on; `mean` for all alike,
            or a weight for each.

    Raises:
        WeightsError: the file is missing, not readable, or does not fit the family it names.
        SettingError: the user's function does not make a whole generator; a label is missing, or
            there is no such class.

    Example:
        >>> from mgp_jax import load_generator
        >>> generator = load_generator("faces64")
        >>> generator.family, generator.resolution, generator.stages[:2]
        ('dcgan', 64, ('layer0', 'layer1'))
    """
    return _labelled(find_generator(source), label)


def find_generator(source: str | os.PathLike[str]) -> Generator:
    """Loads a generator as `load_generator` does, also where no class has been chosen yet."""
    if names_function(str(source)):
        built = _build(str(source))
        if not isinstance(built, Generator):
            raise SettingError(f"{source}: makes a split, a whole generator is needed here")
        return built
    if str(source) in BUNDLED:
        with resources.as_file(resources.files("mgp_jax.assets") / f"{source}.safetensors") as path:
            return _load(path, str(source))
    path = Path(source)
    if not path.suffix and not path.exists():
        raise WeightsError(
            f"{source}: neither a file nor a bundled generator ({', '.join(BUNDLED)})"
        )
    return _load(path, path.stem)


def _labelled(generator: Generator, label: LabelLike | None) -> Generator:
    """Chooses the class; nobody has yet where all classes count alike."""
    if label is not None:
        return generator.with_label(label)
    weights = generator.config.label_weights(generator.params)
    if weights is not None and len(weights) > 1 and np.ptp(np.asarray(weights)) == 0:
        raise SettingError(
            f"{generator.name}: draws {generator.classes} classes; choose one by its label, from 0 "
            f"to {generator.classes - 1}, or `{MEAN}` for all alike"
        )
    return generator


def load_prior(source: str | os.PathLike[str], label: LabelLike | None = None) -> Generator | Split:
    """Loads what images can be restored with: a generator, or what a user's function makes.

    Args:
        source: see `load_generator`; a function may return a `Split`, too.
        label: see `load_generator`.

    Raises:
        WeightsError: see `load_generator`.
        SettingError: the user's function makes something else; see `load_generator` for labels.
        UserCodeError: it raises something.
    """
    if not names_function(str(source)):
        return load_generator(source, label)
    built = _build(str(source))
    if isinstance(built, Generator):
        return _labelled(built, label)
    if label is not None:
        raise SettingError(f"label {label}: {source} makes a split, which has no classes")
    return built


def _build(source: str) -> Generator | Split:
    """Calls the user's function."""
    built = load_function(source)()
    if not isinstance(built, Generator | Split):
        kind = type(built).__name__
        raise SettingError(f"{source}: makes a {kind}, not a Generator or a Split")
    return built


def random_generator(config: Config, seed: int = 0, name: str = "random") -> Generator:
    """Makes an untrained generator: right in shape and cost, with random weights.

    Args:
        config: a configuration of any family.
        seed: seed of the weights.
        name: what to call it.

    Example:
        >>> from mgp_jax import DCGANConfig, generate, random_generator, random_latents
        >>> generator = random_generator(DCGANConfig(latent_size=8, channels=(8, 4)))
        >>> generate(generator, random_latents(generator, 2)).shape
        (2, 16, 16, 3)
    """
    family = next(family for family, (kind, _) in FAMILIES.items() if isinstance(config, kind))
    network = FAMILIES[family][1](config, rngs=nnx.Rngs(params=seeded_key(seed)))
    graph, state = nnx.split(network)
    return Generator(family, config, nnx.to_pure_dict(state), graph, name)


def make_config(family: str, settings: Mapping[str, Any]) -> Config:
    """Makes a configuration of what a weights file says of it, JSON values.

    Raises:
        SettingError: a setting is unknown, missing or not possible.
    """
    kind = FAMILIES[family][0]
    if unknown := settings.keys() - {field.name for field in dataclasses.fields(kind)}:
        raise SettingError(f"unknown settings {', '.join(sorted(unknown))}")
    try:
        import msgspec
    except ModuleNotFoundError:
        # A bare checkout reads the bundled files, whose settings are as they should be.
        return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()})
    try:
        return msgspec.convert(settings, kind)
    except msgspec.ValidationError as error:
        raise SettingError(f"settings of {family}: {error}") from None


def make_generator(family: str, config: Config, params: Params, **about: Any) -> Generator:
    """Makes a generator of given parameters.

    Args:
        family: name of the family.
        config: its configuration.
        params: nested dictionaries of arrays, first level by stage name.
        **about: `name`, `provenance` and `licence` of the generator.

    Raises:
        WeightsError: parameters are missing, unexpected or of the wrong shape; all are named.
    """
    network = FAMILIES[family][1]
    abstract = nnx.eval_shape(lambda: network(config, rngs=nnx.Rngs(params=0)))
    graph, state = nnx.split(abstract)
    wanted = {k: v.shape for k, v in flatten(nnx.to_pure_dict(state)).items()}
    given = {k: np.shape(v) for k, v in flatten(params).items()}
    problems = [f"{k} missing" for k in wanted if k not in given]
    problems += [f"{k} unexpected" for k in given if k not in wanted]
    problems += [
        f"{k} is {list(given[k])}, should be {list(wanted[k])}"
        for k in wanted
        if k in given and given[k] != wanted[k]
    ]
    if problems:
        raise WeightsError(f"{about.get('name', family)}: {'; '.join(problems)}")
    return Generator(family, config, jax.tree.map(jax.numpy.asarray, dict(params)), graph, **about)


def _load(path: Path, name: str) -> Generator:
    weights = load_weights(path)
    if weights.family not in FAMILIES:
        raise WeightsError(f"{path}: holds {weights.family} weights, not a generator")
    try:
        config = make_config(weights.family, weights.config)
    except SettingError as error:
        raise WeightsError(f"{path}: {error}") from None
    if (channels := getattr(config, "image_channels", 3)) not in (1, 3):
        raise WeightsError(f"{path}: its images have {channels} channels; 1 or 3 are supported")
    return make_generator(
        weights.family,
        config,
        weights.params,
        name=name,
        provenance=tuple(sorted(weights.provenance.items())),
        licence=weights.licence,
    )
