"""Keys of seeds: each its own, the usual ones as JAX makes them."""

import jax
import numpy as np
import pytest

from mgp_jax.errors import SettingError
from mgp_jax.seeds import check_seed, seeded_key, words


def test_every_seed_has_a_key_of_its_own():
    seeds = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**63, 2**64 - 2**32, 2**64 - 1]
    keys = {jax.random.key_data(seeded_key(seed)).tobytes() for seed in seeds}
    assert len(keys) == len(seeds)
    assert len({words(seed) for seed in seeds}) == len(seeds)


@pytest.mark.parametrize("seed", [0, 7, 2**31 - 1, np.int64(9)])
def test_usual_seeds_are_those_of_jax(seed: int):
    assert (seeded_key(seed) == jax.random.key(seed)).all()


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "1", None, True])
def test_others_are_refused(seed: object):
    for function in (check_seed, seeded_key):
        with pytest.raises(SettingError, match=r"seed: .*0 to 2\^64 - 1"):
            function(seed)  # type: ignore[arg-type]
