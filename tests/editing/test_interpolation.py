"""Ways between photographs: exact ends, matched codes, probable middles, mixed styles."""

from typing import Any

import jax
import numpy as np
import pytest
from networks import untrained

from mgp_jax.codes import Codes, fuse, init_codes, render
from mgp_jax.editing import interpolate, lift, match, mix_styles, render_all
from mgp_jax.errors import SettingError
from mgp_jax.generators import DCGANConfig, MobileStyleGANConfig, StyleGAN2Config

PLAIN = untrained(DCGANConfig(12, (6, 4)), seed=1).split(2)
STYLED = untrained(StyleGAN2Config(5, 4, (4,), (6, 4, 4)), seed=1)


def some_codes(seed: int, count: int = 5) -> Codes:
    codes = init_codes(PLAIN, jax.random.key(seed), count)
    alpha = np.random.default_rng(seed).uniform(0.1, 0.3, codes.alpha.shape)
    return codes._replace(alpha=alpha.astype(np.float32))


def close(a: Any, b: Any, tolerance: float = 1e-5) -> None:
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=tolerance), a, b)


def test_matching_undoes_a_permutation_and_keeps_the_image():
    codes = some_codes(0)
    shuffled = codes._replace(z=codes.z[::-1], alpha=codes.alpha[::-1])
    close(match(codes, shuffled), codes, 0)
    other = some_codes(1)
    matched = match(codes, other)
    assert sorted(matched.z[:, 0].tolist()) == sorted(other.z[:, 0].tolist())
    close(fuse(PLAIN, matched), fuse(PLAIN, other))
    distances = [np.sum(np.square(codes.z - x.z)) for x in (matched, other)]
    assert distances[0] < distances[1]
    with pytest.raises(SettingError, match="need as many"):
        match(codes, some_codes(1, 4))


def test_the_ends_are_exact_and_the_middle_is_probable():
    first, second = some_codes(0), some_codes(1)
    residual = jax.tree.map(np.ones_like, fuse(PLAIN, first))
    second = second._replace(residual=residual)
    bare = first._replace(residual=jax.tree.map(np.zeros_like, residual))
    for share, end in ((0, bare), (1, second)):
        jax.tree.map(np.testing.assert_array_equal, interpolate(first, second, share), end)
    middle = interpolate(first, second, 0.5)
    lengths = [np.linalg.norm(codes.z, axis=1) for codes in (first, second, middle)]
    np.testing.assert_allclose(lengths[2], (lengths[0] + lengths[1]) / 2, rtol=1e-5)
    # As far from either end.
    for end in (first, second):
        cosine = np.sum(middle.z * end.z, 1) / np.linalg.norm(end.z, axis=1) / lengths[2]
        other = np.sum(first.z * second.z, 1) / lengths[0] / lengths[1]
        np.testing.assert_allclose(np.arccos(cosine), np.arccos(other) / 2, atol=1e-3)
    close(middle.residual, jax.tree.map(lambda x: 0.5 * x, residual), 1e-7)
    np.testing.assert_allclose(middle.alpha, (first.alpha + second.alpha) / 2, rtol=1e-6)
    straight = interpolate(first, second, 0.5, "w")
    np.testing.assert_allclose(straight.z, (first.z + second.z) / 2, rtol=1e-5, atol=1e-6)
    # A code on its way to itself stays where it is.
    close(interpolate(first, first, 0.3), first)
    with pytest.raises(SettingError, match="same settings"):
        interpolate(first, some_codes(1, 4), 0.5)


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_mixed_styles_are_of_one_image_before_and_of_the_other_behind(space: str):
    split = STYLED.split("layer0", space)
    first, second = (
        init_codes(split, jax.random.key(k), 1)._replace(
            styles=np.random.default_rng(k).normal(size=(4, 4)).astype(np.float32)
        )
        for k in range(2)
    )
    lifted = [lift(split, codes, "w+")[1] for codes in (first, second)]
    for behind in range(3, 6):
        kept = behind - 2
        mixed: Any = mix_styles(split, first, second, behind)[1]
        for part in ("z", "styles"):
            ours, a, b = (getattr(codes, part) for codes in (mixed, *lifted))
            np.testing.assert_array_equal(ours[..., :kept, :], a[..., :kept, :])
            np.testing.assert_array_equal(ours[..., kept:, :], b[..., kept:, :])
    there, same = mix_styles(split, first, first, 3)
    assert (there.space, there.cut) == ("w+", split.cut)
    close(render_all(there, [same])[0], render(split, first))
    for behind in (2, 6):
        with pytest.raises(SettingError, match="behind one of the cuts 3 to 5"):
            mix_styles(split, first, second, behind)


def test_where_layers_take_two_styles_both_are_mixed():
    mobile = untrained(MobileStyleGANConfig(5, 4, (4,), (4, 4, 4)), seed=1)
    split = mobile.split("layer0", "w+")
    first, second = (init_codes(split, jax.random.key(k), 1) for k in range(2))
    # Styles of the layers 0, 1, 1, 2 and of to_rgb.
    for behind, kept in {"layer0": 1, "layer1": 3, "layer2": 4}.items():
        mixed: Any = mix_styles(split, first, second, behind)[1]
        np.testing.assert_array_equal(mixed.z[:, :kept], first.z[:, :kept])
        np.testing.assert_array_equal(mixed.z[:, kept:], second.z[:, kept:])


def test_a_generator_without_styles_mixes_none():
    with pytest.raises(SettingError, match="has no styles"):
        mix_styles(PLAIN, some_codes(0), some_codes(1), 1)
