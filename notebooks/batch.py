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
# # Folders of images on many devices
#
# The same run serves one photograph on a laptop and a million on a TPU slice: all devices of the
# machine share every batch, an unreadable file harms no other, and a run that was stopped goes on
# where it was. Here eight devices are imitated on the CPU. About a minute on two CPU cores.

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

# %% [markdown]
# Eight devices out of one CPU: JAX reads this variable when it starts. Where there is a GPU or a
# TPU it changes nothing, and the devices below are the real ones.

# %%
import os

os.environ.setdefault("JAX_NUM_CPU_DEVICES", "8")

# %%
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
from PIL import Image

import mgp_jax as mgp
from mgp_jax.batch import Job, failures, run, summary
from mgp_jax.images import Picture
from mgp_jax.inversion import resolve
from mgp_jax.report import tile, write_contact_sheet, write_page

print(len(jax.devices()), "devices:", jax.devices()[0].device_kind)

# %% [markdown]
# ## A folder of images
#
# Put your own folder here. These are 14 faces that the generator draws itself, and two files that
# are not what their names say.

# %%
os.chdir(tempfile.mkdtemp())
os.mkdir("photos")
generator = mgp.load_generator("faces64")
faces = np.clip(mgp.generate(generator, mgp.random_latents(generator, 14, seed=1)), -1, 1)
for number, face in enumerate(faces):
    mgp.write_image(f"photos/face{number:02}.png", face)
Path("photos/face03b.png").write_text("Not found")
Path("photos/face09b.png").write_bytes(Path("photos/face09.png").read_bytes()[:500])
Picture(tile(faces, columns=7))

# %% [markdown]
# ## What to do with each of them
#
# A `Job` is what `mgp colorize photos/ --out colored --simulate --batch-size 1` makes of its
# options. With `simulate` the images are clean: they are made gray first, and the result is
# measured against them. The batch size counts for each device, so eight images are restored at a
# time.

# %%
degradation = mgp.Grayscale()
job = Job(
    task="colorize",
    inversion=resolve(generator, degradation),
    degradation=degradation,
    simulate=True,
    batch_size=1,
    checkpoint_every=10,
)

# %% [markdown]
# ## Stopped ...
#
# `run` tells how far it is. This listener pulls the plug in the middle of the second batch, as
# Ctrl-C, a crash or a preempted machine would.


# %%
def pull_the_plug(event):
    """Stops the run in the second batch, after ten of twenty steps."""
    if event.progress and event.done == 8 and event.progress.step >= 10:
        raise KeyboardInterrupt


try:
    run(job, ["photos"], "colored", pull_the_plug)
except KeyboardInterrupt:
    print("stopped;", len(list(Path("colored/images").iterdir())), "images have been written")

# %% [markdown]
# ## ... and continued
#
# The same call goes on: the first batch is not touched again, and the second starts from its
# checkpoint. Results are the same, bit for bit, as those of a run that was not stopped.


# %%
def tell(event):
    """Prints where the batches are, and what has been written."""
    if event.progress:
        step = event.progress
        print(f"{event.done} of {event.total} done; step {step.step} of {step.steps}")
    else:
        print(f"{event.done} of {event.total} done and written")


began = time.perf_counter()
records = run(job, ["photos"], "colored", tell)
seconds = time.perf_counter() - began

# %% [markdown]
# ## Records
#
# One for each file, in the order of the inputs; they are the lines of `results.jsonl`. A file that
# cannot be read has one too, which says why.

# %%
print(summary(records))
print(failures(records))
records[0]

# %% [markdown]
# ## To look at
#
# The command writes a sheet and a page, `colored/index.html`, at the end. In Python both are a call
# away.

# %%
write_page("colored")
Picture(np.asarray(Image.open(write_contact_sheet("colored"))))

# %% [markdown]
# ## How fast?
#
# Called again there is nothing to do. What the first two calls took is in the records, but the
# first batch of a program includes its compilation; a new folder shows the pace without it.

# %%
began = time.perf_counter()
run(job, ["photos"], "colored")
print(f"nothing to do: {time.perf_counter() - began:.2f} s")

began = time.perf_counter()
run(job, ["photos"], "again")
pace = len(records) / (time.perf_counter() - began)
print(f"{pace:.1f} images a second, {3600 * pace:.0f} an hour")

# %% [markdown]
# Eight devices that share two cores are no faster than one. What they show is that the work is
# divided and that nothing depends on how. On real devices it is, since they exchange nothing while
# they work.
#
# ## On real hardware
#
# Nothing changes in the call, only around it:
#
# - **A TPU VM, a machine with several GPUs**: install JAX for it (`pip install "jax[tpu]"`,
#   `"jax[cuda13]"`) and leave out the variable at the top. All devices are used. `--batch-size 16
#   --precision bfloat16` suits a TPU; memory is asked for, and the batch is halved where it is too
#   much.
# - **A TPU pod, several machines**: the same command on every host with `--distributed`, and input
#   and output on a file system that all see. Each host takes every so-many-th batch.
# - **A preemptible machine**: the same command when it is back. `--checkpoint-every 250` says how
#   often a running batch is saved.
#
# The [guide on scaling](guides/scaling.md) has the commands, what was run and what was not, and
# what ends the scaling.
