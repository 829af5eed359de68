"""Faces that are hard to find: the right square, or none and so one line of the command."""

from collections.abc import Callable
from importlib import resources

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from scenes import Placed, ground, needs_detector, scene

from mgp_jax import find_faces
from mgp_jax.faces import Face, square_of

pytestmark = needs_detector
SIDE = 240


def portrait(name: str, side: int = SIDE) -> Image.Image:
    with resources.as_file(resources.files("mgp_jax.assets") / f"{name}.png") as path:
        return Image.open(path).convert("RGB").resize((side, side), Image.Resampling.LANCZOS)


def on_a_wall(picture: Image.Image) -> Image.Image:
    """The picture in the middle of a photograph of 400 x 320 pixels."""
    wall = Image.fromarray(ground(400, 320))
    wall.paste(picture, ((400 - picture.width) // 2, (320 - picture.height) // 2))
    return wall


def found(picture: Image.Image) -> list[Face]:
    return find_faces(np.asarray(picture))


def glasses(picture: Image.Image, height: float) -> Image.Image:
    """Dark glasses in which a window is mirrored, over eyes at a height."""
    picture, side = picture.copy(), picture.width
    draw, y = ImageDraw.Draw(picture), height * side
    draw.line((0.45 * side, y, 0.55 * side, y), fill=(20, 20, 20), width=side // 50)
    for x in (0.36 * side, 0.62 * side):
        wide, high = 0.12 * side, 0.09 * side
        draw.ellipse((x - wide, y - high, x + wide, y + high), fill=(30, 34, 40))
        glint = [(x - 0.8 * wide, y), (x, y - 0.8 * high), (x + 0.3 * wide, y - 0.8 * high)]
        draw.polygon([*glint, (x - 0.6 * wide, y + 0.6 * high)], fill=(220, 230, 245))
    return picture


def drawing() -> Image.Image:
    """A face of a few lines, whose eyes and mouth are where a portrait has them."""
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((24, 16, 216, 224), fill=(250, 220, 180), outline="black", width=3)
    for x in (80, 160):
        draw.ellipse((x - 18, 88, x + 18, 112), fill="white", outline="black", width=3)
        draw.ellipse((x - 6, 94, x + 6, 106), fill="black")
    draw.line((120, 112, 112, 148, 128, 148), fill="black", width=3)
    draw.arc((76, 136, 164, 196), 20, 160, fill="red", width=5)
    return picture


# What is cut off at the left, above, at the right and below, as parts of the portrait.
CUT = {
    "eileen_collins": [(0.3, 0, 0, 0), (0, 0, 0.3, 0), (0, 0.35, 0, 0)],
    "grace_hopper": [(0.3, 0, 0, 0), (0, 0.3, 0, 0), (0, 0, 0, 0.35)],
}
CUTS = [(name, cut) for name, cuts in CUT.items() for cut in cuts]


@pytest.mark.parametrize(("name", "cut"), CUTS)
def test_of_a_face_that_the_border_cuts_the_square_is_that_of_the_whole(name, cut):
    whole = portrait(name)
    left, top, right, bottom = (round(part * SIDE) for part in cut)
    (expected,) = found(whole)
    (face,) = found(whole.crop((left, top, SIDE - right, SIDE - bottom)))
    expected, square = square_of(expected), square_of(face.moved(1, left, top))
    assert np.abs(square.corners - expected.corners).max() < 0.08 * SIDE


@pytest.mark.parametrize("turn", [45, -45, 60, 90, 135, 180, -90])
def test_however_a_photograph_lies_the_square_is_turned_with_it(turn: int):
    picture, ((x, y),) = scene((Placed("eileen_collins", 160, turn),), 300, 280)
    (face,) = find_faces(picture)
    square = square_of(face)
    assert np.hypot(square.x - x, square.y - y) < 7 and abs(square.side - 160) < 8
    # The head itself is tilted by three degrees.
    assert abs((face.turn + turn - 3 + 180) % 360 - 180) < 3


@pytest.mark.parametrize(("name", "height"), [("eileen_collins", 0.43), ("grace_hopper", 0.47)])
def test_glasses_that_mirror_hide_no_face(name: str, height: float):
    (expected,), (face,) = (found(p) for p in (portrait(name), glasses(portrait(name), height)))
    assert np.abs(square_of(face).corners - square_of(expected).corners).max() < 0.12 * SIDE


def test_a_drawing_that_is_like_a_face_is_one():
    (face,) = found(drawing())
    expected = [(80, 100), (160, 100), (120, 148), (80, 180), (160, 180)]
    np.testing.assert_allclose(face.points, expected, atol=12)


def test_a_face_of_few_pixels_is_where_it_is():
    (face,) = found(on_a_wall(portrait("grace_hopper", 24)))
    square = square_of(face)
    assert np.hypot(square.x - 200, square.y - 160) < 3 and abs(square.side - 24) < 3


def test_a_face_from_the_side_is_narrow():
    whole = portrait("grace_hopper")
    (front,), (aside,) = found(whole), found(on_a_wall(whole.resize((SIDE // 2, SIDE))))
    assert front.aspect > 0.9 and aside.aspect < 0.7
    assert abs(square_of(aside).x - 200) < 0.06 * SIDE and aside.size < SIDE


def test_all_of_many_are_found():
    crowd = tuple(Placed(name, 48) for name in ("grace_hopper", "eileen_collins") * 4)
    picture, centers = scene(crowd, 660, 260)
    squares = sorted((square_of(face) for face in find_faces(picture)), key=lambda face: face.x)
    assert len(squares) == len(centers)
    places = [(square.x, square.y) for square in squares]
    np.testing.assert_allclose(places, centers, atol=4)


NONE: dict[str, Callable[[], Image.Image]] = {
    "tiny": lambda: on_a_wall(portrait("eileen_collins", 12)),
    "half behind the border": lambda: portrait("eileen_collins").crop((SIDE // 2, 0, SIDE, SIDE)),
    "without eyes": lambda: portrait("grace_hopper").crop((0, SIDE // 2, SIDE, SIDE)),
    "pencil": lambda: portrait("grace_hopper").filter(ImageFilter.CONTOUR),
}


@pytest.mark.parametrize("name", NONE)
def test_what_cannot_be_aligned_is_not_found(name: str):
    assert found(NONE[name]()) == []
