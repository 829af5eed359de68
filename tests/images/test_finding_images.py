"""Which files of a folder are images, and the names of what is made of them."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import photograph, refusal, save

from mgp_jax.errors import ImageError
from mgp_jax.images import find_images, unique_stems


def test_find_images(tmp_path):
    for name in ("b.png", "a.JPG", "c.webp", "notes.txt", ".hidden.png", "._a.jpg", "x.tmp"):
        save(tmp_path / name, photograph(), format="PNG")
    (tmp_path / "sub.png").mkdir()
    save(tmp_path / "sub.png" / "deep.png", photograph())
    folder = [tmp_path / name for name in ("a.JPG", "b.png", "c.webp")]
    assert find_images([tmp_path]) == folder
    odd = tmp_path / "notes.txt"
    assert find_images([odd, str(tmp_path)]) == [odd, *folder]


def test_find_images_refuses(tmp_path):
    assert "no images in this folder" in refusal(lambda p: find_images([p]), tmp_path)
    missing = tmp_path / "missing"
    assert "no such file" in refusal(lambda p: find_images([p]), missing)
    with pytest.raises(ImageError, match="no input"):
        find_images([])


def test_unique_stems():
    paths = ["d/a.png", "e/a.jpg", "a-2.png", "A.png", "a", "b.tar.gz"]
    assert unique_stems(paths) == ["a", "a-3", "a-2", "A-4", "a-5", "b.tar"]
    assert unique_stems(["..", "/", ".png", "c:\\x/..\\..\\y.png", "a\nb.png"]) == [
        "image",
        "image-2",
        "png",
        "_.._y",
        "a_b",
    ]
    assert unique_stems([]) == []


@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), max_size=90) | st.sampled_from("aAbß"), max_size=8
    )
)
def test_stems_are_safe_and_unique(names):
    stems = unique_stems(names)
    assert stems == unique_stems(names) and len(stems) == len(names)
    assert len({stem.casefold() for stem in stems}) == len(stems)
    for stem in stems:
        assert stem and stem[0] != "." and len(os.fsencode(f"{stem}.npz")) < 255
        assert os.path.basename(stem) == stem and "\\" not in stem and "\0" not in stem
