"""Runs a task over files and folders: reads, restores batch by batch, writes, and resumes.

The output folder holds `settings.json`, `results.jsonl` (one record an input, in input order), the
images, the codes, a contact sheet and a page to look at. Everything is written atomically, records
last, so that a run that was stopped at any moment is continued by the same command and ends as if
it had not been.
"""

from mgp_jax.batch.folder import find_records, holds_run, open_folder, recorded_settings
from mgp_jax.batch.inputs import Input, Inputs, find_inputs
from mgp_jax.batch.job import Job, Loaded, check, check_mask, load
from mgp_jax.batch.masks import MaskFolder
from mgp_jax.batch.outputs import Record
from mgp_jax.batch.photos import LoadedPhoto, load_input
from mgp_jax.batch.placed import Placed, placed_in_given, placed_in_written
from mgp_jax.batch.records import append_records, read_records
from mgp_jax.batch.running import Event, batches_of, fitted, run
from mgp_jax.batch.settings import checksum, checksum_of_file, settings_of
from mgp_jax.batch.summary import failures, summary, timing
from mgp_jax.code_files import load_codes

__all__ = [
    "Event",
    "Input",
    "Inputs",
    "Job",
    "Loaded",
    "LoadedPhoto",
    "MaskFolder",
    "Placed",
    "Record",
    "append_records",
    "batches_of",
    "check",
    "check_mask",
    "checksum",
    "checksum_of_file",
    "failures",
    "find_inputs",
    "find_records",
    "fitted",
    "holds_run",
    "load",
    "load_codes",
    "load_input",
    "open_folder",
    "placed_in_given",
    "placed_in_written",
    "read_records",
    "recorded_settings",
    "run",
    "settings_of",
    "summary",
    "timing",
]
