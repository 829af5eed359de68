"""Parts of the page that Gradio lacks: a photograph that it does not decode, a brush."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData

from mgp_jax.app import markup
from mgp_jax.app.uploads import MOST_STROKES


@dataclass(frozen=True)
class Upload:
    """A file that has been uploaded.

    Attributes:
        path: where Gradio has put it.
        name: what the visitor calls it.
    """

    path: str
    name: str


def photograph_input(**settings: Any) -> gr.Image:
    """Returns what takes a photograph by drop, paste or choice; handlers get an `Upload`.

    Gradio itself would open whatever Pillow opens, and run Ghostscript for it; only `uploads` reads
    what visitors bring. The function is replaced in the object, because Gradio writes a file beside
    the module of every class that inherits from its own. Handlers must not return `gr.update` for
    it, of which Gradio makes a new object.
    """
    component = gr.Image(sources=["upload", "clipboard"], buttons=[], **settings)

    def preprocess(payload: ImageData | None) -> Upload | None:
        # Gradio has checked that the path is that of an upload.
        if payload is None or payload.path is None:
            return None
        return Upload(payload.path, payload.orig_name or "image.png")

    component.preprocess = preprocess  # pyright: ignore[reportAttributeAccessIssue]
    return component


@dataclass(frozen=True)
class Brush:
    """What paints on a picture.

    Attributes:
        picture: shows it; its value is what `on` returns.
        strokes: what is painted, for `uploads.painted`; empty for nothing.
    """

    picture: gr.HTML
    strokes: gr.Textbox

    @property
    def outputs(self) -> list[Any]:
        """What a handler fills with what `on` returns."""
        return [self.picture, self.strokes]

    def on(self, image: Any) -> list[str]:
        """Returns what shows an image with nothing painted on it; None for no image."""
        if image is None:
            return ["", ""]
        return [markup.brush(image, str(self.strokes.elem_id)), ""]


def brush_input(name: str) -> Brush:
    """Puts a brush on the page."""
    picture = gr.HTML(elem_id=f"{name}-picture")
    strokes = gr.Textbox(
        visible="hidden", elem_id=f"{name}-strokes", max_length=MOST_STROKES, label="strokes"
    )
    return Brush(picture, strokes)
