import numpy as np
import pytest

from convert.unpickler import Record
from convert.wrappers import NAMES, unwrap
from mgp_jax.errors import CheckpointError


class Array:
    """A leaf, as the reader makes them."""

    def __init__(self, value: float = 0.0):
        self.value = np.array([value], np.float32)
        self.shape = self.value.shape

    def array(self) -> np.ndarray:
        return self.value


def module(parameters=None, buffers=None, modules=None, **others) -> Record:
    record = Record("Module")
    record.build(
        {"_parameters": parameters or {}, "_buffers": buffers or {}, "_modules": modules or {}}
        | others
    )
    return record


WANTED, OTHER = {"a": Array(1)}, {"a": Array(2)}


@pytest.mark.parametrize(
    "tree, route",
    [
        (WANTED, ()),
        ({"g_ema": WANTED, "g": OTHER, "d": OTHER, "latent_avg": Array()}, ("g_ema",)),
        ({"g": WANTED, "d": OTHER}, ("g",)),
        ({"generator": OTHER, "generator_smooth": WANTED}, ("generator_smooth",)),
        ({"generator": WANTED, "generator_smooth": {}}, ("generator",)),
        (
            {"models": {"generator": OTHER, "generator_smooth": WANTED}, "optimizers": {}},
            ("models", "generator_smooth"),
        ),
        ({"netG": OTHER, "avgG": WANTED, "netD": OTHER}, ("avgG",)),
        ({"netG": WANTED, "avgG": None}, ("netG",)),
        ({"netG_state_dict": WANTED, "netD_state_dict": OTHER}, ("netG_state_dict",)),
        ({"G": module(OTHER), "G_ema": module(WANTED)}, ("G_ema",)),
        ({"module.a": Array(1)}, ()),
        ({"g_ema": {"module.a": Array(1)}}, ("g_ema",)),
    ],
)
def test_the_preferred_generator_is_found(tree, route):
    state = unwrap(tree)
    assert state.route == route
    assert {key: value.item() for key, value in state.tensors.items()} == {"a": 1}


def test_a_prefix_on_some_keys_is_no_parallel_wrapper():
    assert list(unwrap({"module.a": Array(), "b": Array()}).tensors) == ["module.a", "b"]


def test_what_is_beside_is_kept_and_explained():
    tree = {"g_ema": WANTED, "g_optim": {"state": {}}, "latent_avg": Array(3), "odd": 1}
    state = unwrap(tree)
    assert state.beside["latent_avg"].tolist() == [3]
    assert state.ignored.keys() == {"g_optim", "latent_avg", "odd"}
    assert state.ignored["g_optim"] == "optimiser state"
    assert state.ignored["odd"] == "beside the state dict"


def test_modules_give_the_names_of_their_state_dict():
    inner = module({"weight": Array(), "bias": None}, {"hidden": Array(), "stored": Array()})
    inner.attributes["_non_persistent_buffers_set"] = {"hidden"}
    state = unwrap(module({"own": Array()}, modules={"layer": inner}, z_dim=4))
    assert list(state.tensors) == ["own", "layer.weight", "layer.stored"]
    assert state.attributes["z_dim"] == 4


def test_nested_containers_are_flattened():
    state = unwrap({"Conv_0": {"kernel": Array()}, "lins": [Array(), {"w": Array()}], "n": 3})
    assert list(state.tensors) == ["Conv_0.kernel", "lins.0", "lins.1.w"]


@pytest.mark.parametrize("tree", [{}, [], None, 3, {"g_ema": {"a": 1}}, {"a": "text"}])
def test_no_tensors(tree):
    with pytest.raises(CheckpointError, match="no tensors"):
        unwrap(tree)


def endless() -> dict:
    tree: dict = {}
    tree["again"] = tree
    return tree


def endless_wrapper() -> dict:
    tree: dict = {}
    tree["models"] = tree
    return tree


def shared_many_times() -> dict:
    tree: dict = {"a": Array()}
    for _ in range(30):
        tree = {"x": tree, "y": tree}
    return tree


def endless_module() -> Record:
    record = module()
    record.attributes["_modules"]["again"] = record
    return record


@pytest.mark.parametrize("make", [endless, endless_wrapper, shared_many_times, endless_module])
def test_hostile_nesting_ends(make):
    with pytest.raises(CheckpointError, match="too deeply"):
        unwrap(make())


def test_every_wrapper_is_known_once():
    names = [name for name, _ in NAMES]
    assert len(set(names)) == len(names)
