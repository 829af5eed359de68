"""Every program of every recipe and family lowers for GPU and TPU, here, where there is neither.

One export serves both. What would be wrong or slow there is looked for in its text: float64, shapes
known only when it runs, and arrays that are part of the program instead of its arguments.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import export
from known_recipes import rows

from mgp_jax.benchmark.device.networks import SMALLEST, smallest
from mgp_jax.benchmark.device.parity import OPERATORS
from mgp_jax.degradations import parse
from mgp_jax.generators import Generator
from mgp_jax.generators.formulations import AS_DEFINED, Formulation, formulated
from mgp_jax.inversion import Inversion, draw, image_keys, outline, resolve, start
from mgp_jax.inversion.problem import make_targets
from mgp_jax.recipes import RECIPES, Phase, Recipe
from mgp_jax.solve import advance, begin, finish
from mgp_jax.tasks import TASKS
from mgp_jax.terms.networks import looking

PLATFORMS = ("cuda", "tpu")
# An operator for every kind of problem.
SPECS = {
    "inversion": "identity",
    "colorization": "gray",
    "super-resolution": "down:2",
    "inpainting": "mask:center:4",
    "scattered inpainting": "mask:random:0.5",
    "denoising": "noise:0.1",
    "restoration": "blur:gaussian:1|jpeg:50",
}
# Elements of an array that may be written into a program: tables of JPEG, kernels of filters.
WIDE = 1024


@pytest.fixture(autouse=True)
def for_accelerators() -> Iterator[None]:
    """What another test has traced is that of the CPU."""
    jax.clear_caches()
    with formulated(AS_DEFINED):
        yield
    jax.clear_caches()


def faults(text: str) -> list[str]:
    """What a program in StableHLO should not hold."""
    found = ["float64"] * bool(re.search(r"[<x]f64>", text))
    dynamic = r"tensor<[^>]*\?|stablehlo\.\w*dynamic_(?!slice|update_slice)"
    found += ["dynamic shape"] * bool(re.search(dynamic, text))
    # One number for all elements takes no room; others stand in brackets, in hex or apart.
    for shape in re.findall(r"dense(?:<[\[\"]|_resource<)[^>]*> : tensor<([^>]*)>", text):
        if math.prod(map(int, re.findall(r"(\d+)x", shape))) > WIDE:
            found.append(f"constant {shape}")
    return found


def exported(function: Any, *arguments: Any) -> str:
    return export.export(jax.jit(function), platforms=PLATFORMS)(*arguments).mlir_module()


def whole(inversion: Inversion, count: int = 2) -> str:
    """All programs of an inversion, one after the other, from shapes alone."""
    problem, _ = outline(inversion, count)
    keys = jax.eval_shape(lambda: image_keys(0, jnp.arange(count)))
    sizes = [phase.perceptual_size for phase in looking(inversion.recipe.phases)]

    def run(problem: Any, keys: jax.Array) -> Any:
        given, observed = problem.given, problem.target.observation
        seen = (given.networks, given.degradation, observed, problem.target.tolerance, given.key)
        problem = problem._replace(target=make_targets(*seen, sizes[0] if sizes else None))
        variables = start(problem, keys, inversion.phases[0])
        status = jnp.zeros(count, jnp.int32)
        for phase in inversion.phases:
            state = begin(problem, variables, status, phase)
            state = advance(problem, state, 1, phase)
            variables, _ = finish(problem, state, phase)
        return draw(given, variables, inversion.phases[-1]), variables

    return exported(run, problem, keys)


def recipes_of(generator: Generator) -> Iterator[tuple[str, str, Recipe]]:
    """All recipes whose programs differ: numbers of steps, rates and weights do not count."""
    numbers = {field.name for field in fields(Phase) if field.name.endswith("rate")}
    numbers |= {"steps", "rates"}
    known = set()
    styled = "w" in dict(generator.config.spaces)
    for name, tables in RECIPES.items():
        for table in tables if styled else tables[:1]:
            for kind, recipe in rows(table).items():
                named = isinstance(recipe.layer, str)
                absent = named and recipe.layer not in generator.stages
                if absent or recipe.space not in dict(generator.config.spaces):
                    continue  # Refused in one line when it is resolved.
                weighed = tuple(
                    tuple(
                        bool(value) if isinstance(value, float) else value
                        for value in (
                            getattr(phase, f.name) for f in fields(Phase) if f.name not in numbers
                        )
                    )
                    for phase in recipe.phases
                )
                cut = (
                    generator.default_cut(recipe.map_size) if recipe.layer is None else recipe.layer
                )
                about = (recipe.space, recipe.from_mean, recipe.importance_power > 1)
                program = (weighed, cut, *about, recipe.truncation != 1, recipe.candidates > 0)
                if program not in known:
                    known.add(program)
                    yield name, kind, recipe


def few(recipe: Recipe, generator: Generator) -> Recipe:
    """The same programs of fewer codes, steps and candidates, on a network of fewer layers."""
    layer = recipe.layer
    if isinstance(layer, int):
        layer = min(layer, generator.default_cut())
    phases = tuple(replace(phase, steps=min(phase.steps, 2)) for phase in recipe.phases)
    codes, candidates = min(recipe.codes, 3), min(recipe.candidates, 6)
    return replace(recipe, phases=phases, codes=codes, candidates=candidates, layer=layer)


def require_all(generator: Generator, recipes: Any) -> None:
    for name, kind, recipe in recipes:
        degradation = parse(SPECS.get(kind, SPECS["restoration"]), generator.resolution)
        inversion = resolve(generator, degradation, few(recipe, generator))
        assert faults(whole(inversion)) == [], (name, kind)


@pytest.mark.parametrize("family", SMALLEST)
def test_the_fast_recipe_lowers(family: str):
    generator = smallest(family)
    first = next(found for found in recipes_of(generator) if found[0] == "fast")
    require_all(generator, [first])


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_lowers(name: str):
    """By the family that knows all spaces."""
    generator = smallest("mobile_stylegan")
    require_all(generator, [found for found in recipes_of(generator) if found[0] == name][:1])


@pytest.mark.slow
@pytest.mark.parametrize("family", SMALLEST)
def test_every_recipe_of_every_family_lowers(family: str):
    generator = smallest(family)
    require_all(generator, recipes_of(generator))


@pytest.mark.parametrize("spec", OPERATORS)
def test_every_operator_lowers(spec: str):
    degradation = parse(spec, 8)

    def loss(degradation: Any, image: jax.Array, key: jax.Array) -> jax.Array:
        return jnp.sum(degradation.simulate(image, key) ** 2) + jnp.sum(degradation(image) ** 2)

    image, key = (
        jax.ShapeDtypeStruct((8, 8, 3), "float32"),
        jax.eval_shape(lambda: jax.random.key(0)),
    )
    assert faults(exported(jax.grad(loss, argnums=1), degradation, image, key)) == []


@pytest.mark.parametrize("lanes", [1, 8])
def test_formulations_for_accelerators_lower(lanes: int):
    generator = smallest("stylegan2")
    recipe = Recipe("test", (Phase(2),), codes=2, layer="layer1", space="w")
    inversion = resolve(generator, recipe=recipe)
    with formulated(Formulation(lanes=lanes, modulated=True)):
        assert faults(whole(inversion)) == []


def test_all_kinds_are_looked_at():
    assert {task.kind for task in TASKS.values()} <= SPECS.keys()


def test_faults_are_found():
    wide = jnp.arange(2 * WIDE, dtype="float32") ** 2
    image = jax.ShapeDtypeStruct((2 * WIDE,), "float32")
    with jax.enable_x64(True):
        text = exported(lambda x: x.astype("float64") + wide, image)
    assert faults(text) == ["float64", f"constant {2 * WIDE}xf32"]
    (size,) = export.symbolic_shape("n")
    shape = jax.ShapeDtypeStruct((size,), "float32")
    assert "dynamic shape" in faults(exported(lambda x: jnp.concatenate([x, x]), shape))
    assert faults(exported(lambda x: x + 1, image)) == []
