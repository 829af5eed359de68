"""The table of tasks: what each command undoes, and what the comparison of methods runs.

One more task is a row here and a command with its options in `cli/restoring.py`. Nothing heavy is
imported: the command line reads the table before it knows what is asked for.
"""

from dataclasses import dataclass
from typing import Literal

from mgp_jax.errors import SettingError

Use = Literal["tables", "tune"]


@dataclass(frozen=True)
class Task:
    """A row of the table.

    Attributes:
        name: what tables call it.
        command: the command that does it; several rows may be examples of one command.
        heading: what reports call the command.
        kind: the kind of problem, which chooses the recipe; what `kind_of` says of `example`.
        form: the degradation in its text form, with the options of the command in braces.
        example: a degradation of this kind in its text form; {quarter} is a quarter of the side,
            {reduction} what makes large images 64 pixels wide, and others a quarter of their size.
        put_back: what of the observation is put back into the rendering.
        uses: who runs the example: the comparison of methods (and the training of encoders), the
            search for recipes.
    """

    name: str
    command: str
    heading: str
    kind: str
    form: str
    example: str
    put_back: str
    uses: tuple[Use, ...] = ("tables", "tune")

    def spec(self, resolution: int) -> str:
        """Returns the example for images of a height and width in pixels."""
        return self.example.format(quarter=resolution // 4, reduction=max(4, resolution // 64))


NOTHING, LUMINANCE, PIXELS = "nothing", "its luminance", "its known pixels"
PROJECTION = "all of it, by the least change, where it is linear and without noise"

INVERT = ("invert", "Inversion", "inversion", "identity")
COLORIZE = ("colorize", "Colorization", "colorization", "gray")
SUPER_RESOLVE = ("super-resolve", "Super-resolution", "super-resolution", "down:{factor}:{filter}")
HOLE = ("inpaint", "Inpainting", "inpainting", "mask:{mask}")
SCATTERED = ("inpaint", "Inpainting", "scattered inpainting", "mask:{mask}")
DENOISE = ("denoise", "Denoising", "denoising", "noise:{sigma}")
DEBLUR = ("deblur", "Deblurring", "restoration", "blur:{blur}")
RESTORE = ("restore", "Restoration", "restoration", "{degradation}")

ROWS = (
    Task("reconstruction", *INVERT, "identity", NOTHING),
    Task("colorization", *COLORIZE, "gray", LUMINANCE),
    Task("super-resolution", *SUPER_RESOLVE, "down:{reduction}", PROJECTION),
    Task("center-inpainting", *HOLE, "mask:center:{quarter}", PIXELS, ("tables",)),
    Task("random-inpainting", *SCATTERED, "mask:random:0.8", PIXELS, ("tables", "tune")),
    Task("denoising", *DENOISE, "noise:0.1", NOTHING),
    Task("deblurring", *DEBLUR, "blur:gaussian:1.5", PROJECTION, ("tune",)),
    Task("restoration", *RESTORE, "jpeg:30", PROJECTION, ()),
)
TASKS: dict[str, Task] = {task.name: task for task in ROWS}
# The first task of each command.
OF_COMMAND = {task.command: task for task in reversed(TASKS.values())}


def tasks_for(use: Use) -> dict[str, Task]:
    """Returns the tasks that someone runs, by name."""
    return {task.name: task for task in TASKS.values() if use in task.uses}


def task_named(name: str) -> Task:
    """Returns a row of the table.

    Raises:
        SettingError: there is no such task.
    """
    if name not in TASKS:
        raise SettingError(f"task {name}: there are {', '.join(TASKS)}")
    return TASKS[name]
