"""Chains of operators, and the order that they may have."""

import jax.numpy as jnp
import numpy as np
import pytest
from operators import SHAPE, SIZE, images

from mgp_jax.degradations import (
    Blur,
    Downsample,
    Grayscale,
    Identity,
    Jpeg,
    Mask,
    Noise,
    compose,
    parse,
)
from mgp_jax.errors import SettingError


def test_composition():
    (image,) = jnp.asarray(images())
    gray, down, noise = Grayscale(), Downsample(4), Noise(0.05)
    nested = compose(compose(gray, Identity()), compose(down, noise))
    assert str(nested) == "gray|down:4|noise:0.05"
    np.testing.assert_array_equal(nested(image), down(gray(image)))
    assert compose(gray) is gray
    assert compose() == Identity() == compose(Identity(), Identity())
    blur, mask = Blur.gaussian(2), Mask.center(8, SHAPE)
    first, second = compose(blur, mask)(image), compose(mask, blur)(image)
    np.testing.assert_array_equal(first, mask(blur(image)))
    np.testing.assert_array_equal(second, blur(mask(image)))
    assert not compose(gray, Jpeg(30)).linear


@pytest.mark.parametrize("last", ["gray", "down:4", "blur:gaussian:1", "jpeg:50", "cs:0.1"])
@pytest.mark.parametrize("first", ["noise:0.1", "poisson:9", "drop:0.2", "impulse:0.2"])
def test_noise_comes_last(first, last):
    if last == "jpeg:50" and first != "impulse:0.2":
        # Files of noisy photographs are compressed.
        assert str(parse(f"{first}|{last}", SIZE)) == f"{first}|{last}"
    else:
        with pytest.raises(SettingError, match=f"{first} must come after {last}"):
            parse(f"{first}|{last}", SIZE)
    assert parse(f"{first}|mask:center:8|noise:0.2", SIZE).sigma > 0
