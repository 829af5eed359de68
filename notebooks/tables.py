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
# # The paper's tables
#
# The paper compares its several codes with one code and with other ways to use a generator. This is
# the same comparison, small: two tasks, a few methods, a few images and few steps, so that it takes
# about a minute on two CPU cores. The guide has [what is compared and how](guides/tables.md).

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
import tempfile
from pathlib import Path

from IPython.display import Markdown
from PIL import Image

import mgp_jax as mgp
from mgp_jax.tables import Comparison, example_images, parse_budget, run_tables, write_tables

generator = mgp.load_generator("faces64")

# %% [markdown]
# ## What is compared
#
# Four images that every reader has: the bundled photograph, and three faces that the generator drew
# itself and could therefore draw again exactly. Every method gets the same observations, the same
# seed and at most the same number of steps.

# %%
images = example_images(generator)
comparison = Comparison(
    generator=generator,
    images=images,
    budget=parse_budget("60"),
    tasks=("colorization", "center-inpainting"),
    methods=("observation", "one-code", "feature-map", "multi-code"),
)

# %% [markdown]
# On the command line this is
#
#     mgp bench tables --out tables --budget 60 --tasks colorization center-inpainting \
#       --methods observation one-code feature-map multi-code --grid --generator faces64
#
# What is finished has a record; the same call later does the rest.


# %%
def tell(record):
    """Prints what has been finished."""
    print(f"{record['task']}, {record['method']}: {record['seconds']:.2f} s an image")


folder = Path(tempfile.mkdtemp())
records = run_tables(comparison, folder, tell)

# %% [markdown]
# ## The tables
#
# `write_tables` makes Markdown, JSON, plots and pictures of the records; here is the table of each
# task. Mean and standard error over the images; the best of the methods that use the generator is
# bold.

# %%
about = {
    "command": "this notebook",
    "generator": generator.name,
    "images": images.stems,
    "budget": str(comparison.budget),
    "seed": comparison.seed,
}
text = write_tables(folder, records, about).read_text()
Markdown(text[text.index("## ") :])

# %% [markdown]
# ## How to read them
#
# - **Higher is better** for PSNR, SSIM and AuC (the share of pixels whose colour is right),
#   **lower** for LPIPS, which follows people's judgement better than the others.
# - *Observation alone* does nothing but make an image of what is known. What a method adds begins
#   there.
# - What the observation is certain of (luminance, known pixels) is put back for every method, so
#   the numbers compare what the methods invent.
# - **Steps** are what the budget allows, or less where more would only harm: in colorization,
#   multi-code stops after 20. Steps differ in price; the last column tells what they cost, and a
#   budget in seconds (`3s`) allows for it. This column depends on the machine, all else does not.
# - The standard error over four images is large. Differences that are smaller, as between the last
#   two methods in colorization, say nothing; more images are needed then.
#
# The plot shows LPIPS for all methods and tasks. Methods that know images from the generator are
# blue circles, the others red squares.

# %%
Image.open(folder / "methods.png")

# %% [markdown]
# The pictures say what numbers hide: a row is an image, a column a method, the truth at the right.

# %%
Image.open(folder / "colorization.png").quantize()

# %%
Image.open(folder / "center-inpainting.png").quantize()
