"""What can be wrong with a photograph, as people say it, and the degradation that stands for it.

One more fault is one more row.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mgp_jax.degradations import AUTO, Identity


@dataclass(frozen=True)
class Amount:
    """How bad a fault is: a slider.

    Attributes:
        label: what it is called.
        info: what it means.
        least: its smallest value.
        most: its largest value.
        step: between two values.
        usual: its value unless told otherwise.
    """

    label: str
    info: str
    least: float
    most: float
    step: float
    usual: float


@dataclass(frozen=True)
class Fault:
    """A row of the table.

    Attributes:
        name: what it is called.
        label: what the page says.
        form: the degradation in its text form, with the amount in braces.
        amount: how bad it is; None where there is nothing to choose.
        spreads: whether every pixel runs into others, those of holes too.
    """

    name: str
    label: str
    form: str
    amount: Amount | None = None
    spreads: bool = False


SMALL, HOLES = "small", "holes"
# In the order in which they come about; noise is what remains unexplained, so it is the last.
FAULTS = (
    Fault("gray", "gray: it has no colours", "gray"),
    Fault(
        "blurred",
        "blurred",
        "blur:gaussian:{:g}",
        Amount("Blur", "radius (standard deviation) in pixels of the large image", 0.5, 8, 0.5, 2),
        spreads=True,
    ),
    Fault(
        SMALL,
        "small: too few pixels",
        "resize:{:.0f}",
        Amount("Enlarge", "how many times as many pixels a side", 2, 16, 1, 4),
    ),
    Fault(
        "jpeg",
        "JPEG: it shows blocks",
        "jpeg:{:.0f}",
        Amount("JPEG quality", "of the file, as programs count it", 5, 95, 5, 30),
        spreads=True,
    ),
    Fault(
        "noisy",
        "noisy: it is grainy",
        "noise:{:g}",
        Amount(
            "Noise", "standard deviation, 1 is the way from black to white", 0.01, 0.5, 0.01, 0.1
        ),
    ),
)
BY_NAME = {fault.name: fault for fault in FAULTS}


def degradation_of(amounts: Mapping[str, float | None], holes: str | None = None) -> str:
    """Returns the degradation in its text form.

    Args:
        amounts: the faults by their names, and how bad they are; of `small` how many pixels a side
            there are, None where there is nothing to choose; or `auto` for what is estimated.
        holes: a file that shows in white what is missing.

    Example:
        >>> from mgp_jax.app.faults import degradation_of
        >>> degradation_of({"small": 16, "gray": None}, "holes.png")
        'gray|resize:16|mask:holes.png'
    """
    if AUTO in amounts:
        return AUTO
    parts = [
        fault.form if fault.amount is None else fault.form.format(amounts[fault.name])
        for fault in FAULTS
        if fault.name in amounts
    ]
    if holes is not None:
        parts.append(f"mask:{holes}")
    return "|".join(parts) or str(Identity())
