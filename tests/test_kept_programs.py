"""How long compiled programs are kept."""

from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from mgp_jax import kept_programs
from mgp_jax.kept_programs import Programs, areas_taken


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests have compiled in this process does not count."""
    monkeypatch.setattr(kept_programs, "areas_taken", lambda: 0.0)


@pytest.fixture
def kept() -> Iterator[Programs]:
    kept = Programs()
    yield kept
    kept.close()


def compiles(count: int) -> list[int]:
    """Compiles a function for so many shapes; the list grows with every one that is traced."""
    traced: list[int] = []

    @jax.jit
    def double(x: jax.Array) -> jax.Array:
        traced.append(len(x))
        return 2 * x

    arrays = [jnp.zeros(7 + k) for k in range(count)]
    for array in [*arrays, *arrays]:
        double(array)
    return traced


def test_programs_are_kept_until_there_are_many(kept: Programs, monkeypatch: pytest.MonkeyPatch):
    cleared: list[int] = []
    monkeypatch.setattr(jax, "clear_caches", lambda: cleared.append(1))
    monkeypatch.setattr(kept_programs, "MOST_PROGRAMS", 20)
    for _ in range(8):
        kept.make_room()
        # What is there already does not count again.
        assert len(compiles(5)) == 5
    # Each array of zeros may be a program too.
    assert 1 <= len(cleared) <= 4
    count = len(cleared)
    kept.make_room()
    kept.make_room()
    assert len(cleared) <= count + 1


def test_what_is_let_go_of_is_compiled_again(kept: Programs, monkeypatch: pytest.MonkeyPatch):
    traced: list[int] = []

    @jax.jit
    def double(x: jax.Array) -> jax.Array:
        traced.append(len(x))
        return 2 * x

    monkeypatch.setattr(kept_programs, "MOST_PROGRAMS", 0)
    double(jnp.zeros(3))
    double(jnp.ones(3))
    assert traced == [3]
    assert kept.make_room()
    double(jnp.ones(3))
    assert traced == [3, 3]


def test_programs_are_let_go_of_where_they_crowd_the_memory(
    kept: Programs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    assert not kept.make_room()
    monkeypatch.setattr(kept_programs, "areas_taken", lambda: 0.41)
    assert kept.make_room()
    # Every area has a line.
    maps, limit = tmp_path / "maps", tmp_path / "limit"
    maps.write_text("7f00-7f01 r-xp\n" * 3)
    limit.write_text("12\n")
    assert areas_taken(maps, limit) == 0.25
    assert areas_taken(tmp_path / "absent", limit) == 0
    assert 0 <= areas_taken() < 1


def test_nothing_is_counted_behind_the_end(monkeypatch: pytest.MonkeyPatch):
    kept = Programs()
    kept.close()
    monkeypatch.setattr(kept_programs, "MOST_PROGRAMS", 0)
    monkeypatch.setattr(jax, "clear_caches", lambda: pytest.fail("let go of"))
    compiles(1)
    kept.make_room()
