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
# # Bring your own PyTorch checkpoint
#
# A generator trained elsewhere, in PyTorch, becomes one `.safetensors` file that `mgp_jax` runs.
# PyTorch is not needed for that, and nothing in the checkpoint is executed. A minute on two cores.

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
from pathlib import Path

import numpy as np

import mgp_jax as mgp
from mgp_jax.images import Picture
from mgp_jax.report import contact_sheet

# %% [markdown]
# ## The checkpoint
#
# Put your own file here. The one of this notebook is a DCGAN in the layout of the PyTorch tutorial,
# from the project's tests: its weights are random, so do not expect faces. What PyTorch computes
# with it is known, which lets us check the conversion. (`faces64`, the bundled generator, came into
# the package in the same way.)

# %%
data = Path("../tests/data/golden")
checkpoint = data / "dcgan.pth"

# %% [markdown]
# ## Convert
#
# The command prints what became of every tensor. It refuses a file in which a tensor is missing,
# left over or of a wrong shape.


# %%
def shell(command):
    """Runs a command as a terminal would and shows what it prints."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    print(done.stdout + done.stderr)


shell(f"mgp-convert {checkpoint} mine.safetensors --licence 'mine, all rights reserved'")

# %% [markdown]
# ## Is it the same network?
#
# The file beside the checkpoint holds codes and the images that PyTorch made of them.

# %%
generator = mgp.load_generator("mine.safetensors")
golden = np.load(data / "dcgan.npz")
images = np.asarray(mgp.generate(generator, golden["z"]))
expected = golden["image"].transpose(0, 2, 3, 1)  # PyTorch puts channels first
print("largest difference:", np.abs(images - expected).max())
headings = ("PyTorch", "mgp_jax")
Picture(contact_sheet([[expected[0], images[0]]], ["the first image"], headings=headings))

# %% [markdown]
# ## Where can it be cut?
#
# `mgp info` lists the stages. The number or the name of one goes to `--layer`; the feature maps of
# several codes are added there.

# %%
shell("mgp info mine.safetensors")

# %% [markdown]
# ## Use it
#
# From here on it is a generator like any other: `mgp invert photos/ --out inverted --generator
# mine.safetensors`, or in Python. An image that it drew itself must come back:

# %%
target = images[:1]
result = mgp.invert(generator, target)
caption = f"PSNR {mgp.psnr((result.images[0] + 1) / 2, (target[0] + 1) / 2):.1f} dB"
headings = ("given", "found again")
Picture(contact_sheet([[target[0], result.images[0]]], [caption], headings=headings))

# %% [markdown]
# ## A file that wants to do more than hold weights
#
# The pickle inside of a checkpoint is a program that may do anything to whoever loads it
# carelessly. This one tries to create a file. It is refused, and the name that it called is told.

# %%
shell(f"mgp-convert {data}/evil.pth evil.safetensors")
