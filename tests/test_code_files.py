"""Latent codes of files: which space they are of, rows of layers and styles, files that lie."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from contents import fill
from networks import untrained

from mgp_jax import arrays
from mgp_jax.arrays import read_archive
from mgp_jax.code_files import codes_of, read_latents, save_latents, to_rows, to_styles
from mgp_jax.codes import render
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.generators import (
    DCGANConfig,
    MobileStyleGANConfig,
    StyleGAN2Config,
    generate,
    random_latents,
)

SIZE = 64  # Large enough for normal codes to be told from others.
MOBILE = untrained(MobileStyleGANConfig(SIZE, SIZE, (SIZE,), (4, 4, 4)), seed=1)
STYLED = untrained(StyleGAN2Config(5, 4, (4,), (6, 4, 4)), seed=1)
PLAIN = untrained(DCGANConfig(8, (6, 4)), seed=1)
NORMAL = np.random.default_rng(0).normal(size=(3, SIZE))
STYLES, ROWS = 5, 6  # Of MOBILE: layer 1 takes two styles; the teacher has two layers more.


def test_which_layer_takes_which_style():
    published = MobileStyleGANConfig.standard()
    # The rule, written out for the network of 1024 pixels.
    expected = [0, *(row for k in range(7) for row in (2 * k + 1, 2 * k + 1, 2 * k + 2)), 15]
    assert list(published.style_layers) == expected and published.rows == 18
    assert StyleGAN2Config.standard(1024).rows == 18
    assert MOBILE.config.style_layers == (0, 1, 1, 2, 3) and MOBILE.config.rows == ROWS  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("array", "told", "space"),
    [
        (NORMAL, None, "z"),
        (NORMAL[0], None, "z"),
        (np.sign(NORMAL), None, "z"),
        (0.4 * NORMAL, "w", "w"),
        (0.4 * NORMAL[0], "w", "w"),
        (0.4 * NORMAL, "z", "z"),
        (np.ones((2, STYLES, SIZE)), None, "w+"),
        (np.ones((2, ROWS, SIZE)), None, "w+"),
        (np.ones((ROWS, SIZE)), "w+", "w+"),
    ],
)
def test_the_space_of_codes(array: np.ndarray, told: str | None, space: str, tmp_path: Path):
    np.save(tmp_path / "codes.npy", array)
    values, found = read_latents(tmp_path / "codes.npy", MOBILE, told)
    assert found == space
    count = 1 if array.ndim == 1 or told == "w+" else len(array)
    assert values.shape == (count, *((STYLES,) if space == "w+" else ()), SIZE)
    if space != "w+":
        np.testing.assert_allclose(values, array.reshape(values.shape), rtol=1e-6)


def test_codes_whose_length_alone_tells_the_space(tmp_path: Path):
    np.save(tmp_path / "w.npy", np.ones((2, 4)))
    assert read_latents(tmp_path / "w.npy", STYLED).space == "w"
    np.save(tmp_path / "z.npy", np.ones((2, 5)))
    assert read_latents(tmp_path / "z.npy", STYLED).space == "z"


def test_rows_and_styles():
    config = MobileStyleGANConfig.standard()
    rows = np.random.default_rng(0).normal(size=(2, 18, 3))
    styles = to_styles(rows, config)
    assert styles.shape == (2, 23, 3)
    np.testing.assert_array_equal(styles[:, [0, 1, 2, 3, 22]], rows[:, [0, 1, 1, 2, 15]])
    back = to_rows(styles, config)
    np.testing.assert_array_equal(back[:, :16], rows[:, :16])
    np.testing.assert_array_equal(back[:, 16:], rows[:, [15, 15]])
    np.testing.assert_array_equal(to_styles(styles, config), styles)
    # Where the two styles of a layer differ, rows would lose one.
    styles[:, 2] += 1
    assert to_rows(styles, config).shape == styles.shape


@pytest.mark.parametrize("name", ["codes.npy", "projected_w.npz"])
@pytest.mark.parametrize("generator", [MOBILE, STYLED, PLAIN], ids=["mobile", "styled", "plain"])
def test_what_is_written_is_read_and_renders_the_same(generator, name: str, tmp_path: Path):
    drawn = np.asarray(random_latents(generator, 2))
    np.save(tmp_path / "z.npy", drawn)
    latents = read_latents(tmp_path / "z.npy", generator, "z")
    if name.endswith("npz") and generator is PLAIN:
        return
    save_latents(tmp_path / name, generator, latents)
    again = read_latents(tmp_path / name, generator)
    assert again.space == ("z" if generator is PLAIN else "w+")
    expected = generate(generator, drawn)
    images = generate(generator, again.values, space=again.space)
    np.testing.assert_allclose(images, expected, rtol=3e-5, atol=3e-5)
    split, sets = codes_of(generator, again)
    assert len(sets) == 2
    np.testing.assert_allclose(render(split, sets[1]), expected[1], rtol=3e-5, atol=3e-5)


def test_projections_of_other_programs(tmp_path: Path):
    for w, space in (
        (np.ones((1, ROWS, SIZE)), "w+"),
        (0.3 * np.ones((1, SIZE)), "w"),
        (0.3 * np.ones(SIZE), "w"),
    ):
        np.savez(tmp_path / "projected_w.npz", w=w)
        assert read_latents(tmp_path / "projected_w.npz", MOBILE).space == space


def header(shape: str, kind: str = "<f4") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def archive_of(member: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        # Without the time: all workers have to call the tests alike.
        archive.writestr(zipfile.ZipInfo("w.npy"), member, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def sparse(path: Path) -> None:
    """Claims a terabyte that no disk holds."""
    with open(path, "wb") as file:
        file.write(header(f"({2**30}, {SIZE})"))
        file.truncate(2**30 * SIZE * 4 + 128)


def objects(path: Path) -> None:
    np.savez(path, w=np.array([{}], object), allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("w.npy", 0.4 * NORMAL, SettingError, "say of which space they are"),
        ("w.npy", np.ones((2, 7, SIZE)), SettingError, r"\[N, 5 or 6, 64\] in W\+, not float64"),
        ("w.npy", np.ones((2, 9)), SettingError, r"\[N, 64\]"),
        ("w.npy", np.zeros((0, SIZE)), SettingError, "holds no latent codes"),
        ("w.npy", np.full((1, STYLES, SIZE), 1e300), SettingError, "fit into float32"),
        ("w.npy", np.ones((2, STYLES, SIZE), bool), SettingError, "not bool"),
        ("w.npy", np.full((1, SIZE), np.nan), ImageError, "not finite"),
        ("w.npy", sparse, ImageError, "at most"),
        ("w.npy", header(f"({10**12}, 8)"), ImageError, "not a readable array"),
        ("w.npz", archive_of(header(f"({10**12}, 8)")), ImageError, "far more than it has"),
        ("w.npz", archive_of(header("(2, 8)") + bytes(10**6)), ImageError, "far more than it has"),
        ("w.npz", archive_of(b"no array"), ImageError, "no archive of arrays"),
        ("w.npz", archive_of(header("(2, 64)"))[:80], ImageError, "no archive of arrays"),
        ("w.npz", objects, ImageError, "no archive of arrays"),
        ("w.npz", b"", ImageError, "no archive of arrays"),
        ("w.npz", None, ImageError, "No such file"),
        ("w.pt", b"", ImageError, "mgp-convert"),
    ],
)
def test_files_that_hold_no_codes(
    name: str, content, error, message: str, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(arrays, "SMALL_ARCHIVE", 10**5)
    path = tmp_path / name
    fill(path, content)
    with pytest.raises(error, match=message) as caught:
        read_latents(path, MOBILE)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_archives_without_latent_codes(tmp_path: Path):
    np.savez(tmp_path / "a.npz", labels=np.ones(3))
    with pytest.raises(ImageError, match="an array named w or z"):
        read_latents(tmp_path / "a.npz", MOBILE)
    np.savez(tmp_path / "b.npz", w=np.full((1, STYLES, SIZE), np.inf))
    with pytest.raises(ImageError, match="finite"):
        read_latents(tmp_path / "b.npz", MOBILE)
    # Repetition is packed well, and no bomb for that.
    np.savez_compressed(tmp_path / "c.npz", w=np.zeros((100, 1000)))
    assert read_archive(tmp_path / "c.npz")["w"].shape == (100, 1000)
