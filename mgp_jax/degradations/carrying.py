"""Degradations of whole photographs, for the squares of the faces in them."""

import numpy as np

from mgp_jax.degradations.base import Degradation, Function
from mgp_jax.degradations.composition import compose, operators_of
from mgp_jax.degradations.masks import Impulse, Mask
from mgp_jax.degradations.resampling import Downsample, Resize
from mgp_jax.degradations.sensing import CompressedSensing
from mgp_jax.errors import SettingError
from mgp_jax.images import MaskPicture

# What most programs reduce with; smooth where it is put back.
FILTER = "bicubic-antialias"


def require_carried(degradation: Degradation) -> MaskPicture | None:
    """Checks that a degradation can be carried to faces, and returns the mask of a file in it.

    Raises:
        SettingError: it is tied to places of the generator's own square, or unknown.
    """
    picture = None
    for operator in operators_of(degradation):
        tied = isinstance(operator, CompressedSensing | Function | Impulse)
        if tied or (isinstance(operator, Mask) and operator.picture is None):
            raise SettingError(
                f"{operator}: belongs to one square image, not to the faces of a photograph; "
                "--faces none takes the central square"
            )
        picture = operator.picture if isinstance(operator, Mask) else picture
    return picture


def carried(
    degradation: Degradation, size: int, resolution: int, missing: np.ndarray | None = None
) -> Degradation:
    """Returns what a degradation of a photograph is for a face that has `size` pixels there.

    The face's own resolution decides by how much it is reduced: `Resize` takes the place of
    operators that reduce, or comes first, always with the same filter: the square has been
    interpolated, so its pixels are not means of blocks, and what is put back would show these.
    What follows, a blur for example, is in pixels of the photograph.

    Args:
        degradation: what made the photograph.
        size: height and width of the face's square in pixels of the photograph.
        resolution: height and width of the generator's image; a square as large is not reduced.
        missing: bool[size, size], the holes of the square, where the degradation has a mask.

    Raises:
        SettingError: see `require_carried`; or nothing of the square is known.
    """
    require_carried(degradation)
    reduced, operators = False, []
    for operator in operators_of(degradation):
        if isinstance(operator, Downsample | Resize):
            if not reduced and size < resolution:
                operators.append(Resize(size, FILTER))
            reduced = True
        elif not isinstance(operator, Mask):
            operators.append(operator)
        elif missing is not None and missing.any():
            operators.append(Mask.from_array(~missing, str(operator)))
    if not reduced and size < resolution:
        operators.insert(0, Resize(size, FILTER))
    return compose(*operators)
