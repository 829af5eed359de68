"""Recipes as files: nothing is lost on the way, and what is wrong in a file is named."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from known_recipes import rows

from mgp_jax.degradations import parse
from mgp_jax.errors import SettingError
from mgp_jax.recipe_files import AUTO_CODES, choose_recipe, read_recipe, write_recipe
from mgp_jax.recipes import RECIPES, Phase, Recipe, recipe_for

IDENTITY = parse("identity", 32)
TUNED = Recipe(
    "mine",
    (Phase(7, z_rate=0.3, prior=0.03), Phase(9, moves=("residual",), tether=0.5)),
    codes=3,
    layer=2,
)


@pytest.mark.parametrize(
    "recipe",
    [TUNED, *(r for tables in RECIPES.values() for table in tables for r in rows(table).values())],
)
def test_written_and_read_again(tmp_path: Path, recipe: Recipe):
    write_recipe(tmp_path / "recipe.json", recipe, {"psnr": 30.0})
    assert read_recipe(tmp_path / "recipe.json") == recipe


def test_a_file_by_hand(tmp_path: Path):
    file = tmp_path / "hand.json"
    file.write_text('{"phases": [{"steps": 5, "z_rate": 1}], "layer": "layer1"}')
    assert read_recipe(file) == Recipe("tuned", (Phase(5, z_rate=1.0),), layer="layer1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"phases": []}, "has no phases"),
        ({"phases": 3}, "phases: a list"),
        ({"phases": [3]}, "phase 1: an object"),
        ({"phases": [{}]}, "phase 1: steps is missing"),
        ({"phases": [{"steps": 0}]}, "phase 1: steps: 0"),
        ({"phases": [{"steps": 2.5}]}, "phase 1: steps: 2.5 is not int"),
        ({"phases": [{"steps": True}]}, "phase 1: steps: True is not int"),
        ({"phases": [{"steps": 1}, {"steps": 1, "rate": 1}]}, "phase 2: rate: there are steps"),
        ({"phases": [{"steps": 1, "z_rate": -1}]}, "phase 1: z_rate: -1.0, must not be negative"),
        ({"phases": [{"steps": 1, "z_rate": float("nan")}]}, "phase 1: z_rate: nan is not float"),
        ({"phases": [{"steps": 1, "moves": ["w"]}]}, "phase 1: moves: some of z, alpha"),
        ({"phases": [{"steps": 1, "rates": 3}]}, "phase 1: rates: an object is needed"),
        ({"phases": [{"steps": 1, "rates": {"a": "x"}}]}, "phase 1: rates: a: 'x' is not float"),
        ({"phases": [{"steps": 1, "terms": ["x"]}]}, "phase 1: terms: own functions cannot be"),
        ({"phases": [{"steps": 1, "lpips": -1}]}, "phase 1: lpips: -1.0, must not be negative"),
        ({"phases": [{"steps": 1, "moves": []}]}, "phase 1: moves: some of z, alpha"),
        ({"phases": [{"steps": 1, "optimizer": "x"}]}, "phase 1: optimizer: x, not adam"),
        ({"phases": [{"steps": 1, "schedule": "x"}]}, "phase 1: schedule: x, not cosine"),
        ({"codes": "many"}, "codes: 'many' is not int"),
        ({"codes": 0}, "codes: 0, at least 1"),
        ({"candidates": -1}, "candidates: -1, must not be negative"),
        ({"speed": 1}, "speed: there are name"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], message: str):
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps({"phases": [{"steps": 5}]} | change))
    with pytest.raises(SettingError, match=message) as error:
        read_recipe(file)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{file}: ")


@pytest.mark.parametrize("content", [None, "[1]", "no recipe", b"\xff\xfe\x00"])
def test_no_recipe_at_all(tmp_path: Path, content: str | bytes | None):
    file = tmp_path / "none.json"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingError, match=r"none\.json: "):
        read_recipe(file)


def named(name: str) -> Recipe:
    return recipe_for(name, IDENTITY)


def test_what_a_command_asks_for(tmp_path: Path):
    file = str(tmp_path / "mine.json")
    write_recipe(file, TUNED)
    for source, recipe, codes, layer in (
        (file, TUNED, TUNED.codes, TUNED.layer),
        ("paper", named("paper"), AUTO_CODES, None),
    ):
        assert choose_recipe(source, named) == recipe
        assert choose_recipe(source, named, codes=5) == replace(recipe, codes=5)
        assert choose_recipe(source, named, layer="1") == replace(recipe, layer="1")
        assert choose_recipe(source, named, samples=3) == replace(recipe, samples=3)
        assert choose_recipe(source, named, steps=40) == recipe.with_(steps=40)
        chosen = choose_recipe(source, named, codes="auto", layer="auto")
        assert chosen == replace(recipe, codes=codes, layer=layer)
    # By the size of the map is no layer of one's own either.
    assert named("fast").map_size is None
    coarse = recipe_for("fast", parse("gray", 32))
    assert coarse.map_size == 8
    assert choose_recipe("fast", lambda name: coarse, layer="auto").map_size is None
    with pytest.raises(SettingError, match=r"recipe slow: there are fast, .*, or name a file"):
        choose_recipe("slow", named)
    with pytest.raises(SettingError, match=r"absent\.json: cannot be read"):
        choose_recipe(str(tmp_path / "absent.json"), named)


def own(*arguments: Any) -> Any:
    return 0.0


@pytest.mark.parametrize("phase", [Phase(1, terms=(own,)), Phase(1, optimizer=own)])
def test_own_functions_cannot_be_kept(tmp_path: Path, phase: Phase):
    with pytest.raises(SettingError, match="recipe mine: has an own function"):
        write_recipe(tmp_path / "own.json", Recipe("mine", (phase,)))
    assert not (tmp_path / "own.json").exists()


def test_rates_of_other_variables_are_kept(tmp_path: Path):
    phase = Phase(3, moves=("weights", "shift"), rates={"shift": 0.5}, lpips=0.1, ball=2.0)
    recipe = Recipe("mine", (phase,))
    write_recipe(tmp_path / "mine.json", recipe)
    assert read_recipe(tmp_path / "mine.json") == recipe
    assert json.loads((tmp_path / "mine.json").read_text())["phases"][0]["rates"] == {"shift": 0.5}
