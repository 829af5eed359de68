"""What Gradio calls when something happens on the page: our functions, told who is visiting."""

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from mgp_jax.app.service import Service
from mgp_jax.app.visitors import Visitor

# Nothing covers what is shown while it is drawn anew, nothing is offered to programs, and handlers
# only wait for the worker, so that as many can as there are visitors.
QUIET: dict[str, Any] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    "concurrency_limit": None,
}


def handler(service: Service, function: Callable[..., Any], **settings: Any) -> Callable[..., Any]:
    """Returns what calls `function(service, visitor, *values, **settings)`."""

    def handle(request: gr.Request, *values: Any) -> Any:
        return function(service, visitor_of(service, request), *values, **settings)

    return handle


def streaming(
    service: Service, function: Callable[..., Iterator[Any]]
) -> Callable[..., Iterator[Any]]:
    """Returns what yields what `function(service, visitor, *values)` does."""

    def handle(request: gr.Request, *values: Any) -> Iterator[Any]:
        yield from function(service, visitor_of(service, request), *values)

    return handle


def visitor_of(service: Service, request: gr.Request) -> Visitor:
    """Returns who is visiting."""
    return service.visitors.find(request.session_hash)
