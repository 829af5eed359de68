import json
import pickle
import random
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from checkpoints import GOLDEN, MARKER, Call, Name, Persistent, legacy, pickled, tensor, write_zip

from convert.tensors import Tensor
from convert.torch_files import read_bytes, read_checkpoint
from convert.wrappers import unwrap
from mgp_jax.errors import CheckpointError

CHECKPOINTS = {
    path.stem: path for path in sorted(GOLDEN.glob("*.p*")) if path.with_suffix(".json").exists()
}
FLOATS = np.arange(12, dtype="<f4")


def described(name: str) -> dict:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def shape_list(state) -> dict[str, list[int]]:
    return {key: list(shape) for key, shape in state.shapes.items()}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_shapes_of_every_fixture(name):
    state = unwrap(read_checkpoint(CHECKPOINTS[name]))
    assert shape_list(state) == described(name)["state_dict_shapes"]


def test_shapes_of_the_linear_layers():
    state = unwrap(read_checkpoint(GOLDEN / "vgg16_lpips_lin.pth"))
    assert shape_list(state) == described("vgg16_lpips")["lin_state_dict_shapes"]


def test_zip_and_legacy_format_hold_the_same_bits():
    one = unwrap(read_checkpoint(GOLDEN / "pggan_mganprior.pth")).tensors
    other = unwrap(read_checkpoint(GOLDEN / "pggan_mganprior_legacyfile.pth")).tensors
    assert one.keys() == other.keys()
    for key in one:
        assert one[key].tobytes() == other[key].tobytes(), key


def test_persistent_objects_give_their_attributes():
    state = unwrap(read_checkpoint(GOLDEN / "stylegan2_ada_pkl.pkl"))
    assert state.route == ("G_ema",)
    assert state.attributes["z_dim"] == 12
    assert state.attributes["_init_kwargs"]["synthesis_kwargs"]["conv_clamp"] == 1.5


@pytest.mark.parametrize(
    "name, culprit",
    [
        ("evil.pth", "io.open"),
        ("evil_nested.pkl", "builtins.exec"),
        ("evil_legacy.pth", "io.open"),
        ("evil_in_wrapper.pth", "builtins.eval"),
    ],
)
def test_evil_files_are_refused_by_name(tmp_path, name, culprit):
    path = GOLDEN / name
    weights = {"weight": tensor("0", 12, shape=(3, 4), strides=(4, 1))}
    match name:
        case "evil_legacy.pth":
            path = tmp_path / name
            tree = weights | {"evil": Call("io", "open", str(MARKER), "w")}
            path.write_bytes(legacy(tree, {"0": (12, FLOATS.tobytes())}))
        case "evil_in_wrapper.pth":
            run = Call("builtins", "eval", f"open({str(MARKER)!r}, 'w')")
            path = write_zip(
                tmp_path / name, {"step": run, "model": weights}, {"0": FLOATS.tobytes()}
            )
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    message = str(caught.value)
    assert name in message and culprit in message and "\n" not in message


def test_embedded_source_is_never_run():
    # The evil part of this file is the source text of its class, which is not even looked at.
    state = unwrap(read_checkpoint(GOLDEN / "evil_persistent.pkl"))
    assert list(state.tensors) == ["w_avg"]


@pytest.mark.parametrize(
    "name, message",
    [
        ("truncated.pth", "truncated"),
        ("truncated_legacy.pth", "truncated"),
        ("truncated_persistent.pkl", "truncated"),
        ("not_a_checkpoint.pth", "not a checkpoint"),
        ("dcgan.npz", "not of PyTorch"),
        ("nowhere.pth", "no such file"),
        ("", "cannot be read"),
    ],
)
def test_what_is_no_checkpoint_gives_one_clear_line(name, message):
    with pytest.raises(CheckpointError, match=message) as caught:
        read_checkpoint(GOLDEN / name)
    assert str(GOLDEN / name) in str(caught.value) and "\n" not in str(caught.value)


def test_an_empty_file(tmp_path):
    (tmp_path / "empty.pth").touch()
    with pytest.raises(CheckpointError, match=r"empty\.pth: an empty file"):
        read_checkpoint(tmp_path / "empty.pth")


