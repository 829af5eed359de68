"""Files of other programs, and safetensors."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest
from checkpoints import GOLDEN
from safetensors.numpy import save

from convert.conversion import Request, convert_bytes, convert_file
from convert.torch_files import read_bytes
from mgp_jax.errors import CheckpointError
from mgp_jax.generators.weights import save_weights


def archive(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        for name in names:
            made.writestr(name, b"content")
    return data.getvalue()


@pytest.mark.parametrize(
    "data, message",
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "an HDF5 file, as Keras"),
        (archive("config.json", "metadata.json", "model.weights.h5"), "a Keras model"),
        (archive("m/saved_model.pb", "m/variables/variables.index"), "a TensorFlow model"),
        (archive("a.npy", "b.npy"), "NumPy arrays without a network"),
        (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:", "an ONNX graph"),
        (b"\x0a\x0f\x0a\x05input\x12\x0bPlaceholder", "a TensorFlow graph"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(20), "a TensorFlow Lite model"),
        (bytes(30) + (0xDB4775248B80FB57).to_bytes(8, "little"), "a TensorFlow checkpoint"),
        (b"  <!DOCTYPE html><html>", "a web page"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (b"\x93NUMPY\x01\x00", "a single NumPy array"),
        (b"weights", "not a checkpoint"),
    ],
)
def test_files_of_other_programs_are_named(data, message):
    with pytest.raises(CheckpointError, match=message) as caught:
        convert_bytes(data, "file.pth")
    assert str(caught.value).startswith("file.pth: ") and "\n" not in str(caught.value)


def test_a_torchscript_program_is_named():
    with pytest.raises(CheckpointError, match="a TorchScript program"):
        convert_file(GOLDEN / "sequential" / "jit.pt")


TENSORS = {
    "generator.main.0.weight": np.arange(2 * 3 * 4 * 4, dtype=np.float32).reshape(2, 3, 4, 4),
    "generator.main.2.weight": np.ones((3, 1, 4, 4), np.float16),
    "discriminator.main.0.weight": np.ones((4, 1, 4, 4), np.float32),
}


def test_safetensors_are_read():
    tensors = read_bytes(save(TENSORS))
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(tensor.array(), TENSORS[name])
    conversion = convert_bytes(save(TENSORS), "x.safetensors", Request())
    assert conversion.route == ("generator",)
    kernel = conversion.converted.params["layer0"]["kernel"]
    np.testing.assert_array_equal(kernel, TENSORS["generator.main.0.weight"].transpose(2, 3, 0, 1))


def written(header: object, content: bytes = bytes(16)) -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text)) + text + content


ENTRY = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}


def test_bfloat16_of_safetensors_is_widened():
    data = written({"a": {**ENTRY, "dtype": "BF16", "data_offsets": [0, 8]}}, b"\x80\x3f" * 4)
    np.testing.assert_array_equal(read_bytes(data)["a"].array(), np.ones((2, 2)))


@pytest.mark.parametrize(
    "data, message",
    [
        (written(b"{broken"), "damaged safetensors"),
        (written({"a": 3}), "damaged safetensors file: a"),
        (written({"a": {**ENTRY, "data_offsets": [0, 17]}}), "truncated or damaged"),
        (written({"a": {**ENTRY, "data_offsets": [8, 0]}}), "truncated or damaged"),
        (written({"a": {**ENTRY, "shape": [2, -2]}}), "damaged safetensors file: a"),
        (written({"a": {**ENTRY, "shape": [2, 3]}}), "16 bytes instead of 24"),
        (written({"a": {**ENTRY, "dtype": "F8_E4M3"}}), "type F8_E4M3, which is not supported"),
    ],
)
def test_damaged_safetensors_are_refused(data, message):
    with pytest.raises(CheckpointError, match=message):
        read_bytes(data)


def test_weights_files_of_our_own_are_named(tmp_path):
    save_weights(tmp_path / "w", "dcgan", {}, {"a": np.ones(2)}, {}, "")
    with pytest.raises(CheckpointError, match="a weights file of mgp_jax already"):
        convert_file(tmp_path / "w")
