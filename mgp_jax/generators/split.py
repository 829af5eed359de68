"""A frozen prior in two halves: all that an inversion knows of a generator.

The head turns latent codes into what crosses the cut, the tail turns that into an image. A split is
made of a generator (`Generator.split`) or of two plain functions (`Split.of`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from mgp_jax.errors import SettingError
from mgp_jax.generators.crossing import Features

NoiseMaps = dict[str, jax.Array]


class Halves(Protocol):
    """The two halves without their parameters; hashable, because programs are compiled for them."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one code of the space that the codes live in."""
        ...

    @property
    def space(self) -> str:
        """Name of the space that the codes live in."""
        ...

    @property
    def cut(self) -> int:
        """Index of the cut."""
        ...

    @property
    def description(self) -> str:
        """All but the parameters, as a text that tells different halves apart."""
        ...

    @property
    def cut_name(self) -> str:
        """What people call the place of the cut."""
        ...

    def generator(self, params: Any) -> Any:
        """Returns the whole `Generator`; raises SettingError where there is none."""
        ...

    def head(self, params: Any, z: jax.Array) -> Features:
        """Maps codes float[N, *latent_shape] to what crosses the cut, with a leading axis N."""
        ...

    def tail(self, params: Any, features: Features, remat: bool) -> jax.Array:
        """Maps what crosses the cut, with a leading axis N, to images float[N, H, W, C].

        Args:
            params: the parameters.
            features: with the styles of the layers behind the cut, where the tail takes some.
            remat: keep little for the gradient and compute the rest again.
        """
        ...

    def layers(self, params: Any) -> tuple[int, ...]:
        """Returns the cuts that have a feature map, up to the one used where none is given."""
        ...

    def at(self, params: Any, cut: int) -> "Halves":
        """Returns the halves for another cut, one of `layers`."""
        ...

    def between(self, params: Any, features: Features, start: int, stop: int) -> Features:
        """Carries what crosses one cut to a later one."""
        ...

    def draw(self, params: Any, key: jax.Array, count: int) -> jax.Array:
        """Draws probable codes float[count, *latent_shape]."""
        ...

    def mean_style(self, params: Any) -> jax.Array | None:
        """Returns the mean style, float[W] or float[L, W], or None where there are no styles."""
        ...

    def mean_code(self, params: Any) -> jax.Array | None:
        """Returns the mean style as a code float[*latent_shape], or None where it is none."""
        ...

    def noise_maps(self, params: Any) -> NoiseMaps:
        """Returns the stored noise map float[1, H, W, 1] of every noisy stage."""
        ...

    def with_noise(self, params: Any, noise: NoiseMaps) -> Any:
        """Returns the parameters with other noise maps in some stages."""
        ...

    def label_weights(self, params: Any) -> jax.Array | None:
        """Returns how much is drawn of each class, float[K], or None where there are no classes."""
        ...

    def with_label(self, params: Any, weights: jax.Array) -> Any:
        """Returns the parameters with other weights float[K] of the classes."""
        ...


