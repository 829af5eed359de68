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
# An edit moves the latent codes of a photograph along a direction that means something: brighter
# hair, another pose. First the photograph is inverted, so that there are codes to move. On two CPU
# cores the notebook takes one to two minutes.

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
from mgp_jax.images import to_uint8
from mgp_jax.report import contact_sheet


def show(frames, captions, title):
    """Lays out images in a row; a palette keeps the notebook small."""
    sheet = contact_sheet([[*to_uint8(frames)]], [title], headings=captions)
    return Image.fromarray(sheet).quantize(128)


# %% [markdown]
# ## Invert
#
# The recipe `edit` keeps the codes probable while it optimises them, because directions mean
# something only there. What the codes miss is carried along as a residual of the feature map. Put
# your own file name here; a second face to meet later is drawn by the generator.

# %%
generator = mgp.load_generator("faces64")
with resources.as_file(resources.files("mgp_jax.assets") / "eileen_collins.png") as file:
    photograph = mgp.read_image(file, generator.resolution)
stranger = mgp.generate(generator, mgp.random_latents(generator, 7))[6]
result = mgp.invert(generator, np.stack([photograph, stranger]), recipe="edit")
codes, others = (jax.tree.map(lambda leaf, k=k: leaf[k], result.codes) for k in range(2))
split = result.split
show(
    [photograph, result.images[0], stranger, result.images[1]],
    ["photograph", "inversion", "drawn", "inversion"],
    f"cut {split.cut}, {len(codes.z)} codes",
)

# %% [markdown]
# ## A direction from a score
#
# Random faces are scored by a function of ours, here how bright the image is where hair usually is.
# A linear classifier (scikit-learn, the extra `editing`) separates the brightest from the darkest,
# and the normal of its boundary is the direction. On the command line this is `mgp train-boundary`;
# boundary files of InterFaceGAN are read by `editing.read_direction`.

# %%


def hair(images):
    """How bright the top of the image is, from 0 to 1."""
    return images[:, 2:12, 16:48].mean((1, 2, 3))


def face(images):
    """How bright the middle of the image is, from 0 to 1."""
    return images[:, 24:52, 20:44].mean((1, 2, 3))


boundaries = []
for score in (hair, face):
    latents, scores = editing.score_samples(generator, score, 1000, seed=1)
    boundary = editing.train_boundary(latents, scores, name=score.__name__, method="logistic")
    boundaries.append(boundary)
    print(f"{score.__name__}: {boundary.accuracy:.0%} of the held-out codes on the right side")

# %% [markdown]
# Faces with bright hair often have a bright face too. The direction of the face is therefore taken
# out of the direction of the hair.

# %%
direction = editing.condition(boundaries[0].direction, [boundaries[1].direction])
strengths = np.linspace(-3, 3, 7)
captions = [f"{strength:+.0f}" for strength in strengths]
frames = editing.render_edits(split, codes, direction, strengths)
show(frames, captions, direction.name)

# %% [markdown]
# Strength zero is the inversion, bit for bit. The attribute changes steadily, the face hardly, and
# LPIPS tells how far the image as a whole drifts away.

# %%
assert np.array_equal(frames[3], editing.render_edits(split, codes, direction, [0])[0])
seen = np.clip(frames / 2 + 0.5, 0, 1)
drift = editing.drift(frames, frames[3])
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
left.plot(strengths, hair(seen), "o-", color="#0072B2", label="hair")
left.plot(strengths, face(seen), "s-", color="#E69F00", label="face")
left.set(xlabel="strength (standard deviations)", ylabel="mean brightness (0 to 1)")
left.legend()
right.plot(strengths, drift, "o-", color="#009E73")
right.set(xlabel="strength (standard deviations)", ylabel="LPIPS to the inversion")
assert np.all(np.diff(hair(seen)) > 0)

# %% [markdown]
# ## Only there
#
# A region keeps everything outside of it as it is.

# %%
region = np.zeros((64, 64), bool)
region[:30] = True
limited = editing.limit(frames, frames[3], region)
print("drift outside the region before:", np.round(editing.drift(frames, frames[3], ~region), 3))
print("and limited:                    ", np.round(editing.drift(limited, frames[3], ~region), 3))
show(limited, captions, "limited to the upper half")

# %% [markdown]
# ## Directions without labels
#
# SeFa reads directions from the weights of the first layer, GANSpace finds them in the principal
# components of random feature maps.

# %%
found = [*editing.sefa(generator, 2), *editing.ganspace(generator, 2, split.cut)]
rows = [[*to_uint8(editing.render_edits(split, codes, item, strengths))] for item in found]
sheet = contact_sheet(rows, [item.name for item in found], headings=captions, scale=2)
Image.fromarray(sheet).quantize(128)

# %% [markdown]
# ## From one face to another
#
# The order of the codes means nothing to an image, but it decides what becomes what on the way. So
# the codes are matched first.

# %%
shares = np.linspace(0, 1, 7)
matched = editing.match(codes, others)
way = [editing.interpolate(codes, matched, share) for share in shares]
frames = editing.render_all(split, way)
show(frames, [f"{share:.0%}" for share in shares], "interpolation")

# %% [markdown]
# On the command line:
#
#     mgp train-boundary faces64 --out hair.npy --score module:function
#     mgp edit photo.png --out edited --generator faces64 --direction hair.npy
#     mgp interpolate first.png second.png --out between
