"""Tables of quality: one cell for each setting, of codes alone, and reproducible."""

import jax
import numpy as np
import pytest

from mgp_jax.analysis import measure, measure_domains
from mgp_jax.degradations import Grayscale, Identity
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator
from mgp_jax.inversion import invert
from mgp_jax.metrics import compare
from mgp_jax.recipes import Phase, Recipe, codes_only, refined

SHORT = refined("short", Phase(3), Phase(2))


def test_cells_are_the_means_of_restorations(tiny: Generator, photographs: np.ndarray):
    tasks, seen = (Identity(), Grayscale()), []
    cells = measure(
        tiny, photographs[:2], tasks, [1, "layer1"], [1, 2], lambda _: SHORT, "two", seen.append
    )
    assert seen == cells
    places = [(cell.task, cell.cut, cell.codes) for cell in cells]
    names = [str(task) for task in tasks]
    assert places == [(task, cut, n) for task in names for cut in (1, 2) for n in (1, 2)]
    assert {(cell.generator, cell.images) for cell in cells} == {("tiny", "two")}
    recipe = Recipe("codes", (Phase(3),), codes=2, layer=2)
    images = np.clip(invert(tiny, photographs[:2], recipe=recipe).images, -1, 1)
    for metric, values in compare(images, photographs[:2]).items():
        np.testing.assert_allclose(cells[3].scores[metric], np.mean(values), rtol=1e-4)  # type: ignore[arg-type]


def test_domains_are_measured_apart(
    tiny: Generator, photographs: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    """And what the one has compiled makes room for the other where there is none."""
    groups = {"own": photographs[:1], "other": -photographs[1:2]}
    let_go: list[bool] = []
    monkeypatch.setattr("mgp_jax.kept_programs.areas_taken", lambda: 1.0)
    monkeypatch.setattr(jax, "clear_caches", lambda: let_go.append(True))
    cells = measure_domains(tiny, groups, [2], Identity(), SHORT)
    assert [(cell.images, cell.cut) for cell in cells] == [("own", 2), ("other", 2)]
    assert cells[0].scores["psnr"] != cells[1].scores["psnr"]
    assert len(let_go) == 2


def test_phases_that_refine_the_map_are_left_out():
    assert codes_only(SHORT).phases == (Phase(3),)
    with pytest.raises(SettingError, match="has no phases"):
        codes_only(Recipe("free", (Phase(3, moves=("residual",)),)))
