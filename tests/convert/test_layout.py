import numpy as np
import pytest

from convert.layout import Plan, Row, apply
from convert.transforms import equalised, flip, hwio, keep, transposed_hwio
from convert.wrappers import StateDict
from mgp_jax.errors import CheckpointError

PLAN = Plan(
    rows=(
        Row("a.kernel", {"a.weight": ("out", "in")}, np.transpose),
        Row("a.bias", {"a.bias": ("out",)}, keep),
        Row("b", {"b.weight": ((2, "out"), 3)}, keep),
    ),
    configure=lambda sizes: {"width": sizes["out"], "latent": sizes["in"]},
    ignored={"*.counter": "a counter"},
)


def tensors(**changes) -> dict[str, np.ndarray]:
    usual = {"a.weight": np.ones((4, 5)), "a.bias": np.ones(4), "b.weight": np.ones((8, 3))}
    return {k: np.asarray(v) for k, v in (usual | changes).items() if v is not None}


def test_sizes_are_read_from_the_tensors():
    made = apply(PLAN, StateDict(tensors(**{"x.counter": 7}), beside={"g_optim": {}}))
    assert made.config == {"width": 4, "latent": 5}
    assert made.params["a"]["kernel"].shape == (5, 4)
    assert made.params["a"]["kernel"].dtype == np.float32
    moves = {move.key: move for move in made.moves}
    assert moves["a.weight"].targets == (("a.kernel", (5, 4)),)
    assert moves["x.counter"].ignored == "a counter"
    assert moves["g_optim"].ignored == "optimiser state"


def problems_of(changes) -> list[str]:
    with pytest.raises(CheckpointError) as caught:
        apply(PLAN, StateDict(tensors(**changes)))
    head, *lines = str(caught.value).split("\n  ")
    assert head == "the tensors do not fit the layout"
    return lines


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"a.bias": None}, ["missing: a.bias"]),
        ({"c.weight": 0}, ["unexpected: c.weight"]),
        ({"a.bias": np.ones(3)}, ["mis-shaped: a.bias is [3], should be [4]"]),
        ({"b.weight": np.ones((9, 3))}, ["mis-shaped: b.weight is [9, 3], should be [8, 3]"]),
        ({"b.weight": np.ones((8, 2))}, ["mis-shaped: b.weight is [8, 2], should be [8, 3]"]),
        ({"a.weight": np.ones(4)}, ["mis-shaped: a.weight is [4], should be [4, in]"]),
        ({"a.bias": np.array([1, np.nan, 2, 3])}, ["not finite: a.bias"]),
        ({"a.bias": np.array([1e200, 0, 2, 3])}, ["not finite: a.bias"]),
        (
            {"a.weight": None, "b.weight": np.ones((8, 3, 1)), "z": 0, "y": 0},
            [
                "missing: a.weight",
                "unexpected: z",
                "unexpected: y",
                "mis-shaped: b.weight is [8, 3, 1], should be [8, 3]",
            ],
        ),
    ],
)
def test_all_problems_are_named_at_once(changes, expected):
    assert problems_of(changes) == expected


def test_axes_and_flips():
    weight = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    assert hwio(weight)[1, 2, 0, 1] == weight[1, 0, 1, 2]
    assert transposed_hwio(weight)[1, 2, 0, 1] == weight[0, 1, 1, 2]
    assert flip(hwio(weight))[0, 0, 2, 1] == weight[1, 2, 3, 4]


def test_equalised_learning_rate():
    kernel = equalised(hwio, 2**0.5)(np.ones((7, 2, 3, 3)))
    np.testing.assert_allclose(kernel, (2 / 18) ** 0.5)
