"""How far a restoration in Python is, on one line that updates."""

import sys
import time
from typing import Any

from mgp_jax.solve import Progress


class ProgressLine:
    """Shows how far a restoration is, on one line that updates: in a notebook or on a terminal.

    To be given to `restore`, `invert` and the like as `on_progress`.

    Args:
        label: what is running.

    Example:
        >>> from mgp_jax import DCGANConfig, Phase, ProgressLine, Recipe, invert
        >>> from mgp_jax import generate, random_generator, random_latents
        >>> generator = random_generator(DCGANConfig(latent_size=8, channels=(8, 4)))
        >>> images = generate(generator, random_latents(generator, 1))
        >>> recipe = Recipe("short", (Phase(3),), codes=4)
        >>> result = invert(generator, images, recipe=recipe, on_progress=ProgressLine())
    """

    def __init__(self, label: str = "restoring"):
        self.label = label
        self._began = time.monotonic()
        self._display: Any = None

    def __call__(self, progress: Progress) -> None:
        """Shows a report; the last one of a run ends the line."""
        seconds = time.monotonic() - self._began
        text = f"{self.label}: step {progress.step}/{progress.steps}, loss {progress.loss:.4g}"
        text += f", PSNR {progress.psnr:.1f} dB, {seconds:.0f} s"
        ended = progress.step >= progress.steps or not progress.running
        if (display := notebook_display()) is None:
            print(f"\r{text}", end="\n" if ended else "", file=sys.stderr, flush=True)
        elif self._display is None:
            self._display = display({"text/plain": text}, raw=True, display_id=True)
        else:
            self._display.update({"text/plain": text}, raw=True)
        if ended:
            self._began, self._display = time.monotonic(), None


def notebook_display() -> Any:
    """Returns what displays something in a notebook, None outside of one."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display
