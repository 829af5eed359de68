"""What a generator draws: random faces, what is between two of them, what each code adds."""

from typing import Any

import gradio as gr

from mgp_jax.app import markup
from mgp_jax.app.editing import last_layer
from mgp_jax.app.exploring import Mixture, contributions, has_styles, mixed
from mgp_jax.app.handlers import QUIET, handler
from mgp_jax.app.service import Service
from mgp_jax.app.tabs.edit import find_face, offer
from mgp_jax.app.visitors import Visitor
from mgp_jax.app.worker import CancelledError
from mgp_jax.images import to_uint8

MOST_SEEDS = 2**31
WAY, STYLES = "way", "styles"


def explore_tab(service: Service, tab: gr.Tab) -> None:
    """Puts the tab on the page."""
    names = list(service.generators)
    styled = has_styles(service.generator(names[0]))
    with gr.Row(elem_classes=["beside", "picture-first"]):
        with gr.Column(min_width=300):
            generator = gr.Dropdown(
                names, value=names[0], label="Generator", visible=len(names) > 1
            )
            first = gr.Number(0, precision=0, minimum=0, label="First face", info="its seed")
            second = gr.Number(1, precision=0, minimum=0, label="Second face", info="its seed")
            another = gr.Button("Two others", elem_id="others")
            truncation = gr.Slider(
                0, 1, 0.7, step=0.05, label="Truncation", visible=styled,
                info="0 is the mean face, 1 is as wild as the generator goes.",
            )  # fmt: skip
            how = gr.Radio(
                [("go from one to the other", WAY), ("mix their styles", STYLES)],
                value=WAY, label="Between them", visible=styled,
            )  # fmt: skip
            share = gr.Slider(
                0, 1, 0.5, step=0.05, label="Share of the second", elem_id="share",
                info="How much of the way.",
            )  # fmt: skip
            behind = gr.Slider(
                1, 14, 5, step=1, label="Behind layer", visible=False,
                info="The form of the first, the second's styles behind this layer.",
            )  # fmt: skip
        with gr.Column(min_width=300):
            view = gr.HTML(elem_id="explored")
    gr.HTML("<h2>What each code adds</h2>")
    with gr.Row():
        face = gr.Dropdown([], label="Face", info="What has been restored.")
        show = gr.Button("Show its codes", elem_id="codes")
    codes = gr.HTML(elem_id="contributions")
    controls = [generator, first, second, truncation, how, share, behind]
    sliders = (truncation, share, behind)
    gr.on(
        [tab.select, *(c.change for c in (generator, first, second, how, *sliders))],
        handler(service, draw_mixture), controls, view, trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    gr.on(
        [generator.change, how.change],
        handler(service, fitting), [generator, how], [truncation, how, share, behind], **QUIET,
    )  # fmt: skip
    another.click(
        None, None, [first, second],
        js=f"() => [0, 1].map(() => Math.floor(Math.random() * {MOST_SEEDS}))",
    )  # fmt: skip
    tab.select(handler(service, offer), None, face, **QUIET)
    show.click(handler(service, draw_codes), face, codes, **QUIET)


def fitting(service: Service, visitor: Visitor, name: str, how: str) -> list[Any]:
    """Returns which controls are shown for a generator and a way to mix."""
    del visitor
    generator = service.generator(name)
    styled = has_styles(generator)
    mixing = styled and how == STYLES
    last = max(1, (last_layer(generator) or 2) - 1)
    return [
        gr.update(visible=styled),
        gr.update(visible=styled, value=how if styled else WAY),
        gr.update(visible=not mixing),
        gr.update(visible=mixing, maximum=last),
    ]


def draw_mixture(
    service: Service,
    visitor: Visitor,
    name: str,
    first: float | None,
    second: float | None,
    truncation: float,
    how: str,
    share: float,
    behind: float,
) -> Any:
    """Draws two random faces, and what is between them."""
    try:
        generator = service.generator(name)
        styles = int(behind) if how == STYLES and has_styles(generator) else None
        mixture = Mixture(int(first or 0), int(second or 0), share, truncation, styles)
        images = service.worker.submit(
            lambda ticket: to_uint8(mixed(generator, mixture)), visitor.name, quick=True
        ).result()
    except CancelledError:  # The slider has moved on.
        return gr.skip()
    except Exception as error:
        return markup.problem(service.said(error, visitor))
    captions = (f"first, seed {mixture.first}", "between", f"second, seed {mixture.second}")
    return markup.figures(list(zip(images, captions, strict=True)))


def draw_codes(service: Service, visitor: Visitor, face: str | None) -> str:
    """Draws what each code of a restored face adds."""
    try:
        restored, place = find_face(visitor, face)
        generator = service.generator(restored.wish.generator)
        pictures = service.worker.submit(
            lambda ticket: contributions(restored.codes[place], generator), visitor.name
        ).result()
    except Exception as error:
        return markup.problem(service.said(error, visitor))
    return markup.figures(pictures, 256)