@partial(jax.tree_util.register_dataclass, data_fields=["params"], meta_fields=["halves"])
@dataclass(frozen=True, eq=False)
class Split:
    """A generator cut in two; a pytree of its parameters, so it can be an argument of `jax.jit`.

    Attributes:
        params: a pytree of arrays.
        halves: what runs with them.
    """

    params: Any
    halves: Halves

    @staticmethod
    def of(
        head: Callable[[Any, jax.Array], jax.Array],
        tail: Callable[[Any, jax.Array], jax.Array],
        params: Any,
        *,
        latent_shape: tuple[int, ...],
        name: str = "two functions",
    ) -> "Split":
        """Makes a split of two plain functions.

        Args:
            head: `head(params, z)` maps codes float[N, *latent_shape] to maps float[N, H, W, C].
            tail: `tail(params, maps)` maps those to images float[N, H', W', K] in [-1, 1], K 1 or
                3.
            params: a pytree of arrays.
            latent_shape: shape of one latent code; codes are drawn from a normal distribution.
            name: what messages call it.

        Raises:
            SettingError: the functions do not fit each other, or make no images.

        Example:
            >>> import jax
            >>> from mgp_jax import Split
            >>> params = jax.numpy.ones((5, 4 * 4 * 3))
            >>> head = lambda params, z: (z @ params).reshape(-1, 4, 4, 3)
            >>> tail = lambda params, maps: jax.numpy.tanh(maps)
            >>> Split.of(head, tail, params, latent_shape=(5,)).image_shape
            (4, 4, 3)
        """
        split = Split(params, TwoFunctions(head, tail, tuple(latent_shape), name))
        try:
            shape = split.image_shape
        # Functions of others may fail in any way.
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise SettingError(f"{name}: head and tail do not fit each other ({reason})") from error
        if len(shape) != 3 or shape[-1] not in (1, 3):
            raise SettingError(
                f"{name}: the tail makes float[N, {', '.join(map(str, shape))}], images "
                "float[N, H, W, 1 or 3] are needed"
            )
        return split

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.halves.name

    @property
    def space(self) -> str:
        """Name of the space that the codes live in."""
        return self.halves.space

    @property
    def cut(self) -> int:
        """Index of the cut."""
        return self.halves.cut

    @property
    def cut_name(self) -> str:
        """What people call the place of the cut."""
        return self.halves.cut_name

    @property
    def generator(self) -> Any:
        """The whole `Generator` that was cut.

        Raises:
            SettingError: the split was made of two functions.
        """
        return self.halves.generator(self.params)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one code of the space that the codes live in."""
        return self.halves.latent_shape

    @property
    def dtype(self) -> Any:
        """Type of the parameters' numbers, in which everything is computed."""
        leaves = jax.tree.leaves(self.params)
        return leaves[0].dtype if leaves else jnp.dtype(jnp.float32)

    @cached_property
    def crossing(self) -> Features:
        """Shapes and types of what crosses the cut for one code, without a leading axis."""
        features = jax.eval_shape(self.head, self._codes(1))
        return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), features)

    @property
    def channels(self) -> int:
        """How many channels importances weigh: of the map and of what is composed like it."""
        return sum(part.shape[-1] for part in jax.tree.leaves(self.crossing.composed))

    @cached_property
    def image_shape(self) -> tuple[int, ...]:
        """(H, W, C) of the images."""
        images = jax.eval_shape(lambda z: self.tail(self.head(z)), self._codes(1))
        return tuple(images.shape[1:])

    def head(self, z: jax.Array) -> Features:
        """Maps codes float[N, *latent_shape] to what crosses the cut, with a leading axis N."""
        return self.halves.head(self.params, z)

    def tail(self, features: Features, remat: bool = False) -> jax.Array:
        """Maps what crosses the cut to images float[N, H, W, C], see `Halves.tail`."""
        return self.halves.tail(self.params, features, remat)

    @property
    def layers(self) -> tuple[int, ...]:
        """The cuts that have a feature map, up to the one used where none is given."""
        return self.halves.layers(self.params)

    def at(self, cut: int) -> "Split":
        """Returns the split for another cut, one of `layers`."""
        return replace(self, halves=self.halves.at(self.params, cut))

    def between(self, features: Features, start: int, stop: int) -> Features:
        """Carries what crosses one cut to a later one."""
        return self.halves.between(self.params, features, start, stop)

    def draw(self, key: jax.Array, count: int) -> jax.Array:
        """Draws probable codes float[count, *latent_shape]."""
        return self.halves.draw(self.params, key, count)

    @property
    def mean_code(self) -> jax.Array | None:
        """The mean style as a code of the split's space, or None where it is no code there."""
        return self.halves.mean_code(self.params)

    @property
    def mean_style(self) -> jax.Array | None:
        """The mean style, float[W] or float[L, W], or None where there are no styles."""
        return self.halves.mean_style(self.params)

    @property
    def mean_styles(self) -> jax.Array | None:
        """The mean style of every layer, float[L, W], where the tail takes styles; else None."""
        styles, mean = self.crossing.styles, self.mean_style
        return None if styles is None or mean is None else jnp.broadcast_to(mean, styles.shape)

    @property
    def noise_maps(self) -> NoiseMaps:
        """The stored noise map float[1, H, W, 1] of every noisy stage."""
        return self.halves.noise_maps(self.params)

    def with_noise(self, noise: NoiseMaps | None) -> "Split":
        """Returns the split with other noise maps in some stages."""
        if not noise:
            return self
        return replace(self, params=self.halves.with_noise(self.params, noise))

    @property
    def soft_label(self) -> jax.Array | None:
        """What `with_label` takes for the generator's own label; None where there are no classes.

        No class is quite left out, because a step could not find it then.
        """
        weights = self.halves.label_weights(self.params)
        return None if weights is None else jnp.log(weights + 0.01)

    def with_label(self, label: jax.Array | None) -> "Split":
        """Returns the split that draws exp(label[k]) / sum of all, in parts, of each class k."""
        if label is None:
            return self
        return replace(self, params=self.halves.with_label(self.params, jax.nn.softmax(label)))

    def _codes(self, count: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((count, *self.latent_shape), self.dtype)


@dataclass(frozen=True)
class TwoFunctions:
    """The halves that a user has written; see `Split.of`."""

    head_function: Callable[[Any, jax.Array], jax.Array]
    tail_function: Callable[[Any, jax.Array], jax.Array]
    latent_shape: tuple[int, ...]
    name: str

    @property
    def space(self) -> str:
        """The two know one space only."""
        return "z"

    @property
    def cut(self) -> int:
        """The one between the two."""
        return 1

    @property
    def description(self) -> str:
        """The names of the functions and the shape of a code."""
        names = (
            f"{f.__module__}.{f.__qualname__}" for f in (self.head_function, self.tail_function)
        )
        return f"{self.name}: {', '.join(names)}, {self.latent_shape}"

    @property
    def cut_name(self) -> str:
        """The two have no names."""
        return "between the two functions"

    def generator(self, params: Any) -> Any:
        """Two functions are no whole."""
        raise SettingError(f"{self.name}: only a generator with stages can do this")

    def head(self, params: Any, z: jax.Array) -> Features:
        """Runs the first function."""
        return Features(self.head_function(params, z))

    def tail(self, params: Any, features: Features, remat: bool) -> jax.Array:
        """Runs the second function."""
        run = jax.checkpoint(self.tail_function) if remat else self.tail_function
        return run(params, features.maps)

    def layers(self, params: Any) -> tuple[int, ...]:
        """The cut between the two is the only one."""
        return (1,)

    def at(self, params: Any, cut: int) -> "TwoFunctions":
        """The cut between the two is the only one."""
        return self

    def between(self, params: Any, features: Features, start: int, stop: int) -> Features:
        """The cut between the two is the only one."""
        return features

    def draw(self, params: Any, key: jax.Array, count: int) -> jax.Array:
        """Draws normal codes."""
        return jax.random.normal(key, (count, *self.latent_shape))

    def mean_style(self, params: Any) -> None:
        """Two functions have no styles."""

    def mean_code(self, params: Any) -> None:
        """Two functions have no styles."""

    def noise_maps(self, params: Any) -> NoiseMaps:
        """Two functions have no noise of their own."""
        return {}

    def with_noise(self, params: Any, noise: NoiseMaps) -> Any:
        """Two functions have no noise of their own."""
        raise SettingError(f"{self.name}: has no noise maps {', '.join(noise)}")

    def label_weights(self, params: Any) -> None:
        """Two functions have no classes of their own."""

    def with_label(self, params: Any, weights: jax.Array) -> Any:
        """Two functions have no classes of their own."""
        raise SettingError(f"{self.name}: has no classes")
