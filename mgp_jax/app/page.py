"""The page: four tabs, one theme."""

from importlib import resources

import gradio as gr
from gradio import themes

from mgp_jax.app.service import Service
from mgp_jax.app.tabs.edit import edit_tab
from mgp_jax.app.tabs.explore import explore_tab
from mgp_jax.app.tabs.restore import restore_tab
from mgp_jax.app.tabs.runs import runs_tab

TITLE = "mgp_jax"
SCRIPTS = ("brush.js", "paste.js")
# Fonts of the system, so that none is fetched.
FONTS = ("system-ui", "sans-serif")
FIXED = ("ui-monospace", "monospace")
# Uploads are looked at, and removed when they are so old, after so many seconds.
LOOK, OLD = 60, 3600


def build_page(service: Service) -> gr.Blocks:
    """Puts the tabs together."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(LOOK, OLD)) as page:
        gr.HTML("<h1>Restore and edit photographs</h1>")
        with gr.Tabs():
            with gr.Tab("Restore"):
                restored = restore_tab(service)
            with gr.Tab("Edit") as tab:
                edit_tab(service, tab, restored)
            with gr.Tab("Explore") as tab:
                explore_tab(service, tab)
            with gr.Tab("Runs") as tab:
                runs_tab(service, tab)

        def leave(request: gr.Request) -> None:
            """Frees what a visitor had whose tab is closed."""
            service.visitors.leave(request.session_hash)

        page.unload(leave)
    return page


def theme() -> themes.Base:
    """Returns the theme: colours of the report pages, fonts of the system."""
    base = themes.Base(primary_hue="teal", neutral_hue="stone", font=FONTS, font_mono=FIXED)
    # White on the usual shades is hard to read.
    fill = {"button_primary_background_fill": "*primary_700", "button_primary_text_color": "white"}
    fill["button_primary_background_fill_hover"] = "*primary_800"
    return base.set(**fill, **{f"{name}_dark": shade for name, shade in fill.items()})


def style() -> str:
    """Returns the style sheet."""
    return (resources.files("mgp_jax.app") / "page.css").read_text(encoding="utf-8")


def script() -> str:
    """Returns our own scripts."""
    folder = resources.files("mgp_jax.app")
    texts = [(folder / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return "".join(f"<script>{text}</script>" for text in texts)
