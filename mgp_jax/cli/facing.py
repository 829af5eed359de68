"""The option of commands that take photographs with faces."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from mgp_jax.cli.common import Command

if TYPE_CHECKING:
    from mgp_jax.degradations import Degradation
    from mgp_jax.methods import What


@dataclass(frozen=True, kw_only=True)
class Facing(Command):
    """Which faces."""

    faces: Annotated[str | None, tyro.conf.arg(metavar="largest|all|N|none")] = None
    """Which faces of a photograph are found, aligned, worked on and put back into it; none: its
    central square is taken. Unless given, the largest, where the generator is said to draw aligned
    faces and the extra `faces` is installed, and without an option that is for one square image:
    --simulate, --frame, --blend, --start, --save-latents, --mask of an edit."""

    @property
    def takes_a_square(self) -> bool:
        """Whether another option is for one square image."""
        return False

    def which_faces(self, what: "What", degradation: "Degradation") -> "str | int | None":
        """Returns which faces are meant, None for the central square; says why none by default.

        Raises:
            SettingError: they are asked for, but cannot be had.
        """
        from mgp_jax.faces import LARGEST, NONE, can_find_faces, choose
        from mgp_jax.faces.finding import default_detector
        from mgp_jax.portraits import draws_aligned_faces, why_no_faces

        if self.faces is not None:
            which = int(self.faces) if self.faces.isdecimal() else self.faces
            if which == NONE:
                return None
            choose((), which)
            default_detector()
            return which
        if self.takes_a_square or not draws_aligned_faces(what):
            return None
        reason = why_no_faces(degradation, what.image_shape[0])
        if reason is None and not can_find_faces():
            reason = "pip install 'mgp_jax[faces]' finds them"
        if reason is None:
            return LARGEST
        self.telling.note(f"faces are not looked for, the central square is taken: {reason}")
        return None
