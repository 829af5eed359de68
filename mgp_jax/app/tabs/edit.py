"""A restored face with a slider for every direction."""

import shlex
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.events import Dependency

from mgp_jax.app import markup
from mgp_jax.app.components import Brush, brush_input
from mgp_jax.app.edit_results import EditResult, write_edit
from mgp_jax.app.editing import PREVIEW, Edits, Lever, last_layer, levers_of
from mgp_jax.app.files import address_of
from mgp_jax.app.handlers import QUIET, handler
from mgp_jax.app.restoring import Restored
from mgp_jax.app.service import Service
from mgp_jax.app.uploads import enlarged_to, painted
from mgp_jax.app.visitors import Visitor
from mgp_jax.app.worker import CancelledError
from mgp_jax.errors import SettingError
from mgp_jax.images import read_whole, to_uint8

# Standard deviations of random codes along a direction.
FURTHEST = 3.0
AFTER = "After the command of the restoration, the one that does the same:"
SEVERAL = "The command moves along one direction at a time, so there is none for several at once."
NOTHING_YET = "Restore a face first; it can be edited here then."


@dataclass(frozen=True)
class Levers:
    """The sliders of a generator.

    Attributes:
        group: shows or hides them.
        levers: what each moves.
        sliders: as many.
    """

    group: gr.Group
    levers: tuple[Lever, ...]
    sliders: list[gr.Slider]


def edit_tab(service: Service, tab: gr.Tab, restored: Dependency) -> None:
    """Puts the tab on the page.

    Args:
        service: who does it.
        tab: the tab itself.
        restored: what happens when there is something new to edit.
    """
    with gr.Row(elem_classes=["beside", "picture-first"]):
        with gr.Column(min_width=300):
            face = gr.Dropdown([], label="Face", info="What has been restored.", elem_id="face")
            groups = {
                name: put_levers(service, name, number)
                for number, name in enumerate(service.generators)
            }
            with gr.Accordion("Layers and region", open=False):
                layers = gr.Textbox(
                    label="Layers",
                    info="FROM:TO, as in 4:9; empty for those that a direction is for.",
                    max_lines=1,
                )
                gr.HTML(markup.notice("Paint where the face may change; nothing for everywhere."))
                brush = brush_input("region")
            with gr.Row():
                full = gr.Button("Draw in full size", elem_id="full")
                reset = gr.Button("Back to zero")
        with gr.Column(min_width=300):
            view = gr.HTML(markup.notice(NOTHING_YET), elem_id="edited")
    result = gr.HTML(elem_id="edit-result")
    sliders = [slider for group in groups.values() for slider in group.sliders]
    inputs = [face, layers, brush.strokes, *sliders]
    draw, preview = (
        handler(service, draw_edit, groups=groups, size=size) for size in (None, PREVIEW)
    )
    outputs = [view, result]
    drawing: dict[str, Any] = {"inputs": inputs, "outputs": outputs, "trigger_mode": "always_last"}
    gr.on([slider.input for slider in sliders], preview, **drawing, **QUIET)
    released = [slider.release for slider in sliders]
    gr.on([*released, full.click, layers.submit], draw, **drawing, **QUIET)
    for event in (tab.select, restored.success):
        event(handler(service, offer), None, face, **QUIET)
    opened = [view, result, *brush.outputs, *(group.group for group in groups.values())]
    back = {"fn": lambda: [0.0] * len(sliders), "inputs": None, "outputs": sliders, **QUIET}
    face.change(handler(service, open_face, groups=groups, brush=brush), face, opened, **QUIET)
    face.change(**back)
    zero = reset.click(**back)
    zero.then(draw, inputs, outputs, **QUIET)


def put_levers(service: Service, name: str, number: int) -> Levers:
    """Puts the sliders of a generator on the page, hidden until there is a face of it."""
    generator = service.generator(name)
    levers = levers_of(generator)
    last = last_layer(generator)
    with gr.Group(visible=False) as group:
        if last is not None:
            gr.HTML(markup.notice(f"{name} has the layers 0 to {last}."))
        sliders = [
            gr.Slider(
                -FURTHEST,
                FURTHEST,
                0,
                step=0.1,
                label=lever.label,
                info=f"{lever.less} ... {lever.more}",
                elem_id=f"lever-{number}-{k}",
            )
            for k, lever in enumerate(levers)
        ]
    return Levers(group, levers, sliders)


def offer(service: Service, visitor: Visitor) -> Any:
    """Returns the faces that can be edited, the latest chosen."""
    del service
    names = [
        name if len(run.codes) == 1 else f"{name}, face {k}"
        for name, run in reversed(visitor.runs.items())
        for k in range(1, len(run.codes) + 1)
    ]
    return gr.update(choices=names, value=names[0] if names else None)


