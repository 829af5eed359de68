"""Faces in photographs, with arrays alone: found, aligned as in FFHQ, and put back.

A generator of faces knows them upright, in one size and at one place of a square. `find_faces`
finds them, `align` cuts such a square out, and `put_back` places the generator's image of it in the
photograph again.
"""

from mgp_jax.faces.alignment import Square, align, settled, square_of
from mgp_jax.faces.face import Face
from mgp_jax.faces.finding import ALL, LARGEST, NONE, can_find_faces, choose, find_faces
from mgp_jax.faces.placing import put_back

__all__ = [
    "ALL",
    "LARGEST",
    "NONE",
    "Face",
    "Square",
    "align",
    "can_find_faces",
    "choose",
    "find_faces",
    "put_back",
    "settled",
    "square_of",
]
