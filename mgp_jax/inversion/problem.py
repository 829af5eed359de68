"""The problem that a solver is given: the networks, the degradation and the targets."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from mgp_jax.checks import LARGEST, checked_array
from mgp_jax.codes import cast
from mgp_jax.degradations import Degradation, estimated_sigma
from mgp_jax.degradations.base import Function
from mgp_jax.errors import SettingError
from mgp_jax.inversion.resolve import Inversion
from mgp_jax.seeds import seeded_key
from mgp_jax.sharding import SPLIT, WHOLE, place
from mgp_jax.solve import Problem
from mgp_jax.solve.phase import fields_of
from mgp_jax.terms import Given, Target
from mgp_jax.terms.networks import holes, looking, observe


def image_keys(seed: int, indices: Any, starts: int = 1) -> jax.Array:
    """Returns random keys that do not depend on which batch an image is in.

    Args:
        seed: the seed.
        indices: int[B], numbers of the images.
        starts: number of keys for each image.

    Returns: keys[B * starts], those of an image next to each other.
    """
    root = seeded_key(seed)

    def draw(index: jax.Array, start: jax.Array) -> jax.Array:
        return jax.random.fold_in(jax.random.fold_in(root, index), start)

    images = jnp.repeat(jnp.asarray(indices), starts)
    return jax.vmap(draw)(images, jnp.arange(len(images)) % starts)


def pose(inversion: Inversion, observations: jax.Array) -> Problem:
    """Gathers what stays the same during a run.

    Args:
        inversion: what is to be done.
        observations: float[B, ...], of the shape that the degradation makes.
    """
    mesh, dtype = inversion.execution.mesh, inversion.execution.dtype
    split, networks = place(cast((inversion.split, dict(inversion.networks)), dtype), mesh, WHOLE)
    degradation = inversion.degradation
    tolerances = jnp.full(len(observations), inversion.tolerance, jnp.float32)
    phases = looking(inversion.recipe.phases)
    size = phases[0].perceptual_size if phases else None
    key = seeded_key(inversion.seed)
    target = make_targets(networks, degradation, observations, tolerances, key, size)
    given = Given(split, *place((degradation, networks, key), mesh, WHOLE))
    return Problem(given, place(target, mesh, SPLIT))


@partial(jax.jit, static_argnames=("size",))
def make_targets(
    networks: Any,
    degradation: Degradation,
    observations: jax.Array,
    tolerances: jax.Array,
    key: jax.Array,
    size: int | None,
) -> Target:
    """Makes the targets of a batch; what networks see in them is computed here, once.

    Args:
        networks: the networks by name.
        degradation: what made the observations.
        observations: float[B, ...].
        tolerances: float[B], mean squared error at which an image stops, unless that of its noise
            is larger; 0 for that alone.
        key: see `Given`.
        size: resize to this size for the networks.
    """
    observations = jax.vmap(degradation.prepare)(observations)
    filling = holes(degradation, observations.shape[1:], key)
    features = jax.vmap(lambda image: observe(networks, image, size, filling))(observations)
    tolerances = jnp.maximum(tolerances, jax.vmap(degradation.noise_error)(observations))
    visible = jax.vmap(degradation.visible)(observations) if degradation.reveals else None
    noise = jax.vmap(degradation.told_noise)(observations) if degradation.blind else None
    return Target(observations, features, tolerances, visible, noise)


def check_observations(inversion: Inversion, observations: Any) -> jax.Array:
    """Returns observations as float32, if they are what the degradation makes of images.

    Raises:
        SettingError: they have another shape or type, hold what is not finite, are far out of
            range, or do not tell the level of their noise where nothing else does.
    """
    image = jax.ShapeDtypeStruct(inversion.image_shape, jnp.float32)
    shape = jax.eval_shape(inversion.degradation, image).shape
    # Own functions and measurements have ranges of their own; noise reaches six deviations.
    ours = len(shape) == 3 and not isinstance(inversion.degradation, Function)
    degradation = inversion.degradation
    largest = LARGEST + 12 * (1 if degradation.blind else degradation.sigma) if ours else None
    observations = jnp.asarray(checked_array("observations", observations, shape, largest))
    if degradation.blind:
        for observation in observations:
            estimated_sigma(degradation, observation)
    return observations


def check_codes(codes: Any, wanted: Any) -> None:
    """Checks that the codes to start from have the shapes that the method's own start has.

    Raises:
        SettingError: they have not.
    """
    fields, own = fields_of(codes), fields_of(wanted)
    for name, value in own.items():
        if value is None or fields.get(name) is None:
            continue
        shapes = jax.tree.map(jnp.shape, fields[name]), jax.tree.map(jnp.shape, value)
        if shapes[0] != shapes[1]:
            raise SettingError(f"codes: {name} is {shapes[0]}, {shapes[1]} is needed")
