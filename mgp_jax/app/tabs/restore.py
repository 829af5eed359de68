"""Drop a photograph, say what is wrong with it, see it come back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.events import Dependency

from mgp_jax.app import markup
from mgp_jax.app.components import Brush, Upload, brush_input, photograph_input
from mgp_jax.app.examples import EXAMPLES, Example, write_example
from mgp_jax.app.faults import AUTO, BY_NAME, FAULTS, HOLES
from mgp_jax.app.files import address_of
from mgp_jax.app.handlers import QUIET, handler, streaming
from mgp_jax.app.restoring import Restored
from mgp_jax.app.service import Service
from mgp_jax.app.uploads import Photograph, accept, enlarged_to, painted
from mgp_jax.app.visitors import UPLOAD, Visitor
from mgp_jax.app.wishes import Wish, faces_choices
from mgp_jax.errors import SettingError
from mgp_jax.faces import NONE
from mgp_jax.images import read_whole

RECIPES = (("fast", "fast"), ("quality: better and slower", "quality"))
MOST_SAMPLES = 4
FACES = {"largest": "the largest", "all": "all", NONE: "none: the central square"}
INTRODUCTION = (
    "Drop a photograph, tick what is wrong with it, press Restore. Nothing leaves this computer."
)
NOTHING_YET = "The picture appears here, and becomes sharper while it is worked on."

# On a phone the picture is far below the button.
SHOW_VIEW = """(...values) => {
    if (innerWidth <= 768) document.querySelector('#view').scrollIntoView();
    return values;
}"""


@dataclass(frozen=True)
class Controls:
    """The controls whose values make a wish, in the order in which handlers get them."""

    generator: gr.Dropdown
    faults: gr.CheckboxGroup
    brush: Brush
    faces: gr.Radio
    recipe: gr.Radio
    samples: gr.Slider
    seed: gr.Number
    amounts: dict[str, gr.Slider]

    def all(self) -> list[Any]:
        """Returns all of them."""
        what = [self.generator, self.faults, self.brush.strokes, self.faces]
        return [*what, self.recipe, self.samples, self.seed, *self.amounts.values()]


def restore_tab(service: Service) -> Dependency:
    """Puts the tab on the page; returns what happens with every run."""
    gr.HTML(markup.notice(INTRODUCTION))
    with gr.Row(elem_classes="beside"):
        with gr.Column(min_width=300):
            photograph = photograph_input(
                label="Photograph: drop, paste or choose", height=320, elem_id="photograph"
            )
            about = gr.HTML(elem_id="about")
            with gr.Row():
                buttons = [gr.Button(f"Example: {item.label}", size="sm") for item in EXAMPLES]
            controls = put_controls(service)
            with gr.Row():
                run = gr.Button("Restore", variant="primary", elem_id="run")
                stop = gr.Button("Stop", elem_id="stop")
        with gr.Column(min_width=300):
            view = gr.HTML(markup.notice(NOTHING_YET), elem_id="view")
    taken = [photograph, about, *controls.brush.outputs]
    photograph.upload(handler(service, take, brush=controls.brush), photograph, taken, **QUIET)
    for button, example in zip(buttons, EXAMPLES, strict=True):
        button.click(
            handler(service, take_example, example=example, brush=controls.brush),
            controls.generator,
            [*taken, controls.faults, controls.faces, *controls.amounts.values()],
            **QUIET,
        )
    running = run.click(
        streaming(service, run_restoration), controls.all(), view, js=SHOW_VIEW, **QUIET
    )
    stop.click(handler(service, stop_all), None, None, **QUIET)
    return running


def put_controls(service: Service) -> Controls:
    """Puts the controls on the page, and shows those that what is ticked asks for."""
    names = list(service.generators)
    first = service.generator(names[0])
    generator = gr.Dropdown(
        names,
        value=names[0],
        label="Generator",
        info="What draws: it restores what it was trained on.",
        visible=len(names) > 1,
        elem_id="generator",
    )
    faults = gr.CheckboxGroup(
        [
            *((fault.label, fault.name) for fault in FAULTS),
            ("holes: parts are missing", HOLES),
            ("I cannot tell: let it be estimated", AUTO),
        ],
        label="What is wrong with it",
        elem_id="faults",
    )
    amounts = {
        fault.name: gr.Slider(
            amount.least,
            amount.most,
            amount.usual,
            step=amount.step,
            label=amount.label,
            info=amount.info,
            visible=False,
            elem_id=f"amount-{fault.name}",
        )
        for fault in FAULTS
        if (amount := fault.amount) is not None
    }
    with gr.Group(visible=False) as painting:
        gr.HTML(markup.notice("Paint over what is missing or spoilt; the rest stays."))
        brush = brush_input("holes")
    faces = gr.Radio(
        faces_of(service, names[0]),
        value=faces_choices(first)[0],
        visible=len(faces_choices(first)) > 1,
        label="Faces",
        info="Each is found, restored and put back; the rest of the photograph stays.",
        elem_id="faces",
    )
    with gr.Accordion("More", open=False):
        recipe = gr.Radio(RECIPES, value="fast", label="Effort")
        samples = gr.Slider(
            1, MOST_SAMPLES, 1, step=1, label="Answers", elem_id="samples",
            info="Where much is missing there are many; the result is their mean.",
        )  # fmt: skip
        seed = gr.Number(
            0, precision=0, minimum=0, label="Seed", info="Another one gives another answer."
        )

    def chosen(ticked: list[str]) -> list[Any]:
        shown = [gr.update(visible=name in ticked) for name in amounts]
        return [*shown, gr.update(visible=HOLES in ticked)]

    faults.change(chosen, faults, [*amounts.values(), painting], **QUIET)
    generator.change(handler(service, offer_faces), generator, faces, **QUIET)
    return Controls(generator, faults, brush, faces, recipe, samples, seed, amounts)


def faces_of(service: Service, name: str) -> list[tuple[str, str]]:
    """Returns which faces can be chosen, as the page calls them."""
    choices = faces_choices(service.generator(name))
    return [(FACES.get(choice, f"the {choice} largest"), choice) for choice in choices]


def offer_faces(service: Service, visitor: Visitor, name: str) -> Any:
    """Returns the choice of faces for a generator; hidden where there is none."""
    del visitor
    choices = faces_of(service, name)
    return gr.update(choices=choices, value=choices[0][1], visible=len(choices) > 1)


def take(service: Service, visitor: Visitor, upload: Upload | None, brush: Brush) -> list[Any]:
    """Takes an upload: returns what the photograph, the line below it and the brush show."""
    visitor.photograph = None
    if upload is None:
        return [None, "", *brush.on(None)]
    try:
        visitor.photograph = accept(upload.path, upload.name, visitor.folder / UPLOAD)
    except Exception as error:
        return [None, markup.problem(service.said(error, visitor)), *brush.on(None)]
    return shown(visitor.photograph, brush)


def shown(photograph: Photograph, brush: Brush) -> list[Any]:
    """Returns what the photograph, the line below it and the brush show of an upload."""
    text = f"{photograph.file.name}: {photograph.width} x {photograph.height} pixels"
    line = "; ".join([text, *photograph.notes])
    return [photograph.shown, markup.notice(line), *brush.on(photograph.shown)]


def take_example(
    service: Service, visitor: Visitor, name: str, example: Example, brush: Brush
) -> list[Any]:
    """Takes an example as if it had been uploaded, and ticks what is wrong with it."""
    what = service.generator(name)
    visitor.folder.mkdir(parents=True, exist_ok=True)
    path = visitor.folder / f"{example.label.lower().replace(', ', '-').replace(' ', '-')}.png"
    service.worker.submit(
        lambda ticket: write_example(example, what, path), visitor.name, quick=True
    ).result()
    visitor.photograph = accept(path, path.name, visitor.folder / UPLOAD)
    path.unlink()
    amounts = [
        example.faults.get(fault.name, fault.amount.usual) for fault in FAULTS if fault.amount
    ]
    return [*shown(visitor.photograph, brush), list(example.faults), NONE, *amounts]


def run_restoration(service: Service, visitor: Visitor, *values: Any) -> Iterator[str]:
    """Restores the visitor's photograph; yields what the view shows, about every second."""
    try:
        for news in service.restoring(visitor, wish_of(visitor, *values)):
            if isinstance(news, Restored):
                yield result_of(visitor, news)
            else:
                yield markup.waiting(news) if isinstance(news, int) else markup.running(news)
    except Exception as error:
        yield markup.problem(service.said(error, visitor))


