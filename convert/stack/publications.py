"""Published generators that are known by their names or kernels, with what their code does.

What a publication says is still an assumption: it is printed, and options go before it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .parts import Part


@dataclass(frozen=True)
class Publication:
    """A published generator.

    Attributes:
        name: whose it is.
        matches: tells it from the modules with weights (two or four axes) and from all modules.
        options: what its code does, as options.
        join: how a label, where there is one, meets the code.
    """

    name: str
    matches: Callable[[Sequence[Part], Sequence[Part]], bool]
    options: Mapping[str, str] = field(default_factory=dict)
    join: str = "code_first"


def _named(*names: str) -> Callable[[Sequence[Part], Sequence[Part]], bool]:
    """All modules with tensors have these names, whatever stands in front of the first one."""

    def matches(weights: Sequence[Part], parts: Sequence[Part]) -> bool:
        prefix = parts[0].name.removesuffix(names[0])
        return [part.name for part in parts] == [prefix + name for name in names]

    return matches


def _kernels(
    *sizes: int, channels: tuple[int, ...] = ()
) -> Callable[[Sequence[Part], Sequence[Part]], bool]:
    """All layers are square kernels of these sizes, on a latent code of one pixel."""

    def matches(weights: Sequence[Part], parts: Sequence[Part]) -> bool:
        made = weights[-1].weight[1:2]
        return [part.weight[2:] for part in weights] == [(k, k) for k in sizes] and (
            not channels or made == channels
        )

    return matches


LINDER_NOREN = "eriklindernoren's PyTorch-GAN"
UPSAMPLED = {
    "activation": "none,leaky_relu:0.2,leaky_relu:0.2",
    "upsample": "nearest,nearest,none",
}

PUBLICATIONS = (
    Publication(
        f"{LINDER_NOREN} (dcgan, acgan)",
        _named("l1.0", *(f"conv_blocks.{n}" for n in (0, 2, 3, 6, 7, 9))),
        {**UPSAMPLED, "epsilon": "1e-5,0.8,0.8"},
    ),
    Publication(
        f"{LINDER_NOREN} (lsgan)",
        _named("l1.0", *(f"conv_blocks.{n}" for n in (1, 2, 5, 6, 8))),
        {**UPSAMPLED, "epsilon": "0.8"},
    ),
    Publication(
        f"{LINDER_NOREN} (gan, wgan, cgan)",
        _named(*(f"model.{n}" for n in (0, 2, 3, 5, 6, 8, 9, 11))),
        {"activation": "leaky_relu:0.2", "epsilon": "0.8"},
        join="label_first",  # its cgan
    ),
    Publication(
        "caogang's wgan-gp (MNIST)",
        _named("preprocess.0", "block1.0", "block2.0", "deconv_out"),
        {
            "strides": "1,1,2",
            "paddings": "0,0,0",
            "output_paddings": "-1,0,0",  # it cuts off the last row and column
            "output": "sigmoid",
        },
    ),
    Publication(
        "the generator of Coursera's GAN courses",
        _kernels(3, 4, 3, 4),
        {"strides": "2,1,2,2", "paddings": "0,0,0,0"},
    ),
    Publication(
        "MNIST generators by way of 7 x 7",
        _kernels(4, 3, 4, 4),
        {"strides": "1,2,2,2", "paddings": "0,1,1,1"},
    ),
    Publication(
        "csinva's mnist_dcgan",
        _kernels(4, 4, 4, 4, 1, channels=(1,)),
        {"strides": "1,2,2,2,1", "paddings": "0,1,1,1,2"},
    ),
)


def find_publication(weights: Sequence[Part], parts: Sequence[Part]) -> Publication | None:
    """Returns the publication that a stack looks like, if any."""
    return next((entry for entry in PUBLICATIONS if entry.matches(weights, parts)), None)
