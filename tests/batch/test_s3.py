"""Runs on S3, as moto's server imitates it on loopback; through s3fs, as users have it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from separate import finish, make_inputs, start
from stores import contents_at, copied, with_names

from mgp_jax import cli
from mgp_jax.batch.records import Journal, records_by_name
from mgp_jax.files import path_of

pytestmark = pytest.mark.slow
s3fs = pytest.importorskip("s3fs")
moto = pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    settings = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    store = path_of("s3://bucket").fs  # pyright: ignore[reportAttributeAccessIssue]
    store.mkdir("bucket")
    yield store
    store.rm("bucket", recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_killed_host_whose_work_another_goes_on_with(s3: Any, tmp_path: Path):
    """Each has its own disk; what the folder is in the end, one process leaves on one disk."""
    inputs = make_inputs(tmp_path / "photos", 20)
    alone, log, cache = tmp_path / "alone", tmp_path / "log", tmp_path / "compiled"
    finish(start("small", inputs, alone, log, cache))
    address = copied(inputs, "s3://bucket/photos")
    # Some tools leave an empty object for a folder.
    s3.touch("bucket/photos/")
    out = "s3://bucket/inverted"
    killed = start("small", address, out, tmp_path / "log2", cache)
    while not s3.glob("bucket/inverted/results-*.jsonl", refresh=True):
        assert killed.poll() is None, killed.communicate()
    killed.kill()
    killed.communicate()
    assert not s3.exists("bucket/inverted/results.jsonl")
    finish(start("small", address, out, tmp_path / "log3", cache))
    expected: dict[str, Any] = {
        str(file.relative_to(alone)): file.read_bytes()
        for file in alone.rglob("*")
        if file.is_file()
    }
    found = contents_at(out)
    for run in (found, expected):
        del run["settings.json"]
    assert found == expected | {"records": with_names(expected.pop("results.jsonl"))}


def test_records_of_other_hosts_are_seen(s3: Any):
    """Listings are kept by s3fs, also of what was not there yet."""
    folder = path_of("s3://bucket/inverted")
    Journal(folder, 0).append([{"name": "mine"}])
    assert set(records_by_name(folder)) == {"mine"}
    other = s3fs.S3FileSystem(skip_instance_cache=True)
    other.pipe("bucket/inverted/results-other-0.jsonl", b'{"name": "theirs"}\n')
    assert set(records_by_name(folder)) == {"mine", "theirs"}


@pytest.mark.parametrize(
    ("inputs", "out", "message"),
    [
        ("s3://none/photos", "s3://bucket/out", "s3://none/photos: there is no such file"),
        ("s3://bucket/photos", "s3://none/out", "s3://none/out"),
    ],
)
def test_a_bucket_that_is_not_there(
    s3: Any,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    inputs: str,
    out: str,
    message: str,
):
    copied(make_inputs(tmp_path / "photos", 2), "s3://bucket/photos")
    command = ["invert", inputs, "--out", out, "--generator", "faces64", "--steps", "3"]
    assert cli.main(command) in (cli.SOME_FAILED, cli.WRONG_USAGE)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"mgp: {message}")
    assert s3.ls("", refresh=True) == ["bucket"]


def test_without_credentials(
    s3: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    s3fs.S3FileSystem.clear_instance_cache()
    photographs = make_inputs(tmp_path / "more", 1)
    command = ["invert", str(photographs), "--out", "s3://bucket/out", "--generator", "faces64"]
    assert cli.main(command) != cli.OK
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("mgp: s3://bucket/out") and "credentials" in line
