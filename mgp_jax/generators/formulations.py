"""Which of several algebraically equal formulations is computed: chosen here, by the backend.

All of them are right on every backend; tests hold each against XLA's own. Only their speed differs,
and `python tests/benchmarks/accelerator.py` measures it on the machine at hand.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import jax


@dataclass(frozen=True)
class Formulation:
    """How convolutions, and the sum of all codes' maps, are computed.

    Attributes:
        products: by matrix products and minimal filtering, instead of XLA's own convolution.
        shifts: depthwise ones by sums of shifted products.
        lanes: XLA's own convolution gets channels padded with zeros to a multiple of this.
        modulated: styles go into the kernel, one for every image, instead of scaling what the
            shared kernel is applied to (StyleGAN2).
        terms: the sum is taken term by term, not as a product of matrices for every channel,
            which has the maps transposed.
    """

    products: bool = False
    shifts: bool = False
    lanes: int = 1
    modulated: bool = False
    terms: bool = False


# Multiplies as often as the definition says: XLA's own convolution, NHWC.
AS_DEFINED = Formulation()
OF_BACKEND = {"cpu": Formulation(products=True, shifts=True, terms=True)}

_chosen = ContextVar[Formulation | None]("formulation", default=None)


def formulation() -> Formulation:
    """Returns the formulation to trace: the one that was asked for, or that of the backend."""
    return _chosen.get() or OF_BACKEND.get(jax.default_backend(), AS_DEFINED)


@contextmanager
def formulated(choice: Formulation) -> Iterator[None]:
    """Has what is traced within computed in one formulation.

    What `jax.jit` has traced before it does not trace again; `jax.clear_caches()` lets it.
    """
    token = _chosen.set(choice)
    try:
        yield
    finally:
        _chosen.reset(token)
