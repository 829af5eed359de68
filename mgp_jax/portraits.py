"""Photographs with faces in them: every face is aligned, restored from its own pixels, put back."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from PIL import Image

from mgp_jax.agreement import keep_luminance
from mgp_jax.degradations import (
    AUTO,
    Degradation,
    Estimate,
    Grayscale,
    Identity,
    Mask,
    Operator,
    Resize,
    as_degradation,
    carried,
    explained,
    is_gray,
    observed_size,
    operators_of,
    require_carried,
    unresized,
)
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.faces import LARGEST, Face, align, choose, find_faces, put_back, settled, square_of
from mgp_jax.faces.alignment import signed
from mgp_jax.faces.finding import Detector
from mgp_jax.generators import Generator
from mgp_jax.images import luminance, pictures_html, to_uint8
from mgp_jax.inversion import load, resolve
from mgp_jax.inversion.resolve import DEFAULT_RECIPE, default_recipe
from mgp_jax.methods import MULTI_CODE, Method, What, find_method
from mgp_jax.recipes import Recipe
from mgp_jax.restoration import Restoration, run_restoration
from mgp_jax.solve import Progress

# Squares of fewer pixels hold nothing to restore a face from.
SMALLEST_SQUARE = 16
# The random numbers of a photograph's faces are those of images so far apart.
APART = 2**20
# Pixels at a time whose brightness is restored.
PIECE = 2**16

_keep_luminance = jax.jit(keep_luminance)


class Portrait(NamedTuple):
    """A face of a photograph, ready to be restored.

    Attributes:
        face: where it is.
        observation: float32[S, S, C] in [-1, 1], its square.
        degradation: what makes that of the generator's image.
        estimate: what has become of the square, where that is estimated.
    """

    face: Face
    observation: np.ndarray
    degradation: Degradation
    estimate: Estimate | None = None


class RestoredPhoto(NamedTuple):
    """A photograph whose faces have been restored.

    Attributes:
        image: the photograph with them, of its type; outside the faces as it was, or enlarged.
        faces: the faces that were restored, the largest first.
        squares: float32[K, R, R, C] in [-1, 1], what the generator made of each.
        restorations: their restorations, each as a batch of one.
        photograph: what was given.
    """

    image: np.ndarray
    faces: tuple[Face, ...]
    squares: np.ndarray
    restorations: tuple[Restoration, ...]
    photograph: np.ndarray

    def _repr_html_(self) -> str:
        """Shows, in a notebook, what was given and what came out."""
        told = "; ".join(item.result.told(0) for item in self.restorations)
        return pictures_html([([("before", self.photograph), ("after", self.image)], told)])


def restore_photo(
    what: What | str,
    photograph: Any,
    degradation: Operator | Literal["auto"] = Identity(),
    recipe: Recipe | str = DEFAULT_RECIPE,
    *,
    faces: str | int | Sequence[Face] = LARGEST,
    scale: int = 1,
    detector: Detector | None = None,
    method: Method | str = MULTI_CODE,
    batch_size: int = 8,
    restarts: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> RestoredPhoto:
    """Restores the faces in a photograph and puts them back.

    Each is restored from as many pixels as it has there. Faces of one size are one batch. A
    photograph that is cut as FFHQ is already is restored as a whole.

    Args:
        what: a generator of faces that are aligned as in FFHQ, a split, or the name of a bundled
            generator.
        photograph: [H, W, 1 or 3], float in [-1, 1] or uint8.
        degradation: what made the photograph, besides its resolution, see `carried`; `auto` to
            estimate it for every face, see `explained`.
        recipe: how to optimise, or the name of a recipe for this degradation; where there is none,
            for super-resolution.
        faces: `largest`, `all`, the number of the largest ones; or the faces themselves.
        scale: enlarge the photograph so many times, with Lanczos' filter.
        detector: see `find_faces`.
        method: see `restore`.
        batch_size: faces optimised at a time.
        restarts: see `restore`.
        on_progress: see `restore`.
        **settings: `seed`, `patience`, `target_psnr`, `execution`, `networks`, see `restore`.

    Raises:
        SettingError: there is no face, or one of fewer than 16 pixels; the degradation cannot be
            carried to faces; a setting is out of range.
    """
    what, method = load(what), find_method(method)
    made = None if degradation == AUTO else as_degradation(degradation)
    shape = what.image_shape
    photograph = with_channels(np.asarray(photograph), shape[2])
    if isinstance(faces, str | int):
        height, width = photograph.shape[:2]
        faces = [
            settled(face, width, height) for face in choose(find_faces(photograph, detector), faces)
        ]
    portraits = portraits_of(photograph, faces, made, shape)
    if not portraits:
        raise SettingError("faces: none was found")
    done: dict[int, Restoration] = {}
    for group in batches_of(portraits, batch_size):
        own = portraits[group[0]].degradation
        undone = posed(unresized(own) if made is None else made, shape[0])
        chosen = default_recipe(recipe, method, undone, what)
        restoration = run_restoration(
            resolve(what, own, chosen, method=method, **settings),
            np.stack([portraits[k].observation for k in group]),
            own,
            restarts=restarts,
            indices=[seed_index(0, k) for k in group],
            on_progress=on_progress,
        )
        for row, k in enumerate(group):
            done[k] = restoration.row(row)
    restorations = tuple(done[k] for k in range(len(portraits)))
    squares = np.concatenate([item.images for item in restorations])
    made = unresized(portraits[0].degradation) if made is None else made
    image = put_back_faces(photograph, faces, squares, made, scale)
    return RestoredPhoto(image, tuple(faces), squares, restorations, photograph)


def portraits_of(
    photograph: np.ndarray,
    faces: Iterable[Face],
    degradation: Degradation | None,
    image_shape: Sequence[int],
    steps: np.ndarray | None = None,
) -> list[Portrait]:
    """Aligns faces, each to as many pixels as it has in the photograph.

    Args:
        photograph: [H, W, C], float in [-1, 1] or uint8.
        faces: where they are.
        degradation: what made the photograph, besides its resolution; None to estimate it for each.
        image_shape: (R, R, C) of the generator's images.
        steps: quantisation steps of the photograph's file, for the estimate.

    Raises:
        SettingError: a face has too few pixels, or the degradation cannot be carried to it.
        ImageError: the mask of the degradation does not fit the photograph.
    """
    resolution = image_shape[0]
    missing = None if degradation is None else holes_of(degradation, photograph)
    gray = degradation is None and is_gray(photograph)
    portraits = []
    for face in faces:
        side = square_of(face).side
        if side < SMALLEST_SQUARE:
            raise SettingError(
                f"a face of {side:.0f} pixels is too small, {SMALLEST_SQUARE} are needed"
            )
        size, hidden = observed_size(side, resolution), None
        if degradation is None:
            square = align(photograph, face, round(side))
            portraits.append(Portrait(face, *explained(square, resolution, steps, gray)))
            continue
        if missing is not None:
            # Whatever a hole has a part in is missing.
            hidden = align(2 * missing[..., None].astype(np.float32) - 1, face, size) > -0.98
        own = carried(degradation, size, resolution, hidden)
        channels = own.observation_shape(tuple(image_shape))[2]
        square = with_channels(align(photograph, face, size), channels)
        portraits.append(Portrait(face, square, own))
    return portraits


def put_back_faces(
    photograph: np.ndarray,
    faces: Sequence[Face],
    images: Iterable[np.ndarray],
    degradation: Degradation = Identity(),
    scale: int = 1,
) -> np.ndarray:
    """Puts restored faces back into their photograph.

    What is known stays: of a photograph with holes all but these, of a gray one its brightness.

    Args:
        photograph: [H, W, C], float in [-1, 1] or uint8.
        faces: where they are.
        images: float[R, R, C] in [-1, 1] for each, the generator's image.
        degradation: what made the photograph, besides its resolution.
        scale: enlarge the photograph so many times.

    Returns: [scale H, scale W, C], of the photograph's type.
    """
    missing, result = holes_of(degradation, photograph), enlarged(photograph, scale)
    gray = any(isinstance(operator, Grayscale) for operator in operators_of(degradation))
    if missing is not None:
        missing = np.repeat(np.repeat(missing, scale, axis=0), scale, axis=1)
    for face, image in zip(faces, images, strict=True):
        face = face.moved(scale)
        before, result = result, put_back(result, image, face, missing, gray)
        if isinstance(degradation, Grayscale):
            changed = np.any(result != before, axis=2)
            result[changed] = with_brightness(result[changed], before[changed])
    return result


def with_brightness(pixels: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Gives pixels [N, 3] the brightness of others, bytes or float in [-1, 1]."""
    result = np.empty_like(pixels)
    # In pieces of one shape, for which one program is compiled.
    for start in range(0, len(pixels), PIECE):
        stop = min(start + PIECE, len(pixels))
        piece = np.zeros((2, PIECE, 1, 3), np.float32)
        piece[:, : stop - start, 0] = signed(pixels[start:stop]), signed(own[start:stop])
        kept = np.asarray(_keep_luminance(piece[0], luminance(piece[1])))[: stop - start, 0]
        result[start:stop] = to_uint8(kept) if pixels.dtype == np.uint8 else kept
    return result


