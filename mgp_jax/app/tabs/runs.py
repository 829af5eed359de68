"""The report pages of folders: those named at the start, and the visitor's own."""

from typing import Any

import gradio as gr

from mgp_jax.app import markup
from mgp_jax.app.files import ADDRESS, address_of
from mgp_jax.app.handlers import QUIET, handler
from mgp_jax.app.service import Service
from mgp_jax.app.visitors import Visitor

NOTHING_YET = "There are no runs yet: restore something, or name folders: mgp app FOLDER..."


def runs_tab(service: Service, tab: gr.Tab) -> None:
    """Puts the tab on the page."""
    run = gr.Dropdown([], label="Run", info="Folders named at the start, and what you restored.")
    view = gr.HTML(elem_id="report")
    tab.select(handler(service, offer_runs), run, [run, view], **QUIET)
    run.input(handler(service, show_run), run, view, **QUIET)


def reports_of(service: Service, visitor: Visitor) -> dict[str, str]:
    """Returns the addresses of all reports that a visitor may see, by what they are called."""
    named = {
        f"{k + 1}: {folder.name}": f"{ADDRESS}/{k}/index.html"
        for k, folder in enumerate(service.runs)
    }
    own = {
        f"your {name}": address_of(visitor, restored.folder / "index.html")
        for name, restored in visitor.runs.items()
    }
    return named | own


def offer_runs(service: Service, visitor: Visitor, chosen: str | None) -> list[Any]:
    """Returns the choices, and the report that is chosen, the latest unless another is."""
    reports = reports_of(service, visitor)
    chosen = chosen if chosen in reports else next(reversed(reports), None)
    shown = show_run(service, visitor, chosen)
    return [gr.update(choices=list(reports), value=chosen), shown]


def show_run(service: Service, visitor: Visitor, chosen: str | None) -> str:
    """Returns a report within the page."""
    address = reports_of(service, visitor).get(chosen or "")
    return markup.notice(NOTHING_YET) if address is None else markup.report(address, chosen or "")
