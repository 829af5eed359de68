"""Recipes as files: JSON that says how to invert, as `mgp tune` writes it or a person by hand."""

import dataclasses
import json
import math
import os
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mgp_jax.errors import SettingError
from mgp_jax.files import replacing
from mgp_jax.recipes import RECIPES, Phase, Recipe
from mgp_jax.solve.transforms import SCHEDULES, TRANSFORMS

# The rule for `auto` where no tuned recipe says better: reconstructions hardly gain from more codes
# (Gu et al. 2020, section 4.2), and the cut is the default one.
AUTO_CODES = 20


def write_recipe(
    path: str | os.PathLike[str], recipe: Recipe, about: Mapping[str, Any] | None = None
) -> None:
    """Writes a recipe to a JSON file.

    Args:
        path: the file; it is replaced as a whole or not at all.
        recipe: the recipe.
        about: where it comes from: JSON values, for people.

    Raises:
        SettingError: the file cannot be written.
    """
    path = Path(path)
    values: dict[str, Any] = {} if about is None else {"about": dict(about)}
    text = json.dumps(values | to_values(recipe), indent=1) + "\n"
    try:
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise SettingError(f"{path}: cannot be written ({error.strerror})") from None


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Reads a recipe from a JSON file. What a phase does not mention has its default.

    Raises:
        SettingError: the file cannot be read, or a setting in it is unknown or has a wrong value.
    """
    path = Path(path)
    try:
        values = json.loads(path.read_text())
    except OSError as error:
        raise SettingError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise SettingError(f"{path}: is not JSON ({error})") from None
    try:
        return from_values(values)
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from None


def to_values(recipe: Recipe) -> dict[str, Any]:
    """Returns a recipe as JSON values; settings of phases that are the defaults are left out.

    Raises:
        SettingError: a phase has an own function, which a file cannot hold.
    """
    if any(phase.terms or callable(phase.optimizer) for phase in recipe.phases):
        raise SettingError(f"recipe {recipe.name}: has an own function, it cannot be saved")
    defaults = {field.name: field.default for field in dataclasses.fields(Phase)}
    values = dataclasses.asdict(recipe)
    phases = [{k: v for k, v in p.items() if v != defaults[k]} for p in values["phases"]]
    return values | {"phases": [_plain(phase) for phase in phases]}


def from_values(values: Any) -> Recipe:
    """Makes a recipe of JSON values.

    Raises:
        SettingError: a setting is unknown, missing or has a wrong value.
    """
    if not isinstance(values, dict):
        raise SettingError("a recipe is an object with the key phases")
    values = {key: value for key, value in values.items() if key != "about"}
    phases = values.get("phases")
    if not isinstance(phases, list):
        raise SettingError("phases: a list is needed")
    made = tuple(_make(Phase, phase, f"phase {n}: ") for n, phase in enumerate(phases, 1))
    for number, phase in enumerate(made, 1):
        _check(phase, f"phase {number}: ")
    recipe = _make(Recipe, {"name": "tuned", **values, "phases": made}, "")
    if recipe.candidates < 0:
        raise SettingError(f"candidates: {recipe.candidates}, must not be negative")
    return recipe


def choose_recipe(
    source: str,
    named: Callable[[str], Recipe],
    *,
    codes: int | str | None = None,
    layer: int | str | None = None,
    steps: int | None = None,
    samples: int | None = None,
) -> Recipe:
    """Returns the recipe that a command asks for.

    Args:
        source: the name of a recipe, or a recipe file.
        named: returns the recipe of a name.
        codes: number of codes N; None for the recipe's. `auto` for that of a recipe file, else 20.
        layer: the cut; None for the recipe's. `auto` for that of a recipe file, else
            the generator's default.
        steps: number of steps, shared among the phases; None for the recipe's.
        samples: restorations of each image; None for the recipe's.

    Raises:
        SettingError: there is no such recipe, or the file is not one.
    """
    tuned = source not in RECIPES
    if tuned and not Path(source).exists() and Path(source).suffix != ".json":
        raise SettingError(f"recipe {source}: there are {', '.join(RECIPES)}, or name a file")
    recipe = read_recipe(source) if tuned else named(source)
    if codes == "auto":
        codes = recipe.codes if tuned else AUTO_CODES
    if layer == "auto":
        recipe = recipe if tuned else recipe.with_(layer=None, map_size=None)
        layer = None
    wanted = {"codes": codes, "layer": layer, "steps": steps, "samples": samples}
    return recipe.with_(**{k: v for k, v in wanted.items() if v is not None})


def _make(kind: type[Any], values: Any, where: str) -> Any:
    """Makes a dataclass of JSON values, every one checked against the type of its field."""
    if not isinstance(values, dict):
        raise SettingError(f"{where}an object is needed")
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := values.keys() - fields.keys():
        raise SettingError(f"{where}{sorted(unknown)[0]}: there are {', '.join(fields)}")
    for name, field in fields.items():
        if name not in values and field.default is dataclasses.MISSING:
            raise SettingError(f"{where}{name} is missing")
    return kind(**{k: _typed(v, hints[k], f"{where}{k}") for k, v in values.items()})


def _typed(value: Any, hint: Any, where: str) -> Any:
    parts = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    kinds = tuple(typing.get_origin(part) or part for part in parts)
    if Mapping in kinds:
        if not isinstance(value, dict):
            raise SettingError(f"{where}: an object is needed")
        return {k: _typed(v, float, f"{where}: {k}") for k, v in value.items()}
    if tuple in kinds and isinstance(value, list):
        value = tuple(value)
    if float in kinds and type(value) is int:
        value = float(value)
    # Not isinstance: True is no number.
    if type(value) not in kinds or (type(value) is float and not math.isfinite(value)):
        known = (k for k in kinds if k is not Callable)
        names = " or ".join("null" if k is types.NoneType else k.__name__ for k in known)
        raise SettingError(f"{where}: {value!r} is not {names}")
    return value


def _check(phase: Phase, where: str) -> None:
    """Checks the ranges of a phase's settings; the engine takes them as given."""
    if phase.steps < 1:
        raise SettingError(f"{where}steps: {phase.steps}, at least 1 is needed")
    for name, known in (("optimizer", tuple(TRANSFORMS)), ("schedule", SCHEDULES)):
        if getattr(phase, name) not in known:
            raise SettingError(f"{where}{name}: {getattr(phase, name)}, not {' or '.join(known)}")
    if phase.terms:
        raise SettingError(f"{where}terms: own functions cannot be in a file")
    own = [field.name.removesuffix("_rate") for field in dataclasses.fields(Phase)]
    movable = [name for name in own if hasattr(phase, f"{name}_rate")] + list(dict(phase.rates))
    if not phase.moves or not set(phase.moves) <= set(movable):
        raise SettingError(f"{where}moves: some of {', '.join(movable)}")
    for field in dataclasses.fields(Phase):
        value = getattr(phase, field.name)
        if isinstance(value, float) and value < 0:
            raise SettingError(f"{where}{field.name}: {value}, must not be negative")


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
    return plain | {k: dict(v) for k, v in values.items() if k == "rates"}