def find_face(visitor: Visitor, name: str | None) -> tuple[Restored, int]:
    """Returns the restoration of a face, and which of its faces it is, from 0.

    Raises:
        SettingError: there is none.
    """
    run, _, number = (name or "").partition(", face ")
    if run not in visitor.runs:
        raise SettingError(NOTHING_YET)
    restored = visitor.runs[run]
    place = int(number) - 1 if number.isdecimal() else 0
    if not 0 <= place < len(restored.codes):
        raise SettingError(NOTHING_YET)
    return restored, place


def open_face(
    service: Service, visitor: Visitor, name: str | None, groups: dict[str, Levers], brush: Brush
) -> list[Any]:
    """Returns what is shown of a face before it is edited: the view, the brush, the sliders."""
    hidden = [gr.update(visible=False) for _ in groups]
    try:
        restored, place = find_face(visitor, name)
        generator = service.generator(restored.wish.generator)
        image = service.worker.submit(
            lambda ticket: service.faces.find(restored.codes[place], generator).plain,
            visitor.name,
            quick=True,
        ).result()
    except Exception as error:
        return [markup.problem(service.said(error, visitor)), "", *brush.on(None), *hidden]
    pixels = to_uint8(image)
    groups_shown = [gr.update(visible=key == restored.wish.generator) for key in groups]
    return [markup.picture(pixels, "not edited yet"), "", *brush.on(pixels), *groups_shown]


def draw_edit(
    service: Service,
    visitor: Visitor,
    name: str | None,
    layers: str | None,
    strokes: str | None,
    *strengths: float,
    groups: dict[str, Levers],
    size: int | None,
) -> Any:
    """Draws the face as the sliders say: small while one is pulled, else in full and as files.

    Returns: what the view shows, and what stands below it.
    """
    try:
        restored, place = find_face(visitor, name)
        generator = service.generator(restored.wish.generator)
        edits = Edits(
            strengths_of(groups, restored.wish.generator, strengths),
            parse_layers(layers),
            enlarged_to(painted(strokes), *(generator.resolution,) * 2),
        )

        def draw(ticket: Any) -> tuple[Any, Any, EditResult | None]:
            face = service.faces.find(restored.codes[place], generator)
            image = face.edited(edits, size)
            result = None if size else write_edit(restored, place, edits, image)
            return to_uint8(face.plain), to_uint8(image), result

        before, after, result = service.worker.submit(draw, visitor.name, quick=True).result()
    except CancelledError:  # The slider has moved on.
        return gr.skip()
    except Exception as error:
        return [markup.problem(service.said(error, visitor)), ""]
    if result is None:
        return [markup.picture(after, "preview", PREVIEW), gr.skip()]
    return [markup.comparison(before, after, "the face"), shown(visitor, result)]


def shown(visitor: Visitor, result: EditResult) -> str:
    """Returns what stands below an edited face: the photograph, files, the command."""
    files = [("Edited face", result.face)]
    parts = []
    if result.photograph is not None:
        files.insert(0, ("Edited photograph", result.photograph))
        whole, _ = read_whole(result.photograph)
        parts.append(markup.figures([(whole, "the photograph with the edited face")], 1024))
    if result.region is not None:
        files.append(("Region", result.region))
    parts.append(markup.downloads([(name, address_of(visitor, path)) for name, path in files]))
    if result.command is not None:
        parts.append(markup.command(shlex.join(result.command), AFTER))
    elif result.several:
        parts.append(markup.notice(SEVERAL))
    return "".join(parts)


def strengths_of(
    groups: dict[str, Levers], generator: str, values: tuple[float, ...]
) -> dict[str, float]:
    """Returns how far to go along each direction of a generator, of the sliders of all."""
    begin = 0
    for name, group in groups.items():
        end = begin + len(group.levers)
        if name == generator:
            chosen = zip(group.levers, values[begin:end], strict=True)
            return {lever.spec: value for lever, value in chosen if value}
        begin = end
    return {}


def parse_layers(text: str | None) -> tuple[int, int] | None:
    """Returns the first and the last layer of a text FROM:TO, None for an empty one.

    Raises:
        SettingError: it is something else.
    """
    first, between, last = (text or "").strip().partition(":")
    if not first and not between:
        return None
    if not (first.isdecimal() and last.isdecimal()):
        raise SettingError("Layers: the first and the last one are needed, as in 4:9.")
    return int(first), int(last)
