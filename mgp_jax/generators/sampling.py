"""Images from latent codes."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax.errors import SettingError
from mgp_jax.generators.base import Generator
from mgp_jax.generators.zoo import make_generator
from mgp_jax.precision import single_precision
from mgp_jax.seeds import seeded_key

BATCH = 16
# An image of 1024 pixels takes 0.2 GB on its way through `faces1024`.
MOST_PIXELS = 4 * 2**20


@single_precision
def random_latents(generator: Generator, count: int, seed: int = 0) -> jax.Array:
    """Draws latent codes float[count, *latent_shape]; each has its own key.

    Raises:
        SettingError: the number is below 1.
    """
    if count < 1:
        raise SettingError(f"count: {count}, at least 1 is needed")
    root = seeded_key(seed)
    keys = jax.vmap(lambda i: jax.random.fold_in(root, i))(jnp.arange(count))
    return jax.vmap(lambda key: generator.draw_latents(key))(keys)


@single_precision
def generate(
    generator: Generator, latents: Any, truncation: float | None = None, space: str = "z"
) -> np.ndarray:
    """Renders latent codes, a few at a time.

    Args:
        generator: the generator; its stored noise is used.
        latents: float[N, ...], codes of the space: [N, *latent_shape] in Z.
        truncation: psi, for style-based generators: 1 leaves styles alone, 0 gives the mean image;
            None for what the generator's configuration says. Codes of W+ are not truncated.
        space: the space of the codes, one of the family's.

    Returns: float32[N, H, W, C], the raw output, in [-1, 1] up to overshoots.

    Raises:
        SettingError: truncation is given for a generator without styles or codes behind it, or
            there is no such space.
    """
    start = generator.space(space)
    if truncation is not None:
        if space == "w+":
            raise SettingError("truncation: codes of W+ lie behind it")
        generator = with_truncation(generator, truncation)
    size = max(1, min(BATCH, MOST_PIXELS // generator.resolution**2))
    parts = [latents[i : i + size] for i in range(0, len(latents), size)]
    render = partial(_render, start=start) if start else _render
    return np.concatenate([np.asarray(render(generator, jnp.asarray(part))) for part in parts])


def with_truncation(generator: Generator, psi: float) -> Generator:
    """Returns the generator with another truncation psi.

    Raises:
        SettingError: the family has no styles to truncate.
    """
    config = generator.config.truncated(float(psi))
    if config is None:
        raise SettingError(f"truncation: {generator.name} ({generator.family}) has no styles")
    about = {name: getattr(generator, name) for name in ("name", "provenance", "licence")}
    return make_generator(generator.family, config, generator.params, **about)


@partial(jax.jit, static_argnames="start")
def _render(generator: Generator, latents: jax.Array, start: int = 0) -> jax.Array:
    return generator.apply(generator.params, latents, start)
