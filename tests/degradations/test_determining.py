"""What observations tell: known answers of operators whose information can be counted."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import pytest

from mgp_jax.degradations import Degradation, as_degradation, information, parse

SIZE = 64
SHAPE = (SIZE, SIZE, 3)
ALL = SIZE * SIZE * 3


@pytest.mark.parametrize(
    ("spec", "cell"),
    [
        ("identity", 1),
        ("down:2", 2),
        ("down:4", 4),
        ("down:8", 8),
        ("down:16", 16),
        ("gray", 16),
        ("mask:center:16", 8),
        ("mask:center:48", 16),
        ("mask:random:0.8", 4),
        ("noise:0.01", 1),
        ("noise:0.1", 2),
        ("noise:0.4", 8),
        ("gray|noise:0.01", 16),
        ("poisson:96|drop:0.04", 2),
    ],
)
def test_the_smallest_squares_that_are_determined(spec: str, cell: int):
    assert information(parse(spec, SIZE), SHAPE).cell == cell


@pytest.mark.parametrize(
    ("spec", "cell", "common"),
    [
        ("down:4", 4, 4),
        ("gray", 16, 16),
        ("mask:center:16", 8, 1),
        ("mask:center:56", 16, 16),
        ("mask:center:32|noise:0.2", 16, 4),
        ("down:2|mask:center:8", 8, 2),
    ],
)
def test_what_holes_leave_determined(spec: str, cell: int, common: int):
    told = information(parse(spec, SIZE), SHAPE)
    assert (told.cell, told.common) == (cell, common)


@pytest.mark.parametrize(
    ("spec", "coloured"),
    [
        ("identity", True),
        ("down:16", True),
        ("noise:0.4", True),
        ("mask:center:32|noise:0.2", True),
        ("gray", False),
        ("gray|noise:0.1", False),
        ("gray|mask:random:0.5", False),
        ("gray|down:2|noise:0.05", False),
    ],
)
def test_gray_does_not_tell_the_colours_of_areas(spec: str, coloured: bool):
    assert information(parse(spec, SIZE), SHAPE).coloured is coloured


def test_what_gray_tells_of_lightness_does_not_count_as_colour():
    """A third of what channels vary by is lightness; of a few squares, by chance, it was half."""
    assert not information(parse("gray", 1024), (1024, 1024, 3)).coloured
    for weights in ((1, 1, 1), (0, 1, 0), (0.3, 0.6, 0.1)):
        gray = as_degradation(lambda image, w=weights: image @ jnp.array(w, float)[:, None])
        assert not information(gray, SHAPE).coloured


def test_generators_without_colours_miss_none():
    assert information(parse("down:16", SIZE, 1), (SIZE, SIZE, 1)).coloured


@pytest.mark.parametrize(
    ("spec", "independent"),
    [
        ("identity", True),
        ("noise:0.1", True),
        ("blur:gaussian:1|poisson:24|drop:0.2", True),
        ("jpeg:90", False),
        ("down:2|noise:0.1|jpeg:20|mask:center:8", False),
    ],
)
def test_errors_of_files_depend_on_the_image(spec: str, independent: bool):
    assert information(parse(spec, SIZE), SHAPE).independent is independent


@pytest.mark.parametrize(
    ("spec", "known", "noise"),
    [
        ("identity", ALL, 0),
        ("down:4", ALL / 16, 0),
        ("gray", ALL / 3, 0),
        ("mask:random:0.8", ALL / 5, 0),
        ("noise:0.1", ALL, 0.04),
        ("gray|down:4|noise:0.2", ALL / 48, 0.16),
        ("poisson:24", ALL, 2 / 24),
        ("drop:0.25", 0.75 * ALL, 0),
        ("noise:auto", ALL, 0.01),
    ],
)
def test_what_is_known_and_how_well(spec: str, known: float, noise: float):
    told = information(parse(spec, SIZE), SHAPE)
    assert told.known == pytest.approx(known, rel=0.02)
    assert told.noise == pytest.approx(noise, rel=0.1, abs=1e-6)
    assert told.determined == min(ALL / told.cell**2, told.known)


@pytest.mark.parametrize(
    ("spec", "random"),
    [
        ("identity", 0),
        ("down:4", 0),
        ("noise:0.1", 0.04),
        ("noise:auto", 0.01),
        ("jpeg:10", 0),
        # Rounding adds a little.
        ("noise:0.1|jpeg:90:444", 0.04),
        ("down:2|noise:0.1|jpeg:90:444", 0.04),
    ],
)
def test_what_part_of_it_is_random(spec: str, random: float):
    told = information(parse(spec, SIZE), SHAPE)
    assert told.random == pytest.approx(random, rel=0.15, abs=1e-6)
    assert told.random <= told.noise


def test_what_is_dead_before_pixels_are_mixed_is_noise():
    """It cannot be found any more: p (1 - p) (v + 1)^2, as the image is mid-gray on average."""
    found, lost = (
        information(parse(s, SIZE), SHAPE) for s in ("drop:0.2", "drop:0.2|jpeg:100:444")
    )
    assert found.noise == 0 and lost.noise == pytest.approx(0.16 * 1.28, rel=0.2)


def test_worse_jpeg_is_noisier():
    fine, coarse = (information(parse(f"jpeg:{q}", SIZE), SHAPE).noise for q in (90, 10))
    assert 0 < 4 * fine < coarse < 0.05


def test_own_functions():
    whole = information(as_degradation(lambda image: 3 * image), SHAPE)
    assert (whole.cell, whole.noise) == (1, 0)
    vector = information(as_degradation(lambda image: image.mean(axis=(1, 2))), SHAPE)
    assert (vector.cell, vector.known) == (16, SIZE)
    undefined = information(as_degradation(lambda image: jnp.log(image)), SHAPE)
    assert (undefined.cell, undefined.noise) == (16, 0)


@dataclass(frozen=True)
class Fade(Degradation):
    strength: jax.Array

    def _apply(self, image: jax.Array) -> jax.Array:
        return (1 - self.strength) * image


def test_operators_that_have_no_hash():
    fade = Fade(jnp.full((SIZE, SIZE, 1), 0.5))
    with pytest.raises(TypeError):
        hash(fade)
    assert information(fade, SHAPE) == (1, 1, ALL, ALL, 0, True, 0, True)
    # Measured anew: two of them may differ in their arrays alone.
    assert information(Fade(jnp.full((SIZE, SIZE, 1), 0.999)), SHAPE).cell > 1


@pytest.mark.parametrize("shape", [(61, 33, 3), (5, 5, 1), (1, 1, 3)])
def test_other_sizes(shape: tuple[int, ...]):
    told = information(parse("identity", shape[0], shape[2]), shape)
    size = shape[0] * shape[1] * shape[2]
    assert told == (1, 1, size, size, 0, True, 0, True)
