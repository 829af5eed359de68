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
# to reproduce and to repair a photograph that it has never seen. Nothing is trained. On two CPU
# cores the notebook takes about a minute, most of it compilation.

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
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import mgp_jax as mgp
from mgp_jax.images import to_uint8
from mgp_jax.report import contact_sheet, tile

# %% [markdown]
# ## What the generator draws
#
# `faces64` comes with the package. Random codes give random faces.

# %%
generator = mgp.load_generator("faces64")
samples = mgp.generate(generator, mgp.random_latents(generator, 8))
Image.fromarray(to_uint8(tile(samples, columns=8)))

# %% [markdown]
# ## A photograph in its terms
#
# No single code draws a given photograph. So several codes run through the first half of the
# generator, their feature maps are added with a learned importance for every code and channel, and
# the second half renders the sum. Images are arrays in [-1, 1], height x width x channels; put your
# own file name here.

# %%
bundled = importlib.util.find_spec("mgp_jax").submodule_search_locations[0]
photograph = mgp.read_image(f"{bundled}/assets/eileen_collins.png", generator.resolution)

inverted = mgp.invert(generator, photograph[None])
unit = [(image + 1) / 2 for image in (np.clip(inverted.images[0], -1, 1), photograph)]
caption = f"PSNR {mgp.psnr(*unit):.1f} dB, LPIPS {mgp.lpips(*unit):.3f}"
headings = ("photograph", "reproduction")
Image.fromarray(contact_sheet([[photograph, inverted.images[0]]], [caption], headings=headings))

# %% [markdown]
# Of 400 random codes, the 20 whose images are nearest to the photograph are optimised first (20
# steps), then the composed feature map is refined (1000 steps, which cost less, because only the
# second half of the generator runs).

# %%
psnr = 10 * np.log10(4 / inverted.errors[0])
plt.figure(figsize=(5, 2.5), dpi=80)
plt.plot(np.arange(1, len(psnr) + 1), psnr)
plt.xscale("log")
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
row = [np.asarray(observation), restored.images[0], photograph]
headings = ("observation", "result", "truth")
Image.fromarray(contact_sheet([row], ["colorized"], headings=headings))

# %% [markdown]
# ## The same on the command line
#
#     mgp demo
#     mgp invert photos/ --out inverted
#     mgp colorize old.png --out colored
#
# Every run writes a page, `index.html`, to look at. The other tasks are in the notebook `tasks`.