@pytest.mark.parametrize(
    "window, expected",
    [
        ({"shape": (3, 4), "strides": (4, 1)}, FLOATS.reshape(3, 4)),
        ({"shape": (4, 3), "strides": (1, 4)}, FLOATS.reshape(3, 4).T),
        ({"shape": (2, 2), "strides": (4, 1), "offset": 5}, FLOATS.reshape(3, 4)[1:, 1:3]),
        ({"shape": (), "strides": (), "offset": 7}, FLOATS[7]),
        ({"shape": (2, 3), "strides": (0, 1)}, np.stack([FLOATS[:3]] * 2)),
        ({"shape": (1, 3), "strides": (10**30, 1)}, FLOATS[None, :3]),
        ({"shape": (0, 3), "strides": (3, 1)}, np.zeros((0, 3))),
    ],
)
def test_windows_on_storages(window, expected, tmp_path):
    tree = {"a": tensor("0", 12, **window), "b": tensor("0", 12, 0, (12,), (1,))}
    read = read_checkpoint(write_zip(tmp_path / "x.pth", tree, {"0": FLOATS.tobytes()}))
    np.testing.assert_array_equal(read["a"].array(), expected)
    np.testing.assert_array_equal(read["b"].array(), FLOATS)
    assert not read["a"].array().flags.writeable or read["a"].array().size == 0
    assert read["a"].storage is read["b"].storage


@pytest.mark.parametrize(
    "kind, dtype",
    [
        ("DoubleStorage", "f8"),
        ("HalfStorage", "f2"),
        ("LongStorage", "i8"),
        ("IntStorage", "i4"),
        ("ShortStorage", "i2"),
        ("CharStorage", "i1"),
        ("ByteStorage", "u1"),
        ("BoolStorage", "b1"),
    ],
)
@pytest.mark.parametrize("order", ["little", "big"])
def test_types_and_byte_orders(kind, dtype, order, tmp_path):
    values = np.array([0, 1, 2, 100]).astype(dtype)
    data = values.astype(values.dtype.newbyteorder(">" if order == "big" else "<")).tobytes()
    tree = {"a": tensor("0", 4, 0, (4,), (1,), kind)}
    path = write_zip(tmp_path / "x.pth", tree, {"0": data}, byteorder=order.encode())
    np.testing.assert_array_equal(read_checkpoint(path)["a"].array(), values)


def test_bfloat16_is_widened(tmp_path):
    values = np.array([1.0, -2.5, 3e38, 1e-30], "<f4")
    data = (values.view("<u4") >> 16).astype("<u2").tobytes()
    tree = {"a": tensor("0", 4, 0, (4,), (1,), "BFloat16Storage")}
    read = read_checkpoint(write_zip(tmp_path / "x.pth", tree, {"0": data}))["a"].array()
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, values, rtol=2**-7)


@pytest.mark.parametrize(
    "description, message",
    [
        ({"shape": (13,), "strides": (1,)}, "beyond its storage"),
        ({"shape": (2, 2), "strides": (11, 1)}, "beyond its storage"),
        ({"shape": (1,), "strides": (1,), "offset": 12}, "beyond its storage"),
        ({"shape": (10**6, 10**6), "strides": (0, 0)}, "only 12 elements"),
        ({"shape": (2**62, 0), "strides": (1, 1)}, "beyond its storage"),
        ({"shape": (-1,), "strides": (1,)}, "sizes"),
        ({"shape": (1,), "strides": (-1,)}, "strides"),
        ({"shape": (1,), "strides": (1,), "offset": -1}, "offset"),
        ({"shape": (True,), "strides": (1,)}, "sizes"),
        ({"shape": (2,), "strides": ()}, "strides"),
        ({"shape": (1,) * 100, "strides": (1,) * 100}, "sizes"),
        ({"count": 10**15, "shape": (1,), "strides": (1,)}, "bytes instead of"),
        ({"count": -1}, "a storage of -1"),
        ({"count": 11}, "bytes instead of"),
        ({"kind": "QInt8Storage"}, "unknown type torch.QInt8Storage"),
        ({"key": "7"}, "data/7 is missing"),
    ],
)
def test_bad_tensors_are_refused(description, message, tmp_path):
    tree = {"a": tensor(**{"key": "0", "count": 12, **description})}
    path = write_zip(tmp_path / "x.pth", tree, {"0": FLOATS.tobytes()})
    with pytest.raises(CheckpointError, match=message) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_storage_described_in_two_ways(tmp_path):
    tree = [tensor("0", 12), tensor("0", 12, kind="IntStorage")]
    path = write_zip(tmp_path / "x.pth", tree, {"0": FLOATS.tobytes()})
    with pytest.raises(CheckpointError, match="two ways"):
        read_checkpoint(path)


def test_a_wrong_checksum_is_noticed(tmp_path):
    tree = {"a": tensor("0", 12, 0, (12,), (1,))}
    path = write_zip(tmp_path / "x.pth", tree, {"0": FLOATS.tobytes()})
    data = path.read_bytes()
    path.write_bytes(data.replace(FLOATS.tobytes(), FLOATS[::-1].tobytes()))
    with pytest.raises(CheckpointError, match="checksum"):
        unwrap(read_checkpoint(path))