def holes_of(degradation: Degradation, photograph: np.ndarray) -> np.ndarray | None:
    """Returns bool[H, W], where a photograph is missing, if its degradation has a mask.

    Raises:
        SettingError: the degradation cannot be carried to faces.
        ImageError: the mask has another size than the photograph.
    """
    picture = require_carried(degradation)
    if picture is not None and picture.missing.shape != photograph.shape[:2]:
        (height, width), (high, wide) = picture.missing.shape, photograph.shape[:2]
        raise ImageError(
            f"{picture.path}: a mask of {width}x{height} pixels does not fit, the photograph has "
            f"{wide}x{high}"
        )
    return None if picture is None else picture.missing


def draws_aligned_faces(what: What) -> bool:
    """Returns whether a generator is said to draw faces that are aligned as in FFHQ.

    Its provenance says what it was trained on.
    """
    about = dict(what.provenance) if isinstance(what, Generator) else {}
    return "FFHQ" in about.get("training_data", "")


def why_no_faces(degradation: Degradation, resolution: int) -> str | None:
    """Returns why faces of photographs cannot be restored from a degradation, None if they can."""
    try:
        picture = require_carried(degradation)
    except SettingError as error:
        return str(error).partition(";")[0]
    if picture is not None:
        height, width = picture.missing.shape
        if height == width and width % resolution == 0:
            return f"{picture.path} is as large as the generator's image"
    return None


