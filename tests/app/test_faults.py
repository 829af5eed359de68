"""What is ticked becomes a degradation."""

import pytest

from mgp_jax.app.faults import FAULTS, degradation_of
from mgp_jax.degradations import parse


@pytest.mark.parametrize(
    ("amounts", "spec"),
    [
        ({}, "identity"),
        ({"gray": None}, "gray"),
        ({"small": 8.0}, "resize:8"),
        ({"noisy": 0.05}, "noise:0.05"),
        ({"jpeg": 30.0}, "jpeg:30"),
        ({"blurred": 1.5}, "blur:gaussian:1.5"),
        # In the order in which they came about, whatever the order of the ticks.
        ({"jpeg": 20, "noisy": 0.1, "small": 16, "gray": None}, "gray|resize:16|jpeg:20|noise:0.1"),
    ],
)
def test_specs(amounts: dict, spec: str):
    assert degradation_of(amounts) == spec
    assert str(parse(spec, 32)) == spec


def test_what_is_estimated_is_not_told():
    assert degradation_of({"auto": None}) == "auto"


def test_holes_come_last():
    assert degradation_of({"gray": None}, "holes.png") == "gray|mask:holes.png"
    assert degradation_of({}, "holes.png") == "mask:holes.png"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_amount_can_be_used_at_both_ends(fault):
    if fault.amount is None:
        parse(degradation_of({fault.name: None}), 64)
        return
    assert fault.amount.least <= fault.amount.usual <= fault.amount.most
    for value in (fault.amount.least, fault.amount.usual, fault.amount.most):
        parse(degradation_of({fault.name: value}), 64)
