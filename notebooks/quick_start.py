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
# # Quick start
#
# A generator that was trained to draw faces knows what faces look like. Here it is frozen, and used
# to reproduce and to repair a photograph that it has never seen. Nothing is trained. Images are
# 1024 pixels wide, and on two CPU cores the notebook takes three to four minutes.

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
from importlib import resources

import matplotlib.pyplot as plt
import numpy as np

import mgp_jax as mgp
from mgp_jax.generators.sampling import with_truncation
from mgp_jax.images import Picture, to_uint8
from mgp_jax.report import contact_sheet, tile

# %% [markdown]
# ## What the generator draws
#
# `faces1024` comes with the package. Random codes give random faces; kept near the mean, they are
# less varied and better drawn.

# %%
generator = mgp.load_generator("faces1024")
samples = mgp.generate(with_truncation(generator, 0.7), mgp.random_latents(generator, 5))
Picture(tile(to_uint8(samples), columns=5))

# %% [markdown]
# ## A photograph in its terms
#
# No single code draws a given photograph. So several codes run through the first half of the
# generator, their feature maps are added with a learned importance for every code and channel, and
# the second half renders the sum. Images are arrays in [-1, 1], height x width x channels; put your
# own file name here. (Faces are found in photographs and aligned with `mgp.restore_photo`.)

# %%
with resources.as_file(resources.files("mgp_jax.assets") / "grace_hopper.png") as file:
    photograph = mgp.read_image(file, generator.resolution)

inverted = mgp.invert(generator, photograph[None])
unit = [(image + 1) / 2 for image in (np.clip(inverted.images[0], -1, 1), photograph)]
caption = f"PSNR {mgp.psnr(*unit):.1f} dB, LPIPS {mgp.lpips(*unit):.3f}"
headings = ("photograph", "reproduction")
Picture(contact_sheet([to_uint8([photograph, inverted.images[0]])], [caption], headings=headings))

# %% [markdown]
# Eight codes are optimised first (10 steps), then the composed feature map is refined (140 steps,
# which cost less, because only the second half of the generator runs).

# %%
psnr = 10 * np.log10(4 / inverted.errors[0])
plt.figure(figsize=(5, 2.5), dpi=80)
plt.plot(np.arange(1, len(psnr) + 1), psnr)
plt.xlabel("step")
plt.ylabel("PSNR in dB")
plt.grid(alpha=0.3)
plt.tight_layout()

# %% [markdown]
# ## A gray photograph gets colours
#
# Now only the gray picture is known. The codes are optimised until the rendering, *made gray*,
# matches it; the colours then come from what the generator knows of faces.

# %%
gray = mgp.Grayscale()
observation = gray(photograph)
restored = mgp.restore(generator, observation[None], gray)
row = [to_uint8(np.asarray(image)) for image in (observation, restored.images[0], photograph)]
headings = ("observation", "result", "truth")
Picture(contact_sheet([row], ["colorized"], headings=headings))

# %% [markdown]
# ## The same on the command line
#
#     mgp demo
#     mgp invert photos/ --out inverted
#     mgp colorize old.png --out colored
#
# Every run writes a page, `index.html`, to look at. The other tasks are in the notebook `tasks`.
