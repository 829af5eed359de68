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
# # What the codes know
#
# Several codes draw one photograph together. Which code draws what, and with which channels? Images
# are 1024 pixels wide, and on two CPU cores the notebook takes about three minutes.

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
import numpy as np

import mgp_jax as mgp
from mgp_jax import analysis
from mgp_jax.codes import contribute, fuse
from mgp_jax.images import Picture, to_uint8
from mgp_jax.recipes import codes_only
from mgp_jax.report import contact_sheet, figures


def show(figure):
    """Shows a figure."""
    figure.canvas.draw()
    return Picture(np.asarray(figure.canvas.buffer_rgba())[..., :3])


# %% [markdown]
# ## Invert
#
# Only codes and importances are optimised here: what a refinement of the feature map adds is no
# code's.

# %%
generator = mgp.load_generator("faces1024")
with resources.as_file(resources.files("mgp_jax.assets") / "eileen_collins_aligned.png") as file:
    photograph = mgp.read_image(file, generator.resolution)
recipe = codes_only(mgp.recipe_for("edit", mgp.Identity(), generator)).with_(steps=40)
result = mgp.invert(generator, photograph[None], recipe=recipe)
codes = jax.tree.map(lambda leaf: leaf[0], result.codes)
split = result.split
pair = [*to_uint8(np.stack([photograph, result.images[0]]))]
count = len(codes.z)
Picture(contact_sheet([pair], [f"{count} codes"], headings=["photograph", "inversion"]))

# %% [markdown]
# ## Every code alone, and all but one
#
# At the cut the parts of the codes add up exactly. A part alone is weak, so it is also shown at the
# strength of the whole.

# %%
parts, whole = contribute(split, codes), fuse(split, codes)
error = float(np.abs(np.sum(parts.maps, axis=0) - whole.maps).max() / np.abs(whole.maps).max())
print(f"the parts differ from the composed map by {error:.1e} of its largest value")
images = analysis.code_images(split, codes)
rows = {"alone": images.alone, "scaled": images.scaled, "all but it": images.without}
show(figures.image_rows(rows, [f"code {number}" for number in range(count)]))

# %% [markdown]
# ## Which code draws what
#
# The largest importances of a code are set to zero. What changes is compared with segments of the
# image, which are found here by clustering the generator's own features. `chance` is what random
# pixels would reach.

# %%
ablation = analysis.ablate(split, codes)
segments = analysis.find_segments(split, codes, count=5)
matches = analysis.match_segments(ablation.differences, segments)
show(figures.segment_matches(result.images[0], segments, matches.iou, matches.chance))

# %%
titles = [f"{number}: segment {best}" for number, best in enumerate(matches.best)]
show(figures.image_rows({"ablated": ablation.images, "change": ablation.differences}, titles))

# %% [markdown]
# ## Importances
#
# How the importance of the channels is spread over the codes. Sparsity is 0 if all are equal and 1
# if one is alone.

# %%
spread = analysis.importance_spread(codes)
title = f"sparsity {spread.whole:.2f}, {spread.negative:.0%} below zero"
show(figures.heat_map(spread.importances, "channel", "code", "importance (alpha)", title))

# %% [markdown]
# ## How many maps are there really?
#
# Maps that resemble each other are worth less than independent ones.

# %%
random = mgp.init_codes(split, jax.random.key(0), count)
found = {
    name: analysis.effective_dimension(split, item)
    for name, item in (("optimised codes", codes), ("random codes", random))
}
axes = np.arange(1, count + 1)
series = {
    f"{name}, dimension {item.whole:.1f}": (axes, np.cumsum(item.spectrum))
    for name, item in found.items()
}
show(figures.lines(series, "principal axes", "share of the energy (cumulated)"))

# %% [markdown]
# ## Take something away
#
# The codes with the largest effect on a region are taken out of it.

# %%
region = np.zeros((1024, 1024), bool)
region[30:350, 190:830] = True
removal = analysis.remove(split, codes, region, count=3)
outlined = np.where(region[..., None], result.images[0], -0.7 + 0.3 * result.images[0])
row = [*to_uint8(np.stack([result.images[0], outlined, removal.image]))]
names = ["inversion", "region", f"without codes {', '.join(map(str, removal.codes))}"]
Picture(contact_sheet([row], ["removal"], headings=names))

# %% [markdown]
# On the command line, for your own photographs and generators:
#
#     mgp analyse codes photo.png --out known
#     mgp analyse ablation photo.png --out known --segments 6
#     mgp analyse layers photos/ --out known --cuts 1 2 3 4 --counts 1 5 20
#     mgp analyse domains faces/ bedrooms/ --out known
