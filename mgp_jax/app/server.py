"""The server of the page: on this computer alone."""

import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from mgp_jax.errors import SettingError

HOST = "127.0.0.1"
# Requests that are still open when it ends, such as those that wait for news.
SECONDS_TO_CLOSE = 1


def serve(
    generators: Sequence[str],
    runs: Sequence[Path] = (),
    port: int = 7860,
    on_start: Callable[[str], None] = lambda address: None,
) -> None:
    """Serves the page until it is interrupted.

    Args:
        generators: see `Service`.
        runs: see `Service`.
        port: where to listen; 0 for any free port.
        on_start: called with the address once it can be opened.

    Raises:
        SettingError: Gradio is not installed, the port is taken, or see `Service`.
    """
    require_gradio()
    with listen(port) as listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}"
        from mgp_jax.app.service import Service

        service = Service(generators, runs)
        try:
            keep_to_itself(service.folder)
            import uvicorn

            from mgp_jax.app.application import make_application

            config = uvicorn.Config(
                make_application(service),
                log_level="warning",
                timeout_graceful_shutdown=SECONDS_TO_CLOSE,
            )
            server = uvicorn.Server(config)
            on_start(address)
            server.run(sockets=[listener])
        finally:
            service.close()


def require_gradio() -> None:
    """Raises SettingError, with what to do, unless the extra is installed."""
    from importlib.util import find_spec

    if find_spec("gradio") is None:
        raise SettingError("the application needs Gradio: pip install 'mgp_jax[app]'")


def listen(port: int) -> socket.socket:
    """Opens a port of this computer.

    Raises:
        SettingError: it is taken, or none.
    """
    if not 0 <= port < 2**16:
        raise SettingError(f"port: {port}, must be from 0 to {2**16 - 1}")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        # Whoever comes before all is ready waits.
        listener.listen()
    except OSError as error:
        listener.close()
        raise SettingError(
            f"port {port}: cannot be used ({error.strerror}); --port 0 takes any free one"
        ) from None
    return listener


def keep_to_itself(folder: Path) -> None:
    """Tells Gradio, before it is imported, where to keep its files, and to ask nobody anything."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    os.environ["GRADIO_EXAMPLES_CACHE"] = str(folder / "uploads" / "examples")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"