def stop_all(service: Service, visitor: Visitor) -> None:
    """Stops what the visitor has asked for."""
    service.worker.cancel(visitor.name)


def wish_of(
    visitor: Visitor,
    generator: str,
    faults: list[str],
    strokes: str | None,
    faces: str,
    recipe: str,
    samples: float,
    seed: float,
    *amounts: float,
) -> Wish:
    """Returns what the controls say.

    Raises:
        MGPError: there is no photograph, or a control's value cannot be used.
    """
    photograph = visitor.photograph
    if photograph is None:
        raise SettingError("Choose a photograph first.")
    named = [fault.name for fault in FAULTS if fault.amount is not None]
    values = dict(zip(named, amounts, strict=True))
    holes = painted(strokes) if HOLES in faults else None
    if HOLES in faults and holes is None:
        raise SettingError("Paint over what is missing first, or untick the holes.")
    return Wish(
        generator=generator,
        input=photograph.file,
        faults={name: values.get(name) for name in faults if name in {*BY_NAME, AUTO}},
        holes=enlarged_to(holes, photograph.width, photograph.height),
        faces=faces,
        recipe=recipe,
        samples=int(samples),
        seed=int(seed),
    )


def result_of(visitor: Visitor, restored: Restored) -> str:
    """Returns what the view shows of a restoration that is done."""
    record = restored.record
    output = restored.folder / record["output"]
    before, after = (
        read_whole(path)[0] for path in (restored.folder / record["observation"], output)
    )
    parts = [markup.comparison(before, after, restored.wish.input.name)]
    text = f"Done: {record['steps']} steps, {record['seconds']:.1f} s"
    parts.append(markup.notice("; ".join([text, *record["notes"]])))
    if record["error"]:
        parts.append(markup.problem(record["error"]))
    if restored.answers:
        pictures = [(read_whole(path)[0], path.stem) for path in restored.answers]
        parts.append(markup.figures(pictures))
    codes = restored.codes
    files = [("Image", output), ("Codes", codes[0])]
    files += [(f"Codes of face {k}", path) for k, path in enumerate(codes[1:], 2)]
    files += [(path.name, path) for path in restored.prepared.written]
    parts.append(markup.downloads([(label, address_of(visitor, path)) for label, path in files]))
    parts.append(markup.command(restored.command))
    return "".join(parts)
