"""What a generator is: a configuration, a pytree of parameters and an ordered chain of stages.

A generator can be cut between any two stages. The parameters are plain nested dictionaries of
arrays and are passed to `apply` as an argument: under `jax.jit` they must stay an argument too,
because a closed-over constant would be compiled into the program.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple, Protocol

import jax
from flax import nnx

from mgp_jax.errors import SettingError

Params = Mapping[str, Any]


class Features(NamedTuple):
    """What passes between two stages where a feature map alone is not enough.

    Attributes:
        maps: float[N, H, W, C], the feature map.
        rgb: float[N, H, W, 3], the image accumulated so far, or None.
        styles: float[N, L, W], one style vector for every layer, or None.
    """

    maps: jax.Array
    rgb: jax.Array | None = None
    styles: jax.Array | None = None


class Config(Protocol):
    """What every family's configuration dataclass offers."""

    @property
    def resolution(self) -> int:
        """Height and width of the image in pixels."""
        ...

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent code."""
        ...

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages in order; the network has an attribute of each name."""
        ...

    @property
    def spaces(self) -> tuple[tuple[str, int], ...]:
        """Names of the spaces that latent codes can live in, with the index of their cut."""
        ...


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
    def dtype(self) -> Any:
        """Type of the parameters' numbers, in which everything is computed."""
        return jax.tree.leaves(self.params)[0].dtype

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

    def space(self, name: str) -> int:
        """Returns the cut at which the codes of a space enter: 0 for `z`.

        Args:
            name: a space of the family; or the index of a cut, for codes that are what crosses it.

        Raises:
            SettingError: the family has no such space.
        """
        spaces = dict(self.config.spaces)
        if name.isdecimal():
            return self.cut(name)
        if name not in spaces:
            raise SettingError(f"space {name}: {self.name} has the spaces {', '.join(spaces)}")
        return spaces[name]

    @cached_property
    def shapes(self) -> tuple[Any, ...]:
        """What crosses every cut, as ShapeDtypeStructs for a batch of one; cut 0 is the latent."""
        x = jax.ShapeDtypeStruct((1, *self.latent_shape), "float32")
        shapes = [x]
        for k in range(len(self.stages)):
            x = jax.eval_shape(lambda p, v, k=k: self.apply(p, v, k, k + 1), self.params, x)
            shapes.append(x)
        return tuple(shapes)

    @property
    def map_sizes(self) -> dict[int, int]:
        """Height in pixels of the feature map at every cut that has one, the image left out."""
        maps = (x.maps if isinstance(x, Features) else x for x in self.shapes[:-1])
        return {cut: x.shape[1] for cut, x in enumerate(maps) if len(x.shape) == 4}


def bind(graph: nnx.GraphDef, params: Params) -> Any:
    """Returns the network of `graph` with `params` in it (cheap; while tracing only)."""
    return nnx.merge(graph, nnx.State(jax.tree.map(nnx.Param, dict(params))))