def posed(degradation: Degradation, resolution: int) -> Degradation:
    """Returns what recipes for faces are chosen by: nearly every face is smaller than the image."""
    return Resize(max(1, resolution // 2)) if isinstance(degradation, Identity) else degradation


def batches_of(portraits: Sequence[Any], most: int) -> list[list[int]]:
    """Divides faces into batches of one degradation.

    Args:
        portraits: what has an `observation` and a `degradation`.
        most: faces in a batch.

    Returns: the numbers of the faces in each.
    """
    groups: dict[Any, list[int]] = {}
    for number, portrait in enumerate(portraits):
        operators = operators_of(portrait.degradation)
        alone = number if any(isinstance(operator, Mask) for operator in operators) else None
        made = str(portrait.degradation)
        groups.setdefault((portrait.observation.shape, made, alone), []).append(number)
    return [
        group[start : start + most]
        for group in groups.values()
        for start in range(0, len(group), most)
    ]


def seed_index(photograph: int, face: int) -> int:
    """Returns the number that seeds a face; the first has that of its photograph."""
    return photograph + APART * face


def with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Returns [H, W, 1 or 3] with so many channels: repeated, or the luminance."""
    if image.shape[2] == channels:
        return image
    if image.shape[2] == 1:
        return np.repeat(image, channels, axis=2)
    gray = luminance(signed(image))
    return to_uint8(gray) if image.dtype == np.uint8 else gray


def enlarged(photograph: np.ndarray, scale: int) -> np.ndarray:
    """Enlarges [H, W, C] so many times with Lanczos' filter; it stays bytes or float32.

    Raises:
        SettingError: the scale is below 1.
    """
    if scale < 1:
        raise SettingError(f"scale: {scale}, at least 1 is needed")
    if scale == 1:
        return photograph
    size = (photograph.shape[1] * scale, photograph.shape[0] * scale)
    planes = [
        Image.fromarray(np.ascontiguousarray(plane)).resize(size, Image.Resampling.LANCZOS)
        for plane in np.moveaxis(photograph, 2, 0)
    ]
    result = np.stack([np.asarray(plane) for plane in planes], axis=2)
    return result if result.dtype == np.uint8 else np.clip(result, -1, 1)
