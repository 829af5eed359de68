"""The table of commands: what the overview says of each, and where its class is.

The overview is to come at once, so nothing is imported but the command that has been asked for.
"""

import pkgutil
from typing import NamedTuple

from mgp_jax.cli.common import Command


class Entry(NamedTuple):
    """A command as the overview knows it.

    Attributes:
        place: its class, as `module:class` of this package.
        summary: the first line of its help.
    """

    place: str
    summary: str

    def load(self) -> type[Command]:
        """Imports the command."""
        return pkgutil.resolve_name(f"{__package__}.{self.place}")

    def stand_in(self) -> type:
        """Returns a command without options, for the overview."""
        return type("StandIn", (), {"__doc__": self.summary})


COMMANDS = {
    "demo": Entry(
        "demo:Demo",
        "Restore the bundled portraits at 1024 x 1024 pixels and write a page to look at.",
    ),
    "invert": Entry("restoring:Invert", "Find codes that reproduce photographs."),
    "colorize": Entry(
        "restoring:Colorize", "Give gray photographs colours; their luminance is kept."
    ),
    "super-resolve": Entry("restoring:SuperResolve", "Enlarge low-resolution photographs."),
    "inpaint": Entry("restoring:Inpaint", "Fill in missing pixels; known ones are kept."),
    "denoise": Entry("restoring:Denoise", "Remove Gaussian noise."),
    "deblur": Entry("restoring:Deblur", "Sharpen blurred photographs."),
    "restore": Entry("restoring:Restore", "Undo any chain of degradations."),
    "edit": Entry("editing:Edit", "Move photographs along a direction of the latent space."),
    "interpolate": Entry(
        "editing:Interpolate", "Go from one photograph to another through the latent space."
    ),
    "train-boundary": Entry(
        "directing:TrainBoundary",
        "Train a direction from labels: latent codes and their labels, or a function that scores.",
    ),
    "directions": Entry(
        "directing:Directions",
        "List the directions that are bundled with a generator, and draw what they do.",
    ),
    "analyse": Entry("analysis:Analyse", "See what codes, channels and layers know."),
    "app": Entry(
        "app:App",
        "Restore and edit photographs on a page in the browser, on this computer alone.",
    ),
    "info": Entry("generators:Info", "Show the stages of a generator and where it can be cut."),
    "sample": Entry("generators:Sample", "Render random or given latent codes."),
    "tune": Entry(
        "tuning:Tune", "Find cut, number of codes, steps and rates for a generator and a task."
    ),
    "train-encoder": Entry(
        "encoders:TrainEncoder",
        "Train a network that guesses the latent code of an image, on images that the generator "
        "makes.",
    ),
    "bench": Entry("bench:Bench", "Measure methods and machines."),
    "doctor": Entry(
        "helping:Doctor",
        "Check the installation: versions, devices, bundled files, cache, memory, one rendering.",
    ),
    "completion": Entry(
        "helping:Completion",
        "Print a script that lets a shell complete commands, options and their values.",
    ),
}
