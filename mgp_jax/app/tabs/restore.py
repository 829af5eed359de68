"""Drop a photograph, say what is wrong with it, see it come back."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.events import Dependency

from mgp_jax.app import markup
from mgp_jax.app.components import BrushInput, PhotographInput, Upload
from mgp_jax.app.examples import EXAMPLES, Example, write_example
from mgp_jax.app.faults import BY_NAME, FAULTS, HOLES
from mgp_jax.app.files import address_of
from mgp_jax.app.restoring import Restored, restore
from mgp_jax.app.service import Service
from mgp_jax.app.uploads import READING, Photograph, accept, enlarged_to, painted
from mgp_jax.app.visitors import Visitor
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


@dataclass(frozen=True)
class Controls:
    """The controls whose values make a wish, in the order in which handlers get them."""

    generator: gr.Dropdown
    faults: gr.CheckboxGroup
    brush: BrushInput
    faces: gr.Radio
    recipe: gr.Radio
    samples: gr.Slider
    seed: gr.Number
    amounts: dict[str, gr.Slider]

    def all(self) -> list[Any]:
        """Returns all of them."""
        named = [self.generator, self.faults, self.brush, self.faces, self.recipe, self.samples]
        return [*named, self.seed, *self.amounts.values()]


def restore_tab(service: Service) -> Dependency:
    """Puts the tab on the page; returns what happens with every run."""
    gr.HTML(markup.notice(INTRODUCTION))
    with gr.Row():
        with gr.Column(min_width=300):
            photograph = PhotographInput(
                label="Photograph: drop, paste or choose",
                sources=["upload", "clipboard"],
                buttons=[],
                height=320,
                elem_id="photograph",
            )
            about = gr.HTML(elem_id="about")
            with gr.Row():
                buttons = [gr.Button(f"Example: {item.label}", size="sm") for item in EXAMPLES]
            controls = put_controls(service)
            with gr.Row():
                run = gr.Button("Restore", variant="primary", elem_id="run")
                stop = gr.Button("Stop", elem_id="stop")
        with gr.Column(min_width=300):
            view = gr.HTML(elem_id="view")
    taken = [photograph, about, controls.brush]
    photograph.upload(
        partial(take, service), photograph, taken, show_progress="hidden", api_visibility="private"
    )
    for button, example in zip(buttons, EXAMPLES, strict=True):
        button.click(
            partial(take_example, service, example),
            controls.generator,
            [*taken, controls.faults, controls.faces, *controls.amounts.values()],
            api_visibility="private",
        )
    running = run.click(
        partial(run_restoration, service),
        controls.all(),
        view,
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=None,
    )
    stop.click(partial(stop_all, service), None, None, api_visibility="private")
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
        [*((fault.label, fault.name) for fault in FAULTS), ("holes: parts are missing", HOLES)],
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
        brush = BrushInput(label="Holes", height=420, elem_id="holes")
    faces = gr.Radio(
        faces_of(service, names[0]),
        value=faces_choices(first)[0],
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

    faults.change(
        chosen, faults, [*amounts.values(), painting],
        show_progress="hidden", api_visibility="private",
    )  # fmt: skip
    generator.change(
        lambda name: gr.update(
            choices=faces_of(service, name), value=faces_choices(service.generator(name))[0]
        ),
        generator,
        faces,
        show_progress="hidden",
        api_visibility="private",
    )
    return Controls(generator, faults, brush, faces, recipe, samples, seed, amounts)


def faces_of(service: Service, name: str) -> list[tuple[str, str]]:
    """Returns which faces can be chosen, as the page calls them."""
    choices = faces_choices(service.generator(name))
    return [(FACES.get(choice, f"the {choice} largest"), choice) for choice in choices]


def take(service: Service, upload: Upload | None, request: gr.Request) -> list[Any]:
    """Takes an upload: returns what the photograph, the line below it and the brush show."""
    visitor = service.visitors.find(request.session_hash)
    visitor.photograph = None
    if upload is None:
        return [None, "", None]
    try:
        visitor.photograph = accept(upload.path, upload.name, visitor.folder)
    except Exception as error:
        return [None, markup.problem(service.said(error, visitor)), None]
    return shown(visitor.photograph)


def shown(photograph: Photograph) -> list[Any]:
    """Returns what the photograph, the line below it and the brush show of an upload."""
    text = f"{photograph.file.name}: {photograph.width} x {photograph.height} pixels"
    line = "; ".join([text, *photograph.notes])
    return [photograph.shown, markup.notice(line), photograph.shown]


def take_example(service: Service, example: Example, name: str, request: gr.Request) -> list[Any]:
    """Takes an example as if it had been uploaded, and ticks what is wrong with it."""
    visitor = service.visitors.find(request.session_hash)
    what = service.generator(name)
    stem = example.label.lower().replace(", ", "-").replace(" ", "-")
    path = visitor.folder / f"{stem}.png"
    service.worker.submit(
        lambda ticket: write_example(example, what, path), visitor.name, quick=True
    ).result()
    visitor.photograph = accept(path, path.name, visitor.folder)
    amounts = [
        example.faults.get(fault.name, fault.amount.usual) for fault in FAULTS if fault.amount
    ]
    return [*shown(visitor.photograph), list(example.faults), NONE, *amounts]


def run_restoration(service: Service, *values: Any, request: gr.Request) -> Iterator[str]:
    """Restores the visitor's photograph; yields what the view shows, about every second."""
    visitor = service.visitors.find(request.session_hash)
    folder = None
    try:
        wish = wish_of(visitor, *values)
        what = service.generator(wish.generator)
        folder = visitor.new_folder(wish.input.stem)
        place = folder
        ticket = service.worker.submit(
            lambda ticket: restore(wish, what, place, READING, ticket), visitor.name
        )
        for news in ticket.watch():
            yield markup.waiting(news) if isinstance(news, int) else markup.running(news)
        restored = ticket.result()
        visitor.keep(folder.name, restored)
        yield result_of(visitor, restored)
    except Exception as error:
        yield markup.problem(service.said(error, visitor))


def stop_all(service: Service, request: gr.Request) -> None:
    """Stops what the visitor has asked for."""
    service.worker.leave(service.visitors.find(request.session_hash).name)


def wish_of(
    visitor: Visitor,
    generator: str,
    faults: list[str],
    strokes: bytes | str | None,
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
        faults={name: values.get(name) for name in faults if name in BY_NAME},
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
    before, after = (read_whole(path)[0] for path in (restored.folder / record["observation"], output))
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
