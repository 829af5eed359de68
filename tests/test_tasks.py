"""The table of tasks, beside what the commands, the recipes and the restoration make of it."""

import jax.numpy as jnp
import numpy as np
import pytest

from mgp_jax.agreement import put_back
from mgp_jax.cli.restoring import COMMANDS
from mgp_jax.cli.tuning import TASKS as TUNED
from mgp_jax.degradations import kind_of, parse
from mgp_jax.errors import SettingError
from mgp_jax.recipes.small import FAST
from mgp_jax.tasks import LUMINANCE, NOTHING, PIXELS, PROJECTION, TASKS, Task, task_named, tasks_for

ROWS = pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)


@ROWS
def test_an_example_is_of_its_kind_at_any_resolution(task: Task):
    assert task.kind in {*FAST, "restoration"}
    for resolution in (16, 64, 256):
        degradation = parse(task.spec(resolution), resolution)
        # Of tiny images a quarter is so little that all of it lies near known pixels.
        assert kind_of(degradation) == task.kind or resolution == 16
        degradation.observation_shape((resolution, resolution, 3))


@pytest.mark.parametrize("resolution, factor", [(16, 4), (64, 4), (256, 4), (512, 8), (1024, 16)])
def test_large_images_are_reduced_to_64_pixels(resolution: int, factor: int):
    assert task_named("super-resolution").spec(resolution) == f"down:{factor}"


@ROWS
def test_what_is_put_back(task: Task):
    degradation = parse(task.spec(16), 16)
    random = np.random.default_rng(0)
    truth, rendering = (jnp.asarray(random.uniform(-0.8, 0.8, (16, 16, 3))) for _ in range(2))
    seen = degradation(truth)
    result = put_back(degradation, rendering, seen)
    agrees = bool(jnp.allclose(degradation(result), seen, atol=0.02))
    assert bool(jnp.all(result == rendering)) is not (
        task.put_back in (LUMINANCE, PIXELS) or (task.put_back == PROJECTION and degradation.linear)
    )
    assert agrees or task.put_back == NOTHING or not degradation.linear


def test_every_command_has_a_row_and_every_row_a_command():
    assert {command.name for command in COMMANDS} == {task.command for task in TASKS.values()}
    for task in TASKS.values():
        (command,) = (command for command in COMMANDS if command.name == task.command)
        options = command.__dataclass_fields__
        task.form.format_map(dict.fromkeys(options, "x"))
        # A command has one heading and one form.
        alike = {
            (t.heading, t.form, t.put_back) for t in TASKS.values() if t.command == command.name
        }
        assert len(alike) == 1


def test_who_runs_what():
    assert list(tasks_for("tables")) == [
        *("reconstruction", "colorization", "super-resolution"),
        *("center-inpainting", "random-inpainting", "denoising"),
    ]
    # One example for each command, or `mgp tune --task` would not know which.
    assert len(TUNED) == len(tasks_for("tune")) == 6
    assert TUNED["inpaint"].example == "mask:random:0.8"


def test_unknown_names():
    assert task_named("denoising").command == "denoise"
    with pytest.raises(SettingError, match="task painting: there are reconstruction, colorization"):
        task_named("painting")
