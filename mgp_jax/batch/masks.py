"""One mask for each photograph: a folder of masks, found by their names."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mgp_jax.degradations import Mask
from mgp_jax.errors import ImageError
from mgp_jax.images import find_images


@dataclass(frozen=True)
class MaskFolder:
    """A folder of masks.

    Attributes:
        folder: the folder.
        files: the masks by their stems.
        inverted: whether black marks what is missing.
    """

    folder: Path
    files: Mapping[str, list[Path]]
    inverted: bool = False

    @classmethod
    def open(cls, folder: Path, inverted: bool = False) -> Self:
        """Lists the masks of a folder.

        Raises:
            ImageError: it holds none.
        """
        files = defaultdict(list)
        for path in find_images([folder]):
            files[path.stem].append(path)
        return cls(folder, dict(files), inverted)

    def file_of(self, photograph: Path) -> Path:
        """Returns the mask of the same stem.

        Raises:
            ImageError: there is none, or there are several.
        """
        files = self.files.get(photograph.stem, [])
        if len(files) != 1:
            found = " and ".join(file.name for file in files) or "none"
            raise ImageError(
                f"{photograph}: {self.folder} must hold one mask named {photograph.stem}.*, there "
                f"is {found}"
            )
        return files[0]

    def mask_of(self, photograph: Path, resolution: int) -> Mask:
        """Reads the mask of a photograph.

        Raises:
            ImageError: there is not exactly one, or it cannot be used.
        """
        return Mask.from_file(self.file_of(photograph), resolution, self.inverted)

    def any_mask(self, resolution: int) -> Mask:
        """Reads the first mask that can be used, which stands for all where one must be named.

        Raises:
            ImageError: none can be used.
        """
        problems = []
        for path in sorted(path for paths in self.files.values() for path in paths):
            try:
                return Mask.from_file(path, resolution, self.inverted)
            except ImageError as error:
                problems.append(str(error))
        raise ImageError(problems[0])

    def __str__(self) -> str:
        return f"mask:{'inverted:' * self.inverted}{self.folder}"
