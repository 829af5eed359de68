"""Runs a task over files and folders: reads, restores batch by batch, writes, and can go on later.

The output folder holds `settings.json`, `results.jsonl` (one record an input, in input order), the
images, the codes, a contact sheet and a page to look at. Records are appended as batches finish; a
run with the same settings on the same folder does only what has no record yet.
"""

import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mgp_jax import images as image_files
from mgp_jax.codes import Codes, fused_channels, init_codes
from mgp_jax.degradations import Degradation, Grayscale
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.generators.base import Features, Generator
from mgp_jax.inversion import InversionConfig, Progress, Status
from mgp_jax.inversion import settings as settings_of_phases
from mgp_jax.metrics import compare
from mgp_jax.restoration import Restoration, check_starts, restore

# What may differ when a run goes on: it does not change what is computed.
FREE_SETTINGS = ("batch_size", "command")

Record = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What to do with every image.

    Attributes:
        task: name of the task, for the records.
        generator: the frozen generator.
        degradation: what made the observations.
        config: settings of the inversion.
        samples: restorations of each image.
        restarts: starts of each restoration.
        simulate: whether the inputs are clean images that are degraded first.
        batch_size: images in a batch.
        note: more settings to record, for example the command.
    """

    task: str
    generator: Generator
    degradation: Degradation
    config: InversionConfig
    samples: int = 1
    restarts: int = 1
    simulate: bool = False
    batch_size: int = 8
    note: Mapping[str, Any] | None = None

    @property
    def has_truth(self) -> bool:
        """Whether the input is the image that the restoration should be."""
        return self.simulate or self.task == "invert"


class Input(NamedTuple):
    """One input image.

    Attributes:
        number: its place among the inputs, which seeds it.
        path: the file.
        stem: name of its outputs.
    """

    number: int
    path: Path
    stem: str


class Loaded(NamedTuple):
    """An input that has been read.

    Attributes:
        input: which.
        observation: what is restored.
        truth: the clean image, if there is one.
    """

    input: Input
    observation: np.ndarray
    truth: np.ndarray | None


class Event(NamedTuple):
    """What `run` reports while it works.

    Attributes:
        done: images with a record.
        total: images in all.
        progress: of the running batch, or None when a batch has ended.
        records: new records.
    """

    done: int
    total: int
    progress: Progress | None
    records: Sequence[Record] = ()


def run(
    job: Job,
    inputs: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    on_event: Callable[[Event], None] = lambda event: None,
) -> list[Record]:
    """Restores all images and writes the results as they come.

    Args:
        job: what to do.
        inputs: image files and folders.
        out: the output folder, made if needed.
        on_event: called while it works.

    Returns: the records of all inputs, in input order.

    Raises:
        ImageError: an input does not exist, or a folder has no images.
        SettingError: a setting is out of range, or the output folder cannot be written or holds a
            run with other settings.
    """
    check(job)
    entries = find_inputs(inputs)
    folder = Path(out)
    records = open_folder(folder, settings_of(job, entries))
    waiting = entries[len(records) :]
    # Not fewer if only a few are left: another size would be another program, rounded otherwise.
    size = min(job.batch_size, len(entries))
    for start in range(0, len(waiting), size):
        part = waiting[start : start + size]
        began = time.perf_counter()
        done = len(records)
        new = run_batch(
            job, part, size, folder, lambda p, n=done: on_event(Event(n, len(entries), p))
        )
        seconds = (time.perf_counter() - began) / len(part)
        for record in new:
            record["seconds"] = round(seconds, 3)
        append_records(folder, new)
        records += new
        on_event(Event(len(records), len(entries), None, new))
    return records


def find_inputs(inputs: Sequence[str | os.PathLike[str]]) -> list[Input]:
    """Lists the images among files and folders and names their outputs.

    Raises:
        ImageError: an input does not exist, or a folder has no images.
    """
    paths = image_files.find_images(inputs)
    stems = image_files.unique_stems(paths)
    return [
        Input(number, path, stem)
        for number, (path, stem) in enumerate(zip(paths, stems, strict=True))
    ]


def check(job: Job) -> None:
    """Raises SettingError for settings that cannot work, before a folder is claimed for them."""
    if job.batch_size < 1:
        raise SettingError(f"batch size: {job.batch_size}, at least 1 is needed")
    check_starts(job.samples, job.restarts)
    for phase in settings_of_phases(job.generator, job.config):
        jax.eval_shape(
            lambda key, phase=phase: init_codes(job.generator, key, 1, phase.cut, phase.space),
            jax.random.key(0),
        )
    job.degradation.observation_shape(job.generator.shapes[-1].shape[1:])


def run_batch(
    job: Job,
    part: Sequence[Input],
    size: int,
    folder: Path,
    on_progress: Callable[[Progress], None],
) -> list[Record]:
    """Restores one batch, writes its files and returns its records in order.

    An image that cannot be read gets a record that says why. The batch is filled up to `size` with
    repetitions, so that all batches share one compiled program.
    """
    records: dict[int, Record] = {}
    loaded: list[Loaded] = []
    for entry in part:
        try:
            loaded.append(load(job, entry))
        except ImageError as error:
            records[entry.number] = empty_record(entry, str(error))
    if loaded:
        filled = [loaded[i % len(loaded)] for i in range(size)]
        restoration = restore(
            job.generator,
            np.stack([item.observation for item in filled]),
            job.degradation,
            job.config,
            samples=job.samples,
            restarts=job.restarts,
            indices=[item.input.number for item in filled],
            on_progress=on_progress,
        )
        for position, item in enumerate(loaded):
            record = write_outputs(job, item, restoration, position, folder)
            records[item.input.number] = record
    return [records[entry.number] for entry in part]


def load(job: Job, entry: Input) -> Loaded:
    """Reads an input: the observation itself, or with `simulate` a clean image to degrade.

    Raises:
        ImageError: it is not readable or has not the size of an observation.
    """
    resolution = job.generator.resolution
    shape = tuple(job.generator.shapes[-1].shape[1:])
    if job.has_truth:
        truth = image_files.read_image(entry.path, resolution)
        # Apart from the keys of the starts, which fold in an index and a small number.
        key = jax.random.fold_in(jax.random.key(job.config.seed), entry.number)
        key = jax.random.fold_in(key, 2**31 - 1)
        seen = job.degradation.simulate(jnp.asarray(truth), key)
        return Loaded(entry, np.asarray(seen), truth)
    observed = job.degradation.observation_shape(shape)
    if observed == shape:
        return Loaded(entry, image_files.read_image(entry.path, resolution), None)
    if len(observed) == 3 and observed[:2] == shape[:2]:
        image = image_files.read_image(entry.path, resolution)
        return Loaded(entry, np.asarray(Grayscale()(jnp.asarray(image))), None)
    return Loaded(entry, image_files.read_observation(entry.path, observed), None)


def write_outputs(
    job: Job, item: Loaded, restoration: Restoration, position: int, folder: Path
) -> Record:
    """Writes the files of one image and returns its record."""
    stem = item.input.stem
    image = restoration.images[position]
    record = empty_record(item.input, None)
    result = restoration.result
    rows = slice(position * job.samples, (position + 1) * job.samples)
    diverged = np.any(result.status[rows] == Status.DIVERGED)
    if diverged:
        record |= {"status": "diverged", "error": "the objective was not finite; best iterate kept"}
    else:
        record["status"] = "ok"
    record["steps"] = int(np.max(result.steps[rows]))
    record["output"] = save_image(folder, "images", stem, image)
    if item.observation.ndim == 3:
        prepared = np.asarray(job.degradation.prepare(jnp.asarray(item.observation)))
        record["observation"] = save_image(folder, "observations", stem, prepared)
    if item.truth is not None:
        record["truth"] = save_image(folder, "truths", stem, item.truth)
        scores = compare(image[None], item.truth[None])
        record |= {name: values[0] for name, values in scores.items()}
    if job.samples > 1:
        for number, sample in enumerate(restoration.samples[position], 1):
            save_image(folder, "samples", f"{stem}-{number}", sample)
        deviation = np.mean(restoration.deviation[position], axis=-1, keepdims=True)
        # Black is certain, white a deviation of half the range or more.
        record["deviation"] = save_image(folder, "deviations", stem, 4 * deviation / 2 - 1)
    record["codes"] = save_codes(folder, stem, result, rows)
    return record


def save_image(folder: Path, kind: str, stem: str, image: np.ndarray) -> str:
    """Writes an image and returns its path within the folder."""
    (folder / kind).mkdir(exist_ok=True)
    image_files.write_image(folder / kind / f"{stem}.png", image)
    return f"{kind}/{stem}.png"


def save_codes(folder: Path, stem: str, result: Any, rows: slice) -> str:
    """Writes codes and losses of one image; with several samples they have a leading axis."""
    (folder / "codes").mkdir(exist_ok=True)
    pick = rows.start if rows.stop - rows.start == 1 else rows
    codes = result.codes
    arrays = {
        "z": codes.z,
        "alpha": codes.alpha,
        "styles": codes.styles,
        "loss": result.losses,
        "error": result.errors,
    }
    arrays |= {f"noise_{name}": noise for name, noise in (codes.noise or {}).items()}
    for number, leaf in enumerate(jax.tree.leaves(codes.residual)):
        arrays[f"residual{number}"] = leaf
    path = folder / "codes" / f"{stem}.npz"
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as file:
        kept = {name: np.asarray(a)[pick] for name, a in arrays.items() if a is not None}
        np.savez(file, allow_pickle=False, **kept)
    partial.replace(path)
    return f"codes/{stem}.npz"


def load_codes(path: str | os.PathLike[str], generator: Generator, layer: int | str) -> Codes:
    """Reads the codes of one image that a run has written.

    Args:
        path: the file.
        generator: the generator that they are for.
        layer: the cut that they are for.

    Raises:
        ImageError: the file cannot be read or holds no codes.
        SettingError: they are for another generator or cut, or of several samples.
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: jnp.asarray(file[name]) for name in file.files}
        z, alpha = arrays["z"], arrays["alpha"]
    except Exception as error:  # A damaged file may drive the reader into anything.
        reason = (isinstance(error, OSError) and error.strerror) or "it is no file of codes"
        raise ImageError(f"{path}: cannot be read ({reason})") from None
    crossing = generator.shapes[generator.cut(layer)]
    codes = Codes(
        z,
        alpha,
        arrays.get("styles"),
        noise={k.removeprefix("noise_"): v for k, v in arrays.items() if k.startswith("noise_")}
        or None,
    )
    if any(name.startswith("residual") for name in arrays):
        if isinstance(crossing, Features):
            crossing = crossing._replace(styles=None)
        leaves = [arrays.get(f"residual{k}") for k in range(len(jax.tree.leaves(crossing)))]
        codes = codes._replace(residual=jax.tree.unflatten(jax.tree.structure(crossing), leaves))
    try:
        fits = alpha.shape == (len(z), fused_channels(crossing))
        spaces = [generator.shapes[cut].shape[1:] for _, cut in generator.config.spaces]
        fits &= z.shape[1:] in spaces
        wanted = jax.tree.map(lambda leaf: leaf.shape[1:], crossing)
        fits &= codes.residual is None or jax.tree.map(jnp.shape, codes.residual) == wanted
    except (IndexError, TypeError):
        fits = False
    if not fits:
        raise SettingError(f"{path}: these codes are not of {generator.name} cut at {layer}")
    return codes


