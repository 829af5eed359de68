"""Text in pictures: a font, and letters that it has for those that it has not."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def drawable(text: str) -> str:
    """Returns a text with every letter that the font lacks written in Latin letters.

    Example:
        >>> from mgp_jax.report.lettering import drawable
        >>> drawable("Élise, Жанна, 写真.png")
        'Élise, Жанна, XieZhen.png'
    """
    # What is no text at all, parts of names in another encoding, becomes a question mark.
    text = text.encode("utf-8", "replace").decode()
    if text.isascii():
        return text
    from anyascii import anyascii  # Here, because tables of a bare checkout need no letters.

    return "".join(c if c.isascii() or ord(c) in _letters() else anyascii(c) for c in text)


@cache
def font() -> Font:
    """Returns matplotlib's font, which has the letters of most languages; Pillow's own has English.

    It is found without importing matplotlib, which takes a while.
    """
    path = _file()
    return ImageFont.load_default(14) if path is None else ImageFont.truetype(path, 12)


@cache
def _letters() -> frozenset[int]:
    """The letters of the font, as code points."""
    path = _file()
    if path is None:
        return frozenset()
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(path)).get_charmap())


def _file() -> Path | None:
    spec = find_spec("matplotlib")
    for place in (spec and spec.submodule_search_locations) or ():
        path = Path(place) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.exists():
            return path
    return None
