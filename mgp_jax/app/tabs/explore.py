"""What a generator draws: random faces, what is between two of them, what each code adds."""

from functools import partial
from typing import Any

import gradio as gr

from mgp_jax.app import markup
from mgp_jax.app.editing import last_layer
from mgp_jax.app.exploring import Mixture, contributions, has_styles, mixed
from mgp_jax.app.service import Service
from mgp_jax.app.tabs.edit import find_face, offer
from mgp_jax.app.worker import Cancelled
from mgp_jax.images import to_uint8

MOST_SEEDS = 2**31
WAY, STYLES = "way", "styles"


def explore_tab(service: Service, tab: gr.Tab) -> None:
    """Puts the tab on the page."""
    names = list(service.generators)
    styled = has_styles(service.generator(names[0]))
    with gr.Row():
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
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    controls = [generator, first, second, truncation, how, share, behind]
    drawing: dict[str, Any] = {
        "fn": partial(draw_mixture, service), "inputs": controls, "outputs": view,
        "concurrency_limit": None, **quiet,
    }  # fmt: skip
    gr.on(
        [tab.select, generator.change, first.change, second.change, how.change,
         *(slider.change for slider in (truncation, share, behind))],
        trigger_mode="always_last", **drawing,
    )  # fmt: skip
    generator.change(
        lambda name: [gr.update(visible=has_styles(service.generator(name)))] * 2
        + [gr.update(value=WAY)],
        generator, [truncation, how, how], **quiet,
    )  # fmt: skip
    how.change(
        lambda name, how: [
            gr.update(visible=how == WAY),
            gr.update(visible=how == STYLES, maximum=last_mixed(service, name)),
        ],
        [generator, how], [share, behind], **quiet,
    )  # fmt: skip
    another.click(
        None, None, [first, second],
        js=f"() => [0, 1].map(() => Math.floor(Math.random() * {MOST_SEEDS}))",
    )  # fmt: skip
    tab.select(partial(offer, service), None, face, **quiet)
    show.click(partial(draw_codes, service), face, codes, concurrency_limit=None, **quiet)


def last_mixed(service: Service, name: str) -> int:
    """Returns the last layer behind which styles are left to mix."""
    return max(1, (last_layer(service.generator(name)) or 2) - 1)


def draw_mixture(
    service: Service,
    name: str,
    first: float | None,
    second: float | None,
    truncation: float,
    how: str,
    share: float,
    behind: float,
    request: gr.Request,
) -> Any:
    """Draws two random faces, and what is between them."""
    visitor = service.visitors.find(request.session_hash)
    try:
        generator = service.generator(name)
        styles = int(behind) if how == STYLES and has_styles(generator) else None
        mixture = Mixture(int(first or 0), int(second or 0), share, truncation, styles)
        images = service.worker.submit(
            lambda ticket: to_uint8(mixed(generator, mixture)), visitor.name, quick=True
        ).result()
    except Cancelled:  # The slider has moved on.
        return gr.skip()
    except Exception as error:
        return markup.problem(service.said(error, visitor))
    captions = (f"first, seed {mixture.first}", "between", f"second, seed {mixture.second}")
    return markup.figures(list(zip(images, captions, strict=True)))


def draw_codes(service: Service, face: str | None, request: gr.Request) -> Any:
    """Draws what each code of a restored face adds."""
    visitor = service.visitors.find(request.session_hash)
    try:
        restored, place = find_face(visitor, face)
        generator = service.generator(restored.wish.generator)
        pictures = service.worker.submit(
            lambda ticket: contributions(restored.codes[place], generator), visitor.name
        ).result()
    except Exception as error:
        return markup.problem(service.said(error, visitor))
    return markup.figures(pictures, 256)