def empty_record(entry: Input, error: str | None) -> Record:
    """Returns the record of an input that failed, or one to be filled in."""
    return {
        "input": str(entry.path),
        "output": None,
        "status": "failed",
        "error": error,
        "psnr": None,
        "ssim": None,
        "lpips": None,
        "steps": 0,
        "seconds": 0.0,
    }


def settings_of(job: Job, entries: Sequence[Input]) -> Record:
    """Returns all that determines the results, as JSON values."""
    config, recipe = job.config, job.config.recipe
    layer = config.layer if config.layer is not None else recipe.layer
    return {
        "task": job.task,
        "generator": job.generator.name,
        "degradation": str(job.degradation),
        "recipe": recipe.name,
        "steps": recipe.steps,
        "codes": recipe.codes if config.codes is None else config.codes,
        "layer": layer,
        "seed": config.seed,
        "target_psnr": config.target_psnr,
        "patience": config.patience,
        "samples": job.samples,
        "restarts": job.restarts,
        "simulate": job.simulate,
        "inputs": [str(entry.path) for entry in entries],
        "batch_size": job.batch_size,
        "versions": {name: version(name) for name in ("mgp_jax", "jax", "flax", "optax")},
        **(job.note or {}),
        "checksums": {
            "generator": checksum(job.generator.config, job.generator.params),
            "degradation": checksum(str(job.degradation), job.degradation),
            "recipe": checksum(recipe),
        },
    }


