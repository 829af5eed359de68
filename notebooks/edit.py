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
# # Edit a photograph
#
# An edit moves the latent codes of a photograph along a direction that means something: a smile, a
# turn of the head, age. First the photograph is inverted, so that there are codes to move. Images
# are 1024 pixels wide, and on two CPU cores the notebook takes four to five minutes.

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

import jax
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import mgp_jax as mgp
from mgp_jax import editing
from mgp_jax.images import Picture, to_uint8
from mgp_jax.report import contact_sheet


def show(rows, titles, captions=()):
    """Lays out rows of images, an eighth as large."""
    small = [[np.asarray(Image.fromarray(x).reduce(8)) for x in to_uint8(row)] for row in rows]
    return Picture(contact_sheet(small, titles, scale=1, headings=captions))


# %% [markdown]
# ## Invert
#
# The recipe `edit` keeps the codes near what random codes are like while it optimises them, because
# directions mean something only there. What the codes miss is carried along as a residual of the
# feature map. Put your own file names here; faces should be aligned as those of FFHQ are
# (`mgp.align`).

# %%
generator = mgp.load_generator("faces1024")
assets = resources.files("mgp_jax.assets")
photographs = []
for name in ("eileen_collins_aligned.png", "grace_hopper.png"):
    with resources.as_file(assets / name) as file:
        photographs.append(mgp.read_image(file, generator.resolution))
recipe = mgp.recipe_for("edit", mgp.Identity(), generator).with_(steps=80)
result = mgp.invert(generator, np.stack(photographs), recipe=recipe)
codes, others = (jax.tree.map(lambda leaf, k=k: leaf[k], result.codes) for k in range(2))
split = result.split
show(
    [np.stack(photographs), result.images],
    [
        "photographs",
        f"inversions: {len(codes.z)} codes, cut behind {generator.stages[split.cut - 1]}",
    ],
)

# %% [markdown]
# ## Directions that mean something
#
# `faces1024` comes with directions: boundaries of attributes that were measured in random faces,
# and directions of SeFa and GANSpace that were named after looking at them. Every one moves the
# styles of those layers only that draw what it is named after. On the command line `mgp directions`
# lists them and `mgp train-boundary` makes new ones.

# %%
strengths = np.linspace(-2, 2, 5)
captions = [f"{strength:+.1f}" for strength in strengths]
names = ("smile", "yaw", "age", "hair")
edits = {}
for name in names:
    direction = editing.find_direction(name, generator, split.cut)
    edits[name] = editing.render_edits(split, codes, direction, strengths, residual="warp")
show(list(edits.values()), names, captions)

# %% [markdown]
# Strength zero is the inversion, bit for bit, and LPIPS tells how far the image drifts away on both
# sides of it.

# %%
smile = editing.find_direction("smile", generator, split.cut)
assert np.array_equal(
    edits["smile"][2], editing.render_edits(split, codes, smile, [0], residual="warp")[0]
)
plt.figure(figsize=(5, 2.8), dpi=80)
for (name, frames), marker in zip(edits.items(), "os^D", strict=True):
    plt.plot(strengths, editing.drift(frames, frames[2]), marker + "-", label=name)
plt.xlabel("strength (standard deviations)")
plt.ylabel("LPIPS to the inversion")
plt.legend()
plt.tight_layout()

# %% [markdown]
# ## Only there
#
# A region keeps everything outside of it as it is, here all but the lower half of the face.

# %%
region = np.zeros((1024, 1024), bool)
region[520:900, 260:760] = True
frames = edits["smile"]
limited = editing.limit(frames, frames[2], region)
print("drift outside the region before:", np.round(editing.drift(frames, frames[2], ~region), 3))
print("and limited:                    ", np.round(editing.drift(limited, frames[2], ~region), 3))
show([limited], ["smile, limited to a region"], captions)

# %% [markdown]
# ## From one face to another
#
# The order of the codes means nothing to an image, but it decides what becomes what on the way. So
# the codes are matched first. Below, the second face gives its styles behind a layer only: the form
# is that of the first photograph, colours and light are those of the second.

# %%
shares = np.linspace(0, 1, 5)
matched = editing.match(codes, others)
way = [editing.interpolate(codes, matched, share, split.space) for share in shares]
frames = editing.render_all(split, way)
show([frames], ["interpolation"], [f"{share:.0%}" for share in shares])

# %%
wide, mixed = editing.mix_styles(split, codes, matched, "layer7")
_, first = editing.lift(split, codes, "w+")
way = [editing.interpolate(first, mixed, share, wide.space) for share in shares]
frames = editing.render_all(wide, way)
show([frames], ["styles behind layer7"], [f"{share:.0%}" for share in shares])

# %% [markdown]
# On the command line:
#
#     mgp directions faces1024 --out strips
#     mgp edit photo.png --out edited --direction smile
#     mgp interpolate first.png second.png --out between --behind layer7
#     mgp train-boundary faces1024 --out hair.npy --score module:function
