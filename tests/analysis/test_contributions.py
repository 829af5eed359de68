"""Parts of codes add up to the composed map, in every family; images and dimension of them."""

from typing import Any

import jax
import numpy as np
import pytest
from networks import CONFIGS, untrained

from mgp_jax.analysis import code_images, effective_dimension
from mgp_jax.codes import Codes, contribute, fuse, init_codes, render
from mgp_jax.generators import Split

COUNT = 4
Case = tuple[Split, Codes]


@pytest.fixture(scope="module", params=CONFIGS)
def case(request: pytest.FixtureRequest) -> Case:
    generator = untrained(CONFIGS[request.param], seed=3)
    split = generator.split(len(generator.stages) - 1)
    codes = init_codes(split, jax.random.key(0), COUNT)
    alpha = np.random.default_rng(0).normal(size=codes.alpha.shape).astype(np.float32)
    assert alpha.shape == (COUNT, split.channels)
    return split, codes._replace(alpha=alpha)


def total(tree: Any) -> Any:
    return jax.tree.map(lambda x: np.sum(np.asarray(x, np.float64), axis=0), tree)


def test_parts_add_up_to_the_composed_map(case: Case):
    split, codes = case
    parts, whole = jax.jit(lambda s, c: (contribute(s, c), fuse(s, c)))(split, codes)
    assert {leaf.shape[0] for leaf in jax.tree.leaves(parts)} == {COUNT}
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), total(parts), whole
    )
    # Each part is what its code makes when the others have no importance.
    for number in range(COUNT):
        alpha = np.where(np.arange(COUNT)[:, None] == number, codes.alpha, 0)
        alone = fuse(split, codes._replace(alpha=alpha))
        jax.tree.map(
            lambda a, b, n=number: np.testing.assert_allclose(a[n], b, atol=1e-5), parts, alone
        )


def test_images_are_those_of_the_importances_that_remain(case: Case):
    split, codes = case
    images = code_images(split, codes)
    np.testing.assert_allclose(images.whole, render(split, codes), atol=1e-4)
    for number in (0, COUNT - 1):
        own = np.arange(COUNT)[:, None] == number
        for kept, image in ((own, images.alone), (~own, images.without)):
            alpha = np.where(kept, codes.alpha, 0).astype(np.float32)
            expected = render(split, codes._replace(alpha=alpha))
            np.testing.assert_allclose(image[number], expected, atol=1e-4)
    assert images.alone.shape == images.without.shape == images.scaled.shape
    # One code is all there is, at any strength.
    one = Codes(codes.z[:1], 0.01 + 0 * codes.alpha[:1], codes.styles)
    single = code_images(split, one)
    np.testing.assert_allclose(single.scaled[0], single.whole, atol=1e-4)


def test_the_dimension_counts_independent_parts(case: Case):
    split, codes = case
    found = effective_dimension(split, codes)
    assert 1 < found.whole <= COUNT and np.all(np.diff(found.spectrum) <= 0)
    np.testing.assert_allclose(found.spectrum.sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(1 / np.sum(found.spectrum**2), found.whole, rtol=1e-3)
    live = found.channels[found.channels > 0]
    assert len(live) and live.min() > 0.999 and live.max() < COUNT + 1e-3
    # The same code four times is one.
    same = codes._replace(
        z=np.repeat(codes.z[:1], COUNT, 0), alpha=np.repeat(codes.alpha[:1], COUNT, 0)
    )
    np.testing.assert_allclose(effective_dimension(split, same).whole, 1, rtol=1e-4)
    # What has no importance does not count.
    few = np.where(np.arange(COUNT)[:, None] < 2, codes.alpha, 0)
    assert effective_dimension(split, codes._replace(alpha=few)).whole <= 2 + 1e-4
