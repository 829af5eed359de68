"""What can be reached: the page, what it needs, nothing else; from this computer alone."""

import http.client
import json
import socket
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from applications import Application

from mgp_jax import cli

FORGED_PATHS = (
    "/etc/passwd",
    "../../../../etc/passwd",
    "/proc/self/environ",
    "file:///etc/passwd",
    "http://127.0.0.1:{port}/stolen.png",
    "https://example.invalid/a.png",
)


def ask(
    application: Application, path: str, method: str = "GET", body: Any = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """Sends a request as it is: nothing in the path is tidied up."""
    host = urllib.parse.urlsplit(application.address).netloc
    connection = http.client.HTTPConnection(host, timeout=60)
    data = None if body is None else json.dumps(body).encode()
    sent = {"Host": host, "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, data, sent)
    answer = connection.getresponse()
    result = answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}
    connection.close()
    return result


def test_the_page_is_served_with_a_policy(application: Application):
    status, body, headers = ask(application, "/")
    assert status == 200 and b"gradio" in body
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy and "http" not in policy


def test_it_listens_on_this_computer_alone(application: Application):
    port = int(application.address.rpartition(":")[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # Sends nothing; says which address would be used.
        own = probe.getsockname()[0]
    if own.startswith("127."):
        pytest.skip("this computer has no other address")
    with socket.socket() as other:
        other.settimeout(5)
        assert other.connect_ex((own, port)) != 0


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/file=%2fetc%2fpasswd",
        "/gradio_api/file=%252fetc%252fpasswd",
        "/gradio_api/file=file:///etc/passwd",
        "/gradio_api/file=http://127.0.0.1:1/",
        "/gradio_api/file=https://example.invalid/",
        "/gradio_api/file=pyproject.toml",
        "/gradio_api/file/etc/passwd",
        "/file=/etc/passwd",
        "/gradio_api/proxy=https://example.invalid/",
        "/gradio_api/stream/a/b/1/playlist.m3u8",
        "/gradio_api/openapi.json",
        "/gradio_api/custom_component/1/a/b/c",
        "/static/../../../../etc/passwd",
        "/static/..%2f..%2f..%2f..%2fetc/passwd",
        "/assets/..%2f..%2f..%2f..%2fetc/passwd",
        "/assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/runs/0/../../../../etc/passwd",
        "/runs/0/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/runs/0/%2fetc%2fpasswd",
        "/runs/0//etc/passwd",
        "/runs/0/results.jsonl",
        "/runs/9/index.html",
        "/runs/../etc/passwd",
        "/monitoring",
        "/monitoring/summary",
        "/docs",
        "/svelte/a",
        "/login_check",
    ],
)
def test_nothing_else_is_found(application: Application, path: str):
    status, body, _ = ask(application, path)
    assert status in (403, 404)
    assert b"root:" not in body and b"[project]" not in body


def test_the_report_of_a_run_is_found(application: Application):
    status, body, headers = ask(application, "/runs/0/images/photo-0000.png")
    assert status == 200 and body.startswith(b"\x89PNG")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_other_pages_are_refused(application: Application, headers: dict[str, str]):
    assert ask(application, "/", **headers)[0] == 404
    assert ask(application, "/gradio_api/queue/join", "POST", {"data": []}, **headers)[0] == 404


def test_too_much_is_refused(application: Application):
    assert ask(application, "/gradio_api/upload", "POST", Content_Length=str(2**40))[0] == 404


@pytest.mark.parametrize("path", FORGED_PATHS)
def test_events_cannot_name_other_files(application: Application, path: str):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        path = path.format(port=listener.getsockname()[1])
        file = {"path": path, "orig_name": "a.png", "meta": {"_type": "gradio.FileData"}}
        for number in range(3):
            event = {"data": [file], "fn_index": number, "session_hash": "forged"}
            status, body, _ = ask(application, "/gradio_api/queue/join", "POST", event)
            assert status == 404 and b"root:" not in body
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize("body", [[], "x", {"data": [[[]]] * 3}, None])
def test_senseless_events_do_no_harm(application: Application, body: Any):
    ask(application, "/gradio_api/queue/join", "POST", body)
    assert ask(application, "/")[0] == 200


def test_a_port_that_is_taken_is_said(
    small_weights: Path, application: Application, capsys: pytest.CaptureFixture
):
    port = application.address.rpartition(":")[2]
    assert cli.main(["app", "--generator", str(small_weights), "--port", port]) == cli.WRONG_USAGE
    assert f"port {port}: cannot be used" in capsys.readouterr().err
    assert cli.main(["app", "--port", "99999"]) == cli.WRONG_USAGE


def test_without_gradio_one_line_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["app"]) == cli.WRONG_USAGE
    assert "pip install 'mgp_jax[app]'" in capsys.readouterr().err
