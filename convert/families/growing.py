"""What the layouts of networks share that grew during their training."""

from mgp_jax.errors import CheckpointError

from ..options import Options
from ..wrappers import StateDict

LOWER_RGB = "to-RGB of a lower resolution"


def stored_level(state: StateDict, key: str, options: Options) -> float:
    """Returns the level of detail: that of the option `lod`, else the stored one, else 0.

    Raises:
        CheckpointError: what is stored is no number >= 0.
    """
    lod = options.number("lod")
    if lod is not None or key not in state.tensors:
        return lod or 0.0
    stored = state.tensors[key]
    value = float(stored.item()) if stored.size == 1 else -1.0
    if not 0 <= value < float("inf"):
        raise CheckpointError("the stored level of detail is no number >= 0; set the option lod=0")
    return value
