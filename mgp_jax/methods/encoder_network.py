"""A network that guesses the latent code of an image, trained on pairs that the generator makes.

Observations are first brought to the shape of images (`first_guess`); training shows the network
images that were degraded and brought back in the same way, so that it knows gray images and holes.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from mgp_jax.degradations import Degradation, Identity
from mgp_jax.errors import WeightsError
from mgp_jax.generators import Generator, Params, bind
from mgp_jax.generators.layers import leaky_relu
from mgp_jax.generators.style import Dense
from mgp_jax.generators.weights import flatten, load_weights, save_weights
from mgp_jax.methods.observation import first_guesses
from mgp_jax.perception.lpips import Strided
from mgp_jax.seeds import seeded_key

WIDTHS = (32, 64, 128, 256)
RATE = 1e-3
BATCH = 32
# Weight of the rendering's error against that of the code.
RENDERING = 10.0


class EncoderNetwork(nnx.Module):
    """Convolutions that halve the resolution, then a dense layer to the latent code.

    Args:
        resolution: height and width of the images.
        channels: channels of the images.
        latent_size: length of the code.
        rngs: source of the weights.
    """

    def __init__(self, resolution: int, channels: int, latent_size: int, *, rngs: nnx.Rngs):
        # Down to 4 x 4, with the widest layers repeated for large images.
        self.count = max(1, (resolution // 4).bit_length() - 1)
        for k in range(self.count):
            width = WIDTHS[min(k, len(WIDTHS) - 1)]
            setattr(self, f"convolution{k}", Strided(channels, width, 4, rngs=rngs))
            setattr(self, f"norm{k}", nnx.GroupNorm(width, num_groups=8, rngs=rngs))
            channels, resolution = width, resolution // 2
        self.dense = Dense(resolution**2 * channels, latent_size, gain=1.0, rngs=rngs)

    def __call__(self, images: jax.Array) -> jax.Array:
        """Maps images float[N, H, W, C] in [-1, 1] to codes float[N, latent]."""
        x = images
        for k in range(self.count):
            x = getattr(self, f"convolution{k}")(x, 2, 1)
            x = leaky_relu(getattr(self, f"norm{k}")(x))
        return self.dense(x.reshape(len(x), -1))


@partial(
    jax.tree_util.register_dataclass, data_fields=["params"], meta_fields=["graph", "provenance"]
)
@dataclass(frozen=True, eq=False)
class Encoder:
    """A trained encoder; a pytree of its weights.

    Attributes:
        params: its weights.
        graph: the network without them.
        provenance: how it was trained, as pairs of topic and free text.
    """

    params: Params
    graph: nnx.GraphDef
    provenance: tuple[tuple[str, str], ...]

    def __call__(self, images: jax.Array) -> jax.Array:
        """Maps images float[N, H, W, C] in [-1, 1] to codes float[N, latent]."""
        return bind(self.graph, self.params)(images)


def network(generator: Generator, seed: int = 0) -> EncoderNetwork:
    """Makes an untrained encoder of the right size for a generator."""
    _, height, _, channels = generator.shapes[-1].shape
    size = int(np.prod(generator.latent_shape))
    return EncoderNetwork(height, channels, size, rngs=nnx.Rngs(params=seeded_key(seed)))


def train_encoder(
    generator: Generator,
    steps: int,
    seed: int = 0,
    degradations: Sequence[Degradation] = (Identity(),),
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> Encoder:
    """Trains an encoder on random images of a generator.

    The loss is the mean squared error of the code plus ten times that of its rendering. Adam with a
    cosine, 32 images a step. The same images are seen through all degradations in turn, because
    making them costs as much as learning from them.

    Args:
        generator: the frozen generator.
        steps: number of steps.
        seed: seed of weights and codes.
        degradations: what the images are seen through.
        on_step: called with the number of steps done and the loss of the last one.
    """
    graph, state = nnx.split(network(generator, seed))
    params: Any = nnx.to_pure_dict(state)
    method = optax.adam(optax.cosine_decay_schedule(RATE, steps))
    optimizer = method.init(params)

    @jax.jit
    def make(generator: Generator, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        codes = generator.draw_latents(key, (BATCH,))
        return codes, generator.apply(generator.params, codes)

    @jax.jit
    def degrade(degradation: Degradation, images: jax.Array, key: jax.Array) -> jax.Array:
        keys = jax.random.split(key, len(images))
        return jax.vmap(degradation.simulate)(images, keys)

    @jax.jit
    def guess(degradation: Degradation, observations: jax.Array) -> jax.Array:
        return first_guesses(degradation, observations, generator.image_shape)

    @jax.jit
    def improve(
        generator: Generator,
        params: Any,
        optimizer: Any,
        guesses: jax.Array,
        images: jax.Array,
        codes: jax.Array,
    ) -> tuple[Any, Any, jax.Array]:
        def loss(params: Any) -> jax.Array:
            guessed = bind(graph, params)(guesses).reshape(codes.shape)
            renderings = generator.apply(generator.params, guessed)
            error = jnp.mean(jnp.square(renderings - images))
            return jnp.mean(jnp.square(guessed - codes)) + RENDERING * error

        value, gradient = jax.value_and_grad(loss)(params)
        updates, optimizer = method.update(gradient, optimizer, params)
        return optax.apply_updates(params, updates), optimizer, value

    def lessons() -> Iterator[tuple[jax.Array, jax.Array, jax.Array]]:
        root = seeded_key(seed)
        for step in count(0, len(degradations)):
            key = jax.random.fold_in(root, step)
            codes, images = make(generator, key)
            for turn, degradation in enumerate(degradations, 1):
                seen = degrade(degradation, images, jax.random.fold_in(key, turn))
                yield guess(degradation, seen), images, codes

    for step, lesson in enumerate(islice(lessons(), steps), 1):
        params, optimizer, value = improve(generator, params, optimizer, *lesson)
        on_step(step, float(value))
    provenance = {
        "training": f"{steps} steps of {BATCH} random images, seed {seed}, seen through "
        + ", ".join(str(degradation) for degradation in degradations),
        "generator": generator.name,
        "generator_checksum": checksum(generator),
    }
    return Encoder(params, graph, tuple(provenance.items()))


def checksum(generator: Generator) -> str:
    """Tells generators apart by their weights."""
    total = 0
    for name, leaf in sorted(flatten(generator.params).items()):
        total = zlib.crc32(np.asarray(leaf).tobytes(), zlib.crc32(name.encode(), total))
    return f"{total:08x}"


def save_encoder(path: Path, encoder: Encoder, licence: str) -> None:
    """Writes a weights file; `licence` is that of the generator whose images it has seen."""
    save_weights(path, "encoder", {}, encoder.params, dict(encoder.provenance), licence)


def load_encoder(path: Path, generator: Generator) -> Encoder:
    """Reads an encoder of a generator.

    Raises:
        WeightsError: the file is not readable, holds something else, or was trained for another
            generator.
    """
    weights = load_weights(path)
    if weights.family != "encoder":
        raise WeightsError(f"{path}: holds {weights.family} weights, not an encoder")
    if weights.provenance.get("generator_checksum") != checksum(generator):
        trained = weights.provenance.get("generator")
        raise WeightsError(f"{path}: was trained for another generator ({trained})")
    abstract = nnx.eval_shape(lambda: network(generator))
    graph, _ = nnx.split(abstract)
    params = jax.tree.map(jnp.asarray, dict(weights.params))
    return Encoder(params, graph, tuple(weights.provenance.items()))
