"""The page and the files of runs as one application behind its guard."""

import os
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from mgp_jax.app.files import ADDRESS, KINDS, find_file
from mgp_jax.app.guard import Guard
from mgp_jax.app.page import build_page, script, style, theme
from mgp_jax.app.service import Service
from mgp_jax.app.uploads import MOST_BYTES

# Beside a photograph a request has some lines of its own.
MARGIN = 2**20


def make_application(service: Service) -> Guard:
    """Makes what a server runs."""
    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @application.get(ADDRESS + "/{key}/{path:path}")
    def read(request: Request) -> Response:
        found = find_file(service, request.path_params["key"], request.path_params["path"])
        if found is None:
            return PlainTextResponse("not found", 404)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        return FileResponse(found, media_type=KINDS[found.suffix], headers=headers)

    uploads = Path(os.environ["GRADIO_TEMP_DIR"])
    uploads.mkdir(parents=True, exist_ok=True)
    gr.mount_gradio_app(
        application,
        build_page(service),
        path="/",
        server_name="127.0.0.1",
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        show_error=False,
        max_file_size=MOST_BYTES,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        theme=theme(),
        css=style(),
        head=script(),
    )
    return Guard(application, uploads, MOST_BYTES + MARGIN)
