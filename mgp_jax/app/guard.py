"""What of the server can be reached at all: what the page needs, from this computer's own browser.

Gradio serves more than a page of ours uses, such as addresses that fetch other addresses. Here is a
list of what is let through; the rest is not found.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mgp_jax.app.files import ADDRESS

HOSTS = ("127.0.0.1", "localhost")
FILES = "/gradio_api/file="
WORD = r"[A-Za-z0-9_-]+"
LET_THROUGH = {
    "GET": re.compile(
        rf"/|/config|/theme\.css|/favicon\.ico|/manifest\.json|/(assets|static)/.*"
        rf"|/gradio_api/(heartbeat/{WORD}|queue/data|upload_progress|startup-events|info|theme\.css)"
        rf"|{ADDRESS}/{WORD}/.*"
    ),
    "POST": re.compile(r"/gradio_api/(queue/join|cancel|upload|reset)/?"),
}
EVENTS = "/gradio_api/queue/join"
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; frame-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)


class Guard:
    """Lets requests through to an application, if they are of its own page.

    Args:
        app: the application.
        uploads: the folder that Gradio keeps files in.
        most_bytes: of the body of a request.
    """

    def __init__(self, app: ASGIApp, uploads: Path, most_bytes: int):
        self.app, self.most_bytes = app, most_bytes
        self.uploads = os.path.realpath(uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http" or not self.allows(scope):
            if scope["type"] == "http":
                await PlainTextResponse("not found", 404)(scope, receive, send)
            return
        if scope["path"].rstrip("/") == EVENTS:
            body = await self.body_of(receive)
            if body is None or not self.has_uploads_alone(body):
                await PlainTextResponse("not found", 404)(scope, receive, send)
                return
            receive = replayed(body, receive)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["path"] == "/":
                policy = (b"content-security-policy", POLICY.encode())
                message = {**message, "headers": [*message["headers"], policy]}
            await send(message)

        await self.app(scope, receive, sent)

    async def body_of(self, receive: Receive) -> bytes | None:
        """Reads a request's body; None if it is too large or does not end."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if message["type"] != "http.request" or len(body) > self.most_bytes:
                return None
            if not message.get("more_body"):
                return body

    def has_uploads_alone(self, body: bytes) -> bool:
        """Returns whether all files that an event names have been uploaded.

        Gradio would fetch what is named by a web address.
        """
        try:
            paths = list(paths_in(json.loads(body)))
        except (ValueError, RecursionError):
            return False
        return all(isinstance(path, str) and self.is_upload(path) for path in paths)

    def allows(self, scope: Scope) -> bool:
        """Returns whether a request is one that the page makes."""
        headers = Headers(scope=scope)
        host = urlsplit(f"//{headers.get('host', '')}")
        if host.hostname not in HOSTS:
            return False  # Another name that has been pointed at this computer.
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host.netloc}":
            return False  # Another page, open in the same browser.
        if int(headers.get("content-length") or 0) > self.most_bytes:
            return False
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        path = scope["path"]
        if method == "GET" and path.startswith(FILES):
            return self.is_upload(unquote(path.removeprefix(FILES)))
        allowed = LET_THROUGH.get(method)
        return allowed is not None and allowed.fullmatch(path) is not None

    def is_upload(self, path: str) -> bool:
        """Returns whether a path is that of a file which Gradio keeps, links followed."""
        if "\0" in path:
            return False
        found = os.path.realpath(path)
        inside = os.path.commonpath([self.uploads, found]) == self.uploads
        return inside and os.path.isabs(path) and os.path.isfile(found)


def paths_in(value: Any) -> Iterator[Any]:
    """Yields the paths of all files that a JSON value tells of."""
    if isinstance(value, dict):
        if value.get("path") is not None:
            yield value["path"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from paths_in(part)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Returns what hands on a body that has been read, and then whatever comes."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> Message:
        return waiting.pop() if waiting else await receive()

    return read
