# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The tasks
#
# Every task is the same optimisation; only the *degradation* differs, the operator that made the
# observation out of the unknown image. About two minutes on two CPU cores.

# %%
# Installs the package where it is missing (on Colab), and leaves the JAX that is there as it is.
import importlib.metadata
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("mgp_jax") is None:
    present = [p for p in ("jax", "jaxlib", "numpy") if importlib.util.find_spec(p)]
    with open("constraints.txt", "w") as file:
        file.writelines(f"{p}=={importlib.metadata.version(p)}\n" for p in present)
    pip = [sys.executable, "-m", "pip", "install", "-q", "-c", "constraints.txt", "mgp_jax"]
    subprocess.run(pip, check=True)

# %%
import jax
import numpy as np

import mgp_jax as mgp
from mgp_jax.images import Picture
from mgp_jax.report import contact_sheet

generator = mgp.load_generator("faces64")
bundled = importlib.util.find_spec("mgp_jax").submodule_search_locations[0]
photograph = mgp.read_image(f"{bundled}/assets/eileen_collins.png", generator.resolution)

# %% [markdown]
# A degradation is written as text, as on the command line. `simulate` applies it and, where it has
# noise, adds that.


# %%
def task(spec, samples=1):
    """Degrades the photograph, restores it and returns a row of pictures with a caption."""
    degradation = mgp.parse(spec, generator.resolution)
    observation = degradation.simulate(photograph, jax.random.key(0))
    recipe = mgp.recipe_for("fast", degradation).with_(samples=samples)
    restored = mgp.restore(generator, observation[None], degradation, recipe)
    seen, found, truth = (
        np.asarray(degradation.prepare(observation)),
        restored.images[0],
        photograph,
    )
    score = mgp.psnr((found + 1) / 2, (truth + 1) / 2)
    return [seen, found, truth], f"{spec}: {score:.1f} dB", restored


def sheet(rows, headings=("observation", "result", "truth")):
    """Puts the rows of several tasks together."""
    pictures, captions = zip(*((row, caption) for row, caption, *_ in rows), strict=True)
    return Picture(contact_sheet(pictures, captions, scale=2, headings=headings))


# %% [markdown]
# Gray to colour; a quarter of the resolution to all of it; a hole of 16 x 16 pixels; noise with a
# standard deviation of a tenth of the range. What the observation is certain of is put back: the
# luminance, the known pixels, the low-resolution image.

# %%
sheet([task("gray"), task("down:4"), task("mask:center:16"), task("noise:0.1")])

# %% [markdown]
# ## Several at once
#
# Degradations compose, from left to right. So does an old, gray, reduced and noisy photograph.

# %%
sheet([task("gray|down:2|noise:0.05")])

# %% [markdown]
# ## How sure is it?
#
# Most of the face is missing: many faces fit. Several restorations from different random starts
# show which. Their spread tells how far the truth is expected from their mean (black: it is known).
# On the command line this is `--samples 4`, and the report page shows the map.

# %%
row, caption, restored = task("mask:center:32", samples=4)
samples = [*restored.samples[0][:3], 3 * restored.deviation[0].mean(-1, keepdims=True) - 1]
sheet(
    [(row, caption), (samples, "three of four restorations, and the expected deviation")],
    headings=(),
)
