import io
import os
import pickle
import subprocess
import tracemalloc
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.unpickler import BASIC_CALLS, Global, Record, unpickle
from mgp_jax.errors import CheckpointError


def read(data: bytes):
    return unpickle(io.BytesIO(data), BASIC_CALLS)


class Anything:
    """A class that the reader does not know."""

    def __init__(self):
        self.width = 3
        self.name = "anything"


class Calls:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
)
keys = st.text() | st.integers() | st.tuples(st.integers(), st.text())
plain = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(keys, inner)
        | st.sets(keys)
        | st.frozensets(keys)
    ),
    max_leaves=20,
)


@given(value=plain, protocol=st.integers(2, 5))
def test_plain_data_is_read_as_python_would(value, protocol):
    assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", range(2, 6))
def test_shared_and_recursive_lists(protocol):
    shared = [1]
    recursive: list = [shared, shared]
    recursive.append(recursive)
    result = read(pickle.dumps(recursive, protocol))
    assert result[0] is result[1] and result[2] is result


@pytest.mark.parametrize("protocol", range(2, 6))
def test_ordered_dictionaries(protocol):
    value = OrderedDict(b=1, a=2)
    assert list(read(pickle.dumps(value, protocol)).items()) == [("b", 1), ("a", 2)]


@pytest.mark.parametrize("protocol", range(2, 6))
def test_unknown_classes_become_records(protocol):
    record = read(pickle.dumps(Anything(), protocol))
    assert isinstance(record, Record)
    assert record.kind.endswith("Anything")
    assert record.attributes == {"width": 3, "name": "anything"}


def test_a_name_alone_is_only_a_name():
    assert read(pickle.dumps(os.system)) == Global(os.system.__module__, "system")


@pytest.mark.parametrize(
    "function, name",
    [
        (os.system, f"{os.name}.system"),
        (eval, "builtins.eval"),
        (exec, "builtins.exec"),
        (open, "open"),
        (getattr, "builtins.getattr"),
        (subprocess.Popen, "subprocess.Popen"),
        (pickle.loads, "pickle.loads"),
        (Anything, "Anything"),
    ],
)
@pytest.mark.parametrize("protocol", range(2, 6))
def test_calls_are_refused_by_name(function, name, protocol, tmp_path):
    marker = tmp_path / "marker"
    with pytest.raises(CheckpointError, match=f"call .*{name}.*hostile"):
        read(pickle.dumps({"a": [Calls(function, str(marker), "w")]}, protocol))
    assert not marker.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"(X\x04\x00\x00\x00echoios\nsystem\n.",  # INST
        b"\x80\x02(cos\nsystem\nX\x04\x00\x00\x00echoo.",  # OBJ
        b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00echo\x85R.",  # REDUCE
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R.",  # STACK_GLOBAL
    ],
)
def test_every_way_to_call_is_refused(data):
    with pytest.raises(CheckpointError, match=r"os\.system"):
        read(data)


def test_records_do_nothing_with_hostile_state():
    state = b"}(X\x09\x00\x00\x00__class__cos\nsystem\nu"
    record = read(b"\x80\x02csubprocess\nPopen\n)\x81" + state + b"b.")
    assert record.kind == "subprocess.Popen" and type(record) is Record


@pytest.mark.parametrize(
    "data, message",
    [
        (b"\x80\x02cdnnlib.tflib.network\nNetwork\n.", "TensorFlow"),
        (b"\x80\x02ctfutil\nNetwork\n.", "TensorFlow"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
        (b"\x80\x02Pid\n.", "PERSID"),
        (b"\x80\x02K\x01Q.", "BINPERSID"),
        (b"\x80\x02}N\x85\x85K\x01s.", "dictionary key"),
        (b"\x80\x02K\x01)R.", "no name"),
        (b"\x80\x02K\x01}b.", "state for a int"),
        (b"\x80\x02cos\nsystem\n}b.", "state for a Global"),
        (b"\x80\x02", "truncated"),
        (b"\x80\x02.", "damaged"),
        (b"\x80\x02\xff.", "damaged"),
        (b"\x80\x02\x86.", "damaged"),
        (b"\x80\x02h\x07.", "damaged"),
    ],
)
def test_what_no_checkpoint_has_is_refused(data, message):
    with pytest.raises(CheckpointError, match=message):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x8e" + (2**60).to_bytes(8, "little"),  # BINBYTES8
        b"\x80\x04\x8d" + (2**60).to_bytes(8, "little"),  # BINUNICODE8
        b"\x80\x03B\xff\xff\xff\xff",  # BINBYTES
        b"\x80\x02X\xff\xff\xff\xff",  # BINUNICODE
        b"\x80\x02\x8b\xff\xff\xff\x7f",  # LONG4
        b"\x80\x04\x95" + (2**60).to_bytes(8, "little"),  # FRAME
        b"\x80\x02Nr\xff\xff\xff\xff",  # LONG_BINPUT
        b"\x80\x02I" + b"9" * 5000 + b"\n.",
    ],
)
def test_claimed_sizes_cost_no_memory(data):
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_deeply_nested_pickles_do_not_exhaust_the_stack():
    value = read(b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".")
    assert len(value) == 1


@given(data=st.binary(max_size=200))
def test_garbage_gives_one_kind_of_error(data):
    try:
        read(b"\x80\x02" + data)
    except CheckpointError as error:
        assert str(error) and "\n" not in str(error)


@given(data=st.data())
def test_every_truncation_is_an_error(data):
    whole = pickle.dumps({"a": [1.5, "text", (1, 2)], "b": Anything()}, 2)
    with pytest.raises(CheckpointError):
        read(whole[: data.draw(st.integers(0, len(whole) - 1))])
