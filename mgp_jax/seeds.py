"""Random keys of seeds: every seed from 0 to 2^64 - 1 has a key of its own."""

from numbers import Integral
from typing import TYPE_CHECKING

from mgp_jax.errors import SettingError

if TYPE_CHECKING:
    import jax

LARGEST = 2**64 - 1


def check_seed(seed: int) -> None:
    """Raises SettingError unless a seed is a whole number from 0 to 2^64 - 1."""
    if not isinstance(seed, Integral) or isinstance(seed, bool) or not 0 <= seed <= LARGEST:
        raise SettingError(f"seed: {seed}, must be a whole number from 0 to 2^64 - 1")


def seeded_key(seed: int) -> "jax.Array":
    """Returns the random key of a seed.

    `jax.random.key` alone drops the upper half of a seed, and some sizes make it fail.

    Args:
        seed: 0 to 2^64 - 1; below 2^32 the key is that of `jax.random.key`.

    Raises:
        SettingError: the seed is out of this range or no whole number.

    Example:
        >>> import jax
        >>> from mgp_jax.seeds import seeded_key
        >>> jax.random.key_data(seeded_key(7)).tolist()
        [0, 7]
        >>> bool((seeded_key(7) == seeded_key(2**32 + 7)).all())
        False
    """
    import jax
    import numpy as np

    check_seed(seed)
    low, high = words(seed)
    key = jax.random.key(np.uint32(low))
    return jax.random.fold_in(key, np.uint32(high)) if high else key


def words(seed: int) -> tuple[int, int]:
    """Returns the lower and the upper 32 bits of a seed, for libraries that take no more."""
    return int(seed) & 0xFFFFFFFF, int(seed) >> 32
