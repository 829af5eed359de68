"""Generators: a configuration, a pytree of parameters and an ordered chain of stages.

A generator can be cut between any two stages. The parameters are plain nested dictionaries of
arrays and are passed to `apply` as an argument: under `jax.jit` they must stay an argument too,
because a closed-over constant would be compiled into the program.
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from mgp_jax.errors import SettingError
from mgp_jax.generators.config import Config
from mgp_jax.generators.crossing import Features, Params, as_features, as_passed
from mgp_jax.generators.labels import LabelLike
from mgp_jax.generators.split import NoiseMaps, Split


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["params"],
    meta_fields=["family", "config", "graph", "name", "provenance", "licence"],
)
@dataclass(frozen=True, eq=False)
class Generator:
    """A frozen generator; a pytree of its parameters, so it can be an argument of `jax.jit`.

    Attributes:
        family: name of the architecture, for example `dcgan`.
        config: the family's configuration dataclass.
        params: nested dictionaries of float32 arrays, first level by stage name.
        graph: the network without its parameters.
        name: what to call it in messages and reports.
        provenance: where the weights come from, as pairs of topic and free text.
        licence: licence of the weights.
    """

    family: str
    config: Config
    params: Params
    graph: nnx.GraphDef
    name: str = "generator"
    provenance: tuple[tuple[str, str], ...] = ()
    licence: str = ""

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages in order. Cut k lies behind the first k of them."""
        return self.config.stage_names

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent code."""
        return self.config.latent_shape

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        return self.config.resolution

    @property
    def channels(self) -> int:
        """Channels of the image: 3, or 1 for gray ones."""
        return self.shapes[-1].shape[-1]

    @property
    def classes(self) -> int:
        """Number of classes among which a label chooses; 0 without labels."""
        return self.config.labels.classes if self.config.labels else 0

    def with_label(self, label: LabelLike) -> "Generator":
        """Returns the generator of one class, or of a mixture of several.

        Args:
            label: a class from 0 on, `mean` for all classes alike, or weights float[K].

        Raises:
            SettingError: the generator has no labels, or not this one.
        """
        if self.config.labels is None:
            raise SettingError(f"label {label}: {self.name} has no classes")
        try:
            weights = self.config.labels.weights(label)
        except SettingError as error:
            raise SettingError(f"{self.name}: {error}") from None
        return replace(self, params=self.config.with_label(self.params, weights))

    @property
    def dtype(self) -> Any:
        """Type of the parameters' numbers, in which everything is computed."""
        return jax.tree.leaves(self.params)[0].dtype

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(H, W, C) of the images."""
        return tuple(self.shapes[-1].shape[1:])

    def apply(self, params: Params, x: Any, start: int = 0, stop: int | None = None) -> Any:
        """Runs the stages `start` to `stop` (exclusive).

        Args:
            params: the parameters, usually `self.params`; an argument so that it can be traced.
            x: what stage `start` takes: latent codes float[N, *latent_shape] for 0, otherwise what
                a run up to `start` returned.
            start: index of the first stage.
            stop: index behind the last stage; None for the image.

        Returns: what stage `stop` takes; for the last one images float[N, H, W, C], in [-1, 1] up
            to overshoots of families that do not clip.
        """
        network = bind(self.graph, params)
        for name in self.stages[start:stop]:
            x = getattr(network, name)(x)
        return x

    def draw_latents(self, key: jax.Array, shape: tuple[int, ...] = ()) -> jax.Array:
        """Draws latent codes from the distribution that the generator was trained with.

        Args:
            key: source of randomness.
            shape: how many codes, as leading axes.

        Returns: float[*shape, *latent_shape].
        """
        return self.config.draw_latents(key, shape)

    def cut(self, layer: int | str) -> int:
        """Returns the index of a cut given by index or by the name of the stage before it.

        Raises:
            SettingError: there is no such cut.

        Example:
            >>> from mgp_jax import load_generator
            >>> load_generator("faces64").cut("layer2")
            3
        """
        text = str(layer)
        if text in self.stages:
            return self.stages.index(text) + 1
        if text.isdecimal() and int(text) <= len(self.stages):
            return int(text)
        raise SettingError(
            f"layer {text}: {self.name} has the cuts 0 to {len(self.stages)} "
            f"and the stages {', '.join(self.stages)}"
        )

    def default_cut(self, map_size: int | None = None) -> int:
        """Returns the cut used where none is given.

        It is the last one at an eighth of the image's resolution or at 16 pixels, whichever is
        larger: the third layer of `faces64`, layer 8 of a PGGAN of 256 pixels as published.

        Args:
            map_size: largest height of the feature map instead of that; where all maps are larger,
                the smallest is taken.
        """
        limit = max(16, self.resolution // 8) if map_size is None else map_size
        sizes = self.map_sizes
        limit = max(limit, min(sizes.values()))
        return max(cut for cut, size in sizes.items() if size <= limit)

    def split(self, layer: int | str | None = None, space: str = "z") -> Split:
        """Cuts the generator in two.

        Args:
            layer: the cut, as index or name of the stage before it; None for the default one.
            space: the space that the codes live in, one of the family's.

        Raises:
            SettingError: there is no such cut or space, or the cut lies before the space.

        Example:
            >>> from mgp_jax import load_generator
            >>> load_generator("faces64").split("layer2").crossing.maps.shape
            (16, 16, 128)
        """
        # First the space: what lacks it may lack the layer for its sake.
        begin, cut = self.space(space), self.default_cut() if layer is None else self.cut(layer)
        if begin > cut:
            raise SettingError(
                f"layer {layer}: lies before the space {space}, which is cut {begin}"
            )
        about = (self.family, self.config, self.graph, self.name, self.provenance, self.licence)
        codes = tuple(self.shapes[begin].shape[1:])
        return Split(self.params, CutGenerator(*about, codes, cut, space))

    def space(self, name: str) -> int:
        """Returns the cut at which the codes of a space enter: 0 for `z`.

        Raises:
            SettingError: the family has no such space.
        """
        spaces = dict(self.config.spaces)
        if name not in spaces:
            raise SettingError(f"space {name}: {self.name} has the spaces {', '.join(spaces)}")
        return spaces[name]

    @cached_property
    def shapes(self) -> tuple[Any, ...]:
        """Shapes at every cut, as ShapeDtypeStructs for a batch of one; cut 0 is the latent."""
        x = jax.ShapeDtypeStruct((1, *self.latent_shape), "float32")
        shapes = [x]
        for k in range(len(self.stages)):
            x = jax.eval_shape(lambda p, v, k=k: self.apply(p, v, k, k + 1), self.params, x)
            shapes.append(x)
        return tuple(shapes)

    @property
    def map_sizes(self) -> dict[int, int]:
        """Height in pixels of the feature map at every cut that has one, the image left out."""
        maps = (as_features(x).maps for x in self.shapes[:-1])
        return {cut: x.shape[1] for cut, x in enumerate(maps) if len(x.shape) == 4}


@dataclass(frozen=True)
class CutGenerator:
    """The halves of a generator; see `Generator.split`.

    Attributes:
        latent_shape: shape of one code of the space.
        cut: index of the cut.
        space: the space that the codes live in.
        The others are those of the generator.
    """

    family: str
    config: Config
    graph: nnx.GraphDef
    name: str
    provenance: tuple[tuple[str, str], ...]
    licence: str
    latent_shape: tuple[int, ...]
    cut: int
    space: str

    def generator(self, params: Params) -> Generator:
        """Returns the whole again."""
        about = (self.name, self.provenance, self.licence)
        return Generator(self.family, self.config, params, self.graph, *about)

    @property
    def description(self) -> str:
        """Family, configuration, cut and space."""
        return f"{self.family}: {self.config}, cut {self.cut}, space {self.space}"

    @property
    def cut_name(self) -> str:
        """Name of the stage before the cut."""
        return ("latent code", *self.config.stage_names)[self.cut]

    @property
    def start(self) -> int:
        """Index of the cut at which the codes enter."""
        return dict(self.config.spaces)[self.space]

    def head(self, params: Params, z: jax.Array) -> Features:
        """Runs the stages up to the cut."""
        return as_features(self.generator(params).apply(params, z, self.start, self.cut))

    def tail(self, params: Params, features: Features, remat: bool) -> jax.Array:
        """Runs the stages behind the cut."""
        whole, x = self.generator(params), as_passed(features)
        if not remat:
            return whole.apply(params, x, self.cut)
        for stage in range(self.cut, len(whole.stages)):
            one = partial(whole.apply, start=stage, stop=stage + 1)
            x = jax.checkpoint(one)(params, x)
        return x

    def layers(self, params: Params) -> tuple[int, ...]:
        """Returns the cuts that have a feature map, up to the generator's default one."""
        whole = self.generator(params)
        return tuple(cut for cut in whole.map_sizes if cut <= whole.default_cut())

    def at(self, params: Params, cut: int) -> "CutGenerator":
        """Returns the halves for another cut."""
        return replace(self, cut=cut)

    def between(self, params: Params, features: Features, start: int, stop: int) -> Features:
        """Runs the stages between two cuts."""
        return as_features(self.generator(params).apply(params, as_passed(features), start, stop))

    def draw(self, params: Params, key: jax.Array, count: int) -> jax.Array:
        """Draws latent codes and carries them into the space."""
        whole = self.generator(params)
        return whole.apply(params, whole.draw_latents(key, (count,)), 0, self.start)

    def mean_style(self, params: Params) -> jax.Array | None:
        """Returns what the family says."""
        return self.config.mean_style(params)

    def mean_code(self, params: Params) -> jax.Array | None:
        """Returns the mean style as a code, which in Z it is not."""
        mean = self.mean_style(params)
        return None if mean is None or not self.start else jnp.broadcast_to(mean, self.latent_shape)

    def noise_maps(self, params: Params) -> NoiseMaps:
        """Returns what the family says."""
        return self.config.noise_maps(params)

    def with_noise(self, params: Params, noise: NoiseMaps) -> Params:
        """Returns what the family says."""
        return self.config.with_noise(params, noise)

    def label_weights(self, params: Params) -> jax.Array | None:
        """Returns what the family says."""
        return self.config.label_weights(params)

    def with_label(self, params: Params, weights: jax.Array) -> Params:
        """Returns what the family says."""
        return self.config.with_label(params, weights)


def bind(graph: nnx.GraphDef, params: Params) -> Any:
    """Returns the network of `graph` with `params` in it (cheap; while tracing only)."""
    return nnx.merge(graph, nnx.State(jax.tree.map(nnx.Param, dict(params))))
