"""One setting for all tasks and strengths: a style, one for every layer, one for every filter.

In each of three phases gradients are normalised, so that every style vector moves by the learning
rate; the objective is a pyramid of LPIPS, in which noisy observations are compared with noisy ones.

A style acts on a layer through a row of its affine map for every channel. Of a style vector that a
filter has for itself only the part along its row counts, and its gradient lies along it. So one
number for each channel says all that has become of its vector. These are the filters of separable
convolutions (MobileStyleGAN). Those of dense ones, which have a style for all of their inputs each,
share them here.

Source: Poirier-Ginter and Lalonde 2023, "Robust unsupervised StyleGAN image restoration".
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from mgp_jax.degradations import Degradation
from mgp_jax.generators import Split
from mgp_jax.methods.method import Method, What
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import ResolvedPhase
from mgp_jax.terms import Given, Rendering, Target

# Steps of a phase, and the learning rates.
STEPS = 150
RATES = {"style": 0.08, "styles": 0.02, "filters": 0.005}
# The largest image that is looked at on a CPU, and where a step of it takes little.
SIZE_ON_CPU, SIZE = 256, 1024


class Styles(NamedTuple):
    """The variables; those of later phases are None before.

    Attributes:
        style: float[W], one style.
        styles: float[L, W], one for every layer.
        filters: by its place the way that the style of every channel has gone along its row,
            float[C, 1].
    """

    style: jax.Array
    styles: jax.Array | None = None
    filters: dict[str, jax.Array] | None = None


def recipe(degradation: Degradation, what: What) -> Recipe:
    """Moves a style, then one for every layer, then one for every filter."""
    del degradation, what
    size = SIZE_ON_CPU if jax.default_backend() == "cpu" else SIZE
    phases = (
        Phase(
            STEPS,
            moves=(name,),
            optimizer="normalised",
            schedule="constant",
            rates={name: rate},
            pixel=0.0,
            pyramid=1.0,
            perceptual_size=size,
        )
        for name, rate in RATES.items()
    )
    return Recipe("robust", tuple(phases), codes=1, layer="truncation", space="w+", from_mean=True)


def start(given: Given, target: Target, keys: jax.Array, phase: ResolvedPhase) -> Styles:
    """Starts every image from the mean style."""
    del target, phase
    mean = jnp.asarray(given.split.mean_code, jnp.float32).mean(axis=0)
    return Styles(jnp.broadcast_to(mean, (len(keys), *mean.shape)))


def enter(given: Given, variables: Styles, phase: ResolvedPhase) -> tuple[Styles, None]:
    """Makes what a phase moves of what the phase before has found."""
    if "styles" in phase.moves and variables.styles is None:
        variables = variables._replace(styles=styles_of(given.split, variables))
    if "filters" in phase.moves and variables.filters is None:
        filters = {
            place: jnp.zeros((affine["kernel"].shape[-1], 1))
            for place, affine in affine_maps(given.split.params)
        }
        variables = variables._replace(filters=filters)
    return variables, None


def render(given: Given, variables: Styles, held: None, phase: ResolvedPhase) -> Rendering:
    """Renders the styles."""
    del held, phase
    split = given.split
    if variables.filters is not None:
        split = replace(split, params=moved(split.params, variables.filters))
    styles = styles_of(split, variables).astype(split.dtype)
    return Rendering(split.tail(split.head(styles[None]))[0])


def styles_of(split: Split, variables: Styles) -> jax.Array:
    """Returns the styles of all layers, float[L, W]."""
    if variables.styles is not None:
        return variables.styles
    return jnp.broadcast_to(variables.style, split.latent_shape)


def affine_maps(
    params: Mapping[str, Any], place: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the places of the affine maps from styles to channels, and their parameters.

    These are kernel float[W, C] and bias float[C].
    """
    for name, part in params.items():
        if isinstance(part, Mapping):
            if name in ("style", "up") and {"kernel", "bias"} <= part.keys():
                yield place + name, part
            else:
                yield from affine_maps(part, f"{place}{name}.")


def moved(
    params: Mapping[str, Any], filters: Mapping[str, jax.Array], place: str = ""
) -> dict[str, Any]:
    """Returns parameters whose affine maps see the styles that filters have for themselves."""
    changed = dict(params)
    for name, part in params.items():
        here = place + name
        if here in filters:
            length = jnp.linalg.norm(part["kernel"], axis=0)
            bias = part["bias"] + length * filters[here][:, 0].astype(length.dtype)
            changed[name] = {**part, "bias": bias}
        elif isinstance(part, Mapping):
            changed[name] = moved(part, filters, f"{here}.")
    return changed


ROBUST = Method(
    "robust",
    "robust restoration",
    start,
    render,
    recipe,
    enter=enter,
    needs=("styles", "lpips_vgg"),
)
