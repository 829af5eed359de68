"""Parts of the page that take files: Gradio's, but what is uploaded is read by `uploads` alone.

Gradio itself would open whatever Pillow opens, and run Ghostscript for it.
"""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components.base import server
from gradio.components.image_editor import AcceptBlobs, EditorData
from gradio.data_classes import ImageData

# Strokes that have been sent and not been used.
MOST_STROKES = 64


@dataclass(frozen=True)
class Upload:
    """A file that has been uploaded.

    Attributes:
        path: where Gradio has put it.
        name: what the visitor calls it.
    """

    path: str
    name: str


class PhotographInput(gr.Image):
    """Takes a photograph by drop, paste or choice; handlers get an `Upload`."""

    is_template = True

    def preprocess(self, payload: ImageData | None) -> Upload | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Returns the file as it is; Gradio has checked that it lies among the uploads."""
        if payload is None or payload.path is None:
            return None
        return Upload(payload.path, payload.orig_name or "image.png")


class BrushInput(gr.ImageEditor):
    """Shows a photograph to paint on; handlers get the strokes as `uploads.painted` reads them."""

    is_template = True

    def __init__(self, **settings: Any):
        super().__init__(
            sources=(),
            transforms=(),
            layers=False,
            buttons=[],
            format="png",
            brush=gr.Brush(colors=["#ffffff"], color_mode="fixed"),
            **settings,
        )

    def preprocess(self, payload: EditorData | None) -> bytes | str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Returns the strokes, a file or its path."""
        if payload is None:
            return None
        if payload.id is None:
            return payload.layers[0].path if payload.layers else None
        sent = self.blob_storage.pop(payload.id, None)
        return sent.layers[0] if sent is not None and sent.layers else None

    @server
    def accept_blobs(self, data: AcceptBlobs) -> None:
        """Keeps strokes until they are used, or many others have come."""
        if data.data["type"] != "layer":
            return
        super().accept_blobs(data)
        while len(self.blob_storage) > MOST_STROKES:
            self.blob_storage.pop(next(iter(self.blob_storage)))
