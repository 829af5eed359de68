"""Networks in bfloat16: everything they compute has that type, and gradients arrive."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import untrained

from mgp_jax.codes import cast, fuse, init_codes, render, render_fused
from mgp_jax.generators import (
    DCGANConfig,
    MobileStyleGANConfig,
    PGGANConfig,
    StyleGAN2Config,
    StyleGANConfig,
)
from mgp_jax.inversion import invert
from mgp_jax.perception.vgg import bundled_extractor
from mgp_jax.recipes import Phase, Recipe
from mgp_jax.solve import Execution

CONFIGS: dict[str, Any] = {
    "dcgan": DCGANConfig(8, (8, 4)),
    "mobile_stylegan": MobileStyleGANConfig(5, 4, (4,), (8, 4, 4)),
    "pggan": PGGANConfig(8, (8, 8, 4)),
    "stylegan": StyleGANConfig(5, 4, (4,), (6, 4)),
    "stylegan2": StyleGAN2Config(5, 4, (4,), (6, 4, 4)),
}


@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize("slices", [0, 2])
def test_everything_is_computed_in_the_type_of_the_parameters(family: str, slices: int):
    generator = untrained(CONFIGS[family])
    split = generator.split(len(generator.stages) - 1)
    low = dataclasses.replace(split, params=cast(split.params, jnp.dtype(jnp.bfloat16)))
    codes = init_codes(split, jax.random.key(0), 2)

    def draw(codes: Any) -> jax.Array:
        fused = fuse(low, codes, slices=slices)
        assert {leaf.dtype for leaf in jax.tree.leaves(fused)} == {jnp.dtype(jnp.bfloat16)}
        return render_fused(low, fused, codes, remat=slices > 0)

    # Tracing alone tells the types.
    assert jax.eval_shape(draw, codes).dtype == jnp.bfloat16
    gradient = jax.eval_shape(jax.grad(lambda codes: draw(codes).astype("float32").sum()), codes)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), gradient) == jax.tree.map(
        lambda x: (x.shape, x.dtype), codes
    )
    assert jax.eval_shape(lambda codes: render(split, codes), codes).dtype == "float32"


def test_features_are_computed_in_the_type_of_the_parameters():
    low = cast(bundled_extractor(), jnp.bfloat16)
    image = jax.ShapeDtypeStruct((16, 16, 3), jnp.float32)
    assert jax.eval_shape(low, image).dtype == jnp.bfloat16


def test_an_inversion_in_bfloat16_is_near_one_in_float32():
    generator = untrained(CONFIGS["dcgan"])
    observations = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    results = {}
    for precision in ("float32", "bfloat16"):
        recipe = Recipe("test", (Phase(8),), codes=2)
        execution = Execution(precision=precision)
        results[precision] = invert(generator, observations, recipe=recipe, execution=execution)
    exact, near = results["float32"], results["bfloat16"]
    types = [jax.tree.map(lambda leaf: leaf.dtype, result.codes) for result in (exact, near)]
    assert types[0] == types[1]
    difference = np.abs(near.losses - exact.losses) / exact.losses
    assert 0 < difference.max() < 0.02
    assert 0 < np.abs(near.images - exact.images).max() < 0.1
