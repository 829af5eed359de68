"""Compiled programs are kept, but not without end: every kind of run has some of its own."""

from collections.abc import Hashable

import jax

# Kinds of runs whose programs are kept. Of `faces1024` those of one take a tenth of a gigabyte.
MOST_KINDS = 24


class Programs:
    """Counts the kinds of runs, and lets go of all programs when there are many.

    JAX does not say which program belongs to which run. Those on the disk stay, so that what is
    needed again is soon there.
    """

    def __init__(self) -> None:
        self._kinds: set[Hashable] = set()

    def make_room(self, kind: Hashable) -> None:
        """Makes room for the programs of a kind of run, which is about to begin."""
        if kind not in self._kinds and len(self._kinds) >= MOST_KINDS:
            jax.clear_caches()
            self._kinds.clear()
        self._kinds.add(kind)
