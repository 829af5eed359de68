"""Reads a stack from names and shapes: what the numbers in the names show, and what they do not.

Modules without tensors, such as activations, leave gaps in the numbering of a Sequential. A norm
right behind a convolution is followed by its activation; a gap between the two means that the
activation comes first; two modules in front of a convolution are an activation and an upsampling.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mgp_jax.errors import CheckpointError, SettingError
from mgp_jax.generators.stack_layers import Upsample
from mgp_jax.generators.stack_pointwise import Activation

from ..options import Options
from .elements import Element, Kernel, Linear, Norm, Slope, Stack
from .geometry import Site, place_kernels
from .kinds import find_kinds
from .options import StackOptions, spell_activation, spell_list
from .parts import Gap, Part, gap_between
from .publications import find_publication

RELU = Activation("relu")
UNKNOWN = Gap(0, False)


@dataclass(frozen=True)
class Block:
    """A layer with weights and what follows it, up to the next one.

    Attributes:
        weight: the layer.
        others: norms and PReLUs behind it.
        gaps: the modules without tensors behind the layer and behind each of the others.
        reshapes: whether a vector becomes a map in it, by a module of its own.
    """

    weight: Part
    others: tuple[Part, ...]
    gaps: tuple[Gap, ...]
    reshapes: bool = False

    @property
    def norm(self) -> Part | None:
        """The first norm, if there is one."""
        return next((part for part in self.others if part.is_norm), None)


def read_stack(
    parts: Sequence[Part], options: Options, known: Mapping[str, Element] | None = None
) -> Stack:
    """Finds out what a stack consists of.

    Args:
        parts: its modules with tensors, in order.
        options: what the user says.
        known: what is known of modules by name, because the file holds them as objects.

    Raises:
        CheckpointError: the parts are no plain stack, or something that has no usual value must be
            said with an option.
        SettingError: an option does not fit.
    """
    known = known or {}
    weights = [part for part in parts if len(part.weight) in (2, 4)]
    publication = find_publication(weights, parts)
    published = publication.options if publication else {}
    given = StackOptions(Options({**published, **options.values}))
    blocks = _pair(_blocks(parts), weights)
    count = sum(len(part.weight) == 4 for part in weights)
    upsampling = given.upsampling(count)
    hints = [_hint(block.weight, known) for block in blocks]
    if upsampling:
        _hint_upsampling(hints, blocks, upsampling, given.is_list("upsample"))
    norms = [0 if block.norm is None else block.norm.channels for block in blocks]
    transposed, unclear = find_kinds(weights, lambda i: norms[i], hints)
    blocks = [_mark_reshape(block, blocks[i + 1 :]) for i, block in enumerate(blocks)]
    assumed: dict[str, str] = {}

    sites = [
        Site(block.weight, transposed[i], i == 0 or _is_vector(blocks, i))
        for i, block in enumerate(blocks)
        if len(block.weight.weight) == 4
    ]
    kernels, places = _place(sites, given, known)
    assumed |= places
    layers: list[Element] = []
    kernels_left = iter(kernels)
    for block in blocks:
        is_linear = len(block.weight.weight) == 2
        layers.append(Linear(block.weight) if is_linear else next(kernels_left))

    active = _activations(blocks, given, assumed)
    enlarged = _enlargements(blocks, layers, active, upsampling, given, assumed)
    normed = _Norms(given, blocks, known, assumed)
    elements: list[Element] = []
    for i, block in enumerate(blocks):
        if (upsample := enlarged[i]) is not None:
            elements.append(upsample)
        elements.append(layers[i])
        elements += _rest(block, active[i], normed, i < len(blocks) - 1, given, assumed)
    normed.finish()
    for i in unclear:
        if blocks[i].weight.name not in known and not upsampling:
            kind = "a transposed convolution" if transposed[i] else "a convolution"
            assumed[blocks[i].weight.name] = kind
    for name, value in (("output", given.output), ("latent", given.latent)):
        if not given.has(name):
            assumed[name] = value
    for name, value in published.items():
        if name not in options.values:
            assumed[name] = value
    if publication and any(name not in options.values for name in published):
        assumed["as in"] = publication.name
    return Stack(tuple(elements), given.output, given.latent, assumed)


def _blocks(parts: Sequence[Part]) -> list[Block]:
    """Cuts the parts in front of every layer with weights."""
    blocks: list[Block] = []
    for i, part in enumerate(parts):
        gap = gap_between(part, parts[i + 1]) if i + 1 < len(parts) else UNKNOWN
        if len(part.weight) in (2, 4):
            blocks.append(Block(part, (), (gap,)))
        elif not blocks:
            raise CheckpointError(f"{part.name}, a norm in front of the first layer")
        elif part.is_norm or part.is_slope:
            last = blocks[-1]
            blocks[-1] = Block(last.weight, (*last.others, part), (*last.gaps, gap))
        else:
            raise CheckpointError(
                f"{part.name} has a weight of {len(part.weight)} axes; linear layers and "
                "convolutions have 2 and 4, norms 1"
            )
    return blocks


def _pair(blocks: list[Block], weights: Sequence[Part]) -> list[Block]:
    """Gives norms that are all listed behind the layers back to these, in order."""
    *front, last = blocks
    if len(last.others) < 2 or any(block.others for block in front):
        return blocks
    if any(gap.exact for gap in last.gaps[:-1]):
        return blocks
    left = list(last.others)
    paired = []
    for block in blocks:
        mine = left[:1] if left and left[0].channels in block.weight.weight[:2] else []
        left = left[len(mine) :]
        paired.append(Block(block.weight, tuple(mine), (UNKNOWN,) * (len(mine) + 1)))
    return blocks if left else paired


def _hint(part: Part, known: Mapping[str, Element]) -> bool | None:
    element = known.get(part.name)
    return element.transposed if isinstance(element, Kernel) else None


def _hint_upsampling(
    hints: list[bool | None], blocks: Sequence[Block], upsampling: Sequence[str], listed: bool
) -> None:
    """Whom an upsampling stands in front of is a convolution, where the shape does not tell."""
    which = iter(upsampling)
    for i, block in enumerate(blocks):
        if len(block.weight.weight) == 2:
            continue
        method = next(which)
        roomy = listed or (i > 0 and _room(blocks[i - 1]) > 0)
        if hints[i] is None and method != "none" and roomy:
            hints[i] = False


def _mark_reshape(block: Block, behind: Sequence[Block]) -> Block:
    """Between a linear layer and a convolution in one Sequential, one module is the reshaping."""
    is_linear = len(block.weight.weight) == 2
    maps = bool(behind) and len(behind[0].weight.weight) == 4
    inside = all(gap.exact for gap in block.gaps) and any(gap.count for gap in block.gaps)
    return replace(block, reshapes=is_linear and maps and inside)


def _is_vector(blocks: Sequence[Block], i: int) -> bool:
    """Whether what enters a block has one pixel: all before it are linear, and the last as wide."""
    before = blocks[i - 1].weight.weight
    only = all(len(block.weight.weight) == 2 for block in blocks[:i])
    return only and before[0] in blocks[i].weight.weight[:2]


def _place(
    sites: Sequence[Site], given: StackOptions, known: Mapping[str, Element]
) -> tuple[list[Kernel], Mapping[str, str]]:
    shown = [known.get(site.part.name) for site in sites]
    kernels = [element for element in shown if isinstance(element, Kernel)]
    if len(kernels) == len(sites):
        return kernels, {}
    return place_kernels(sites, given)


def _free(block: Block) -> Gap:
    """All modules without tensors in a block, but the reshaping."""
    count = sum(gap.count for gap in block.gaps) - block.reshapes
    return Gap(count, all(gap.exact for gap in block.gaps))


def _room(block: Block) -> int:
    """How many modules more than an activation there certainly are."""
    has_slope = any(part.is_slope for part in block.others)
    return _free(block).count - (not has_slope)


def _activations(
    blocks: Sequence[Block], given: StackOptions, assumed: dict[str, str]
) -> list[Activation | None]:
    """Returns the activation of every block; None where there is none, or a PReLU."""
    hidden = len(blocks) - 1
    listed = given.activations(hidden)
    active: list[Activation | None] = []
    for i, block in enumerate(blocks[:-1]):
        shown_none = _free(block).is_none or any(part.is_slope for part in block.others)
        if listed and (given.is_list("activation") or not shown_none):
            active.append(listed[i])
        else:
            active.append(None if shown_none else RELU)
    if not listed and any(active):
        assumed["activation"] = spell_list([spell_activation(RELU)])
    return [*active, None]


def _enlargements(
    blocks: Sequence[Block],
    layers: Sequence[Element],
    active: Sequence[Activation | None],
    upsampling: Sequence[str] | None,
    given: StackOptions,
    assumed: dict[str, str],
) -> list[Upsample | None]:
    """Returns what enlarges the map in front of every block."""
    listed = given.is_list("upsample")
    has_transposed = any(isinstance(layer, Kernel) and layer.transposed for layer in layers)
    methods: list[str] = []
    which = iter(upsampling or ())
    enlarged: list[Upsample | None] = []
    for i, layer in enumerate(layers):
        method = "none"
        if isinstance(layer, Kernel):
            said = next(which, None)
            if listed:
                method = said or "none"
            elif i > 0 and not layer.transposed:
                free = _free(blocks[i - 1])
                room = free.count - (active[i - 1] is not None) > 0
                if room or (said and not free.exact):
                    method = said or "nearest"
                elif not free.exact and not has_transposed and layer.part.weight[2] > 1:
                    raise CheckpointError(
                        f"convolutions whose names do not show where the map is enlarged: say it "
                        f"with --option upsample=nearest,nearest,none, a word for each of "
                        f"{', '.join(k.part.name for k in layers if isinstance(k, Kernel))}"
                    )
            methods.append(method)
        enlarged.append(None if method == "none" else Upsample(2, method))
    plain = [layer for layer in layers if isinstance(layer, Kernel) and not layer.transposed]
    if upsampling and not any(enlarged) and set(upsampling) != {"none"}:
        raise SettingError(
            "option upsample: the names leave no room for it in front of any convolution; say it "
            "with a word for each, as in upsample=nearest,nearest,none"
        )
    if plain and not listed and set(upsampling or ()) != {"none"}:
        assumed["upsample"] = spell_list(methods, always=True)
    return enlarged


class _Norms:
    """Makes the norms, one after the other."""

    def __init__(
        self,
        given: StackOptions,
        blocks: Sequence[Block],
        known: Mapping[str, Element],
        assumed: dict[str, str],
    ):
        self.given, self.known, self.assumed = given, known, assumed
        self.kind = given.norm()
        self.parts = [part for block in blocks for part in block.others if part.is_norm]
        bare = [block for block in blocks[:-1] if block.norm is None]
        self.adds = isinstance(self.kind, int) and not all(part.is_tracked for part in self.parts)
        if isinstance(self.kind, int) and not self.parts:
            self.adds = True
        count = len(self.parts) + (len(bare) if self.adds else 0)
        self.epsilons = given.epsilons(count)
        self.left = iter(self.epsilons or [1e-5] * count)
        if not count and (given.has("epsilon") or self.kind == "batch"):
            name = "norm" if self.kind == "batch" else "epsilon"
            raise SettingError(f"option {name}: this file has no norms")
        if count and not self.epsilons and not all(p.name in known for p in self.parts):
            assumed["epsilon"] = "1e-5"
        if not count and self.kind is None:
            assumed["norm"] = "none"
        elif bare and not self.adds and self.kind is None:
            names = ", ".join(block.weight.name for block in bare)
            assumed["norm"] = f"none behind {names}"

    def of(self, part: Part) -> Norm:
        """Returns the norm that a part is."""
        element = self.known.get(part.name)
        epsilon = next(self.left)
        if isinstance(element, Norm):
            return element
        if self.kind == "none":
            raise SettingError(f"option norm=none: {part.name} is a norm")
        if part.is_tracked:
            if isinstance(self.kind, int) and self.kind > 0:
                raise SettingError(
                    f"option norm=group:{self.kind}: {part.name} has statistics of the training, "
                    "which group norm does not keep"
                )
            return Norm(part, None, epsilon)
        if self.kind is None:
            raise CheckpointError(
                f"{part.name} is a norm without statistics of the training: say with --option "
                "norm=group:G or norm=instance what it is. A batch norm of that kind uses the "
                "statistics of each batch and is not supported: an image would depend on others"
            )
        if self.kind == "batch":
            raise CheckpointError(
                f"{part.name}, a batch norm without statistics of the training, uses those of each "
                "batch, which is not supported: an image would depend on others"
            )
        assert isinstance(self.kind, int)
        return Norm(part, self.kind, epsilon)

    def bare(self, block: Block) -> list[Norm]:
        """Returns the norm without tensors of a block that has none with."""
        if not self.adds or block.norm is not None:
            return []
        assert isinstance(self.kind, int)
        return [Norm(Part("", {}), self.kind, next(self.left))]

    def finish(self) -> None:
        """Does nothing; every norm has its epsilon."""
        assert next(self.left, None) is None


def _rest(
    block: Block,
    activation: Activation | None,
    norms: _Norms,
    hidden: bool,
    given: StackOptions,
    assumed: dict[str, str],
) -> list[Element]:
    """Returns what follows the layer of a block, in order."""
    order = given.values.choice("order", ("norm_first", "activation_first", "shown"), "shown")
    elements: list[Element] = []
    waiting = [activation] if activation else []
    if hidden:
        elements += norms.bare(block)
    widths = block.weight.weight[:1] if block.reshapes else block.weight.weight[:2]
    shuffles = len(block.weight.weight) == 4
    for gap, part in zip(block.gaps[:-1], block.others, strict=True):
        if part.is_slope:
            elements.append(Slope(part))
            continue
        # A norm of another length needs a reshaping or a pixel shuffle in front of it.
        reshaping = (block.reshapes or shuffles) and part.channels not in widths
        first = order == "activation_first"
        if order == "shown":
            first = gap.count - reshaping > 0
            if waiting and (first or not gap.exact):
                assumed["order"] = "activation_first" if first else "norm_first"
        if first:
            elements += waiting
            waiting = []
        elements.append(norms.of(part))
    return [*elements, *waiting]