@pytest.mark.parametrize(
    "compression, extra, message",
    [
        (zipfile.ZIP_DEFLATED, {}, "compressed"),
        (zipfile.ZIP_STORED, {"constants.pkl": pickled(())}, "TorchScript"),
    ],
)
def test_other_archives(compression, extra, message, tmp_path):
    path = write_zip(tmp_path / "x.pth", {}, {}, compression, **extra)
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(path)


def legacy_of(tree, count=12, **settings) -> bytes:
    return legacy(tree, {"0": (count, FLOATS.tobytes())}, **settings)


TREE = {"a": tensor("0", 12, 0, (12,), (1,))}


def test_legacy_files():
    np.testing.assert_array_equal(read_bytes(legacy_of(TREE))["a"].array(), FLOATS)


@pytest.mark.parametrize(
    "data, message",
    [
        (legacy_of(TREE, little_endian=False), "big-endian"),
        (legacy_of(TREE, count=11), "11 instead of 12"),
        (legacy_of(TREE)[:-1], "truncated"),
        (legacy(TREE, {}), "list of storages"),
        (legacy(TREE, {"0": (12, FLOATS.tobytes()), "1": (0, b"")}), "list of storages"),
        (pickled(0x1950A86A20F9469CFC6C) + pickled(1000), "unknown version"),
        (b"\x80\x02" + b"ustar", "damaged"),
        (b"\0" * 257 + b"ustar" + b"\0" * 250, "tar archive"),
    ],
)
def test_bad_legacy_files(data, message):
    with pytest.raises(CheckpointError, match=message):
        read_bytes(data)


def storage_bytes(data: bytes) -> Call:
    return Call("torch.storage", "_load_from_bytes", data)


def test_storages_inside_pickles_are_read():
    inner = legacy(
        Persistent(("storage", Name("torch", "FloatStorage"), "0", "cpu", 12, None)),
        {"0": (12, FLOATS.tobytes())},
    )
    outer = Call(
        "torch._utils", "_rebuild_tensor_v2", storage_bytes(inner), 0, (12,), (1,), False, {}
    )
    value = read_bytes(pickled(outer))
    assert isinstance(value, Tensor)
    np.testing.assert_array_equal(value.array(), FLOATS)


@pytest.mark.parametrize(
    "inner, message",
    [
        (pickled(Call("os", "system", "echo")), "os.system"),
        (pickled(storage_bytes(b"")), "_load_from_bytes"),
        (pickled({}), "no storage"),
        (b"", "not a checkpoint"),
    ],
)
def test_what_is_inside_pickles_is_restricted_too(inner, message):
    with pytest.raises(CheckpointError, match=message):
        read_bytes(pickled({"a": storage_bytes(inner)}))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<i8", "|b1", "<f2"])
def test_numpy_pickles(protocol, dtype):
    arrays = [np.arange(6).reshape(2, 3).astype(dtype), np.array(3).astype(dtype)]
    arrays.append(np.asfortranarray(arrays[0]))
    data = pickle.dumps({"arrays": arrays, "scalar": arrays[1][()]}, protocol)
    read = read_bytes(data)
    for mine, array in zip(read["arrays"], arrays, strict=True):
        np.testing.assert_array_equal(mine.array(), array)
    assert read["scalar"] == arrays[1]


@pytest.mark.parametrize("value", [np.array([{}], object), np.array(["a"]), np.array([1j])])
def test_numpy_arrays_of_other_things_are_refused(value):
    with pytest.raises(CheckpointError, match="holds no numbers"):
        read_bytes(pickle.dumps(value, 2))


def test_numpy_arrays_of_the_wrong_length_are_refused():
    array = Call("numpy.core.multiarray", "_reconstruct", Name("numpy", "ndarray"), (0,), b"b")
    kind = Call("numpy", "dtype", "f4", False, True)
    state = (1, (10**9, 10**9), kind, False, b"1234")
    data = pickled(array)[:-1] + pickled(state)[2:-1] + b"b."
    with pytest.raises(CheckpointError, match="4 bytes of data"):
        read_bytes(data)


@pytest.mark.parametrize(
    "name", ["dcgan.pth", "pggan_mganprior_legacyfile.pth", "stylegan2_ada_pkl.pkl"]
)
def test_damage_anywhere_gives_an_error_or_the_tensors(name):
    """Cuts and overwritten bytes; whatever happens, it is one kind of error and one line."""
    whole = (GOLDEN / name).read_bytes()
    chance = random.Random(0)
    for _ in range(40):
        place = chance.randrange(len(whole))
        cut = whole[:place]
        damaged = bytearray(whole)
        damaged[place : place + 4] = struct.pack("<I", chance.getrandbits(32))
        for data in (cut, bytes(damaged)):
            try:
                unwrap(read_bytes(data))
            except CheckpointError as error:
                assert "\n" not in str(error)
            else:
                assert data is not cut


def test_a_path_may_be_a_string():
    assert read_checkpoint(str(Path(GOLDEN / "dcgan.pth")))
