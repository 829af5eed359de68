"""Recognises files that are no checkpoints of PyTorch, so that a refusal names what they are."""

from mgp_jax.errors import CheckpointError

# First bytes, what they mean, and what to do.
STARTS: tuple[tuple[bytes, str], ...] = (
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the file itself; fetch it with git lfs pull, or download it",
    ),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes them; only PyTorch's are supported"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x93NUMPY", "a single NumPy array"),
    (b"GGUF", "a GGUF file, which holds no generator"),
)
TFLITE = b"TFL3"
TENSORFLOW_INDEX = (0xDB4775248B80FB57).to_bytes(8, "little")  # ends a checkpoint's index
ONNX_MARKS = (b"pytorch", b"onnx", b"skl2onnx", b"ConvTranspose", b"BatchNormalization")
TENSORFLOW_MARKS = (
    b"Placeholder",
    b"saved_model",
    b"VariableV2",
    b"VarHandleOp",
    b"serving_default",
)


def refuse_foreign(data: memoryview) -> None:
    """Refuses files of other programs.

    Args:
        data: the file.

    Raises:
        CheckpointError: naming what it is.
    """
    start = bytes(data[:4096])
    for mark, what in STARTS:
        if start.startswith(mark):
            raise CheckpointError(what)
    text = start.lstrip()[:64].lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise CheckpointError("a web page or XML, not a checkpoint; the download went wrong")
    if start[4:8] == TFLITE:
        raise CheckpointError("a TensorFlow Lite model; only checkpoints of PyTorch are supported")
    if bytes(data[-8:]) == TENSORFLOW_INDEX:
        raise CheckpointError("a TensorFlow checkpoint; only those of PyTorch are supported")
    # Both are messages of protobuf, whose first field is a number or a text.
    if start[:1] in (b"\x08", b"\x0a"):
        if any(mark in start for mark in TENSORFLOW_MARKS):
            raise CheckpointError("a TensorFlow graph; only checkpoints of PyTorch are supported")
        if any(mark in start for mark in ONNX_MARKS):
            raise CheckpointError("an ONNX graph; convert the checkpoint that it was made from")


def refuse_archive(names: set[str]) -> None:
    """Refuses zip archives of other programs, by the names of their members.

    Raises:
        CheckpointError: naming what it is.
    """
    if "config.json" in names and any(name.endswith(".weights.h5") for name in names):
        raise CheckpointError("a Keras model; only checkpoints of PyTorch are supported")
    if any(name.endswith("saved_model.pb") for name in names):
        raise CheckpointError("a TensorFlow model; only checkpoints of PyTorch are supported")
    if names and all(name.endswith(".npy") for name in names):
        raise CheckpointError("a zip archive, but not of PyTorch: NumPy arrays without a network")