def checksum(settings: Any, arrays: Any = ()) -> str:
    """Tells apart what may have the same name: by the settings and the arrays of a pytree."""
    total = zlib.crc32(repr(settings).encode())
    for leaf in jax.tree.leaves(arrays):
        total = zlib.crc32(np.asarray(leaf).tobytes(), total)
    return f"{total:08x}"


def open_folder(folder: Path, settings: Record) -> list[Record]:
    """Makes the output folder, or finds the records of an earlier run with the same settings.

    Raises:
        SettingError: it cannot be written, or it holds a run with other settings.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingError(f"{folder}: cannot be written ({error.strerror})") from None
    records = find_records(folder, settings)
    if records is not None:
        drop_cut_line(folder / "results.jsonl")
        return records
    partial = folder / "settings.json.partial"
    partial.write_text(json.dumps(settings, indent=1))
    partial.replace(folder / "settings.json")
    return []


def find_records(folder: Path, settings: Record) -> list[Record] | None:
    """Returns the records of an earlier run in a folder, or None if the folder is still free.

    Raises:
        SettingError: the run had other settings, its files are damaged, or the folder holds
            something else.
    """
    file = folder / "settings.json"
    if not file.exists():
        if folder.is_dir() and any(folder.iterdir()):
            raise SettingError(f"{folder}: is not empty and holds no run to continue")
        return None
    try:
        before = json.loads(file.read_text())
    except ValueError:
        raise SettingError(f"{file}: is not readable, choose another folder") from None
    names = [*settings, *sorted(before.keys() - settings.keys())]
    for name in (name for name in names if name not in FREE_SETTINGS):
        if before.get(name) != settings.get(name):
            raise SettingError(
                f"{folder}: holds a run with another setting: {name} was "
                f"{_short(before.get(name))}, is {_short(settings.get(name))}; "
                "choose another folder"
            )
    return list(read_records(folder / "results.jsonl"))


def read_records(file: Path) -> Iterator[Record]:
    """Reads the complete lines of a records file; a last line cut off by a crash is left out.

    Raises:
        SettingError: another line is damaged.
    """
    if not file.exists():
        return
    data = file.read_bytes()
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), 1):
        try:
            yield json.loads(line)
        except ValueError:
            raise SettingError(f"{file}: line {number} is damaged, choose another folder") from None


def drop_cut_line(file: Path) -> None:
    """Drops the last line of a records file if a crash has cut it off."""
    data = file.read_bytes() if file.exists() else b""
    if data and not data.endswith(b"\n"):
        os.truncate(file, data.rfind(b"\n") + 1)


def append_records(folder: Path, records: Sequence[Record]) -> None:
    """Appends records, and returns when they are on the disk."""
    with open(folder / "results.jsonl", "a", encoding="utf-8") as stream:
        for record in records:
            stream.write(json.dumps(record) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def summary(records: Sequence[Record]) -> str:
    """Returns one line on how a run went."""
    counts = {kind: sum(r["status"] == kind for r in records) for kind in ("diverged", "failed")}
    text = (
        f"{len(records)} image{'s' * (len(records) != 1)}: {len(records) - sum(counts.values())} ok"
    )
    text += "".join(f", {count} {kind}" for kind, count in counts.items() if count)
    for name, unit in (("psnr", " dB"), ("lpips", "")):
        values = [r[name] for r in records if r[name] is not None]
        if values:
            text += f"; mean {name.upper()} {np.mean(values):.{2 if unit else 3}f}{unit}"
    return text


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
