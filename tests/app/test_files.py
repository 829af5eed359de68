"""Nothing outside of runs can be read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mgp_jax.app.files import address_of, find_file
from mgp_jax.app.service import Service
from mgp_jax.errors import SettingError, WeightsError


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    (folder / "images").mkdir(parents=True)
    (folder / "index.html").write_text("page")
    (folder / "results.jsonl").write_text("")
    (folder / "images" / "a b.png").write_text("picture")
    (tmp_path / "secret.png").write_text("secret")
    (tmp_path / "run-other").mkdir()
    (tmp_path / "run-other" / "secret.png").write_text("secret")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "out").symlink_to(tmp_path)
    (folder / "within.png").symlink_to(folder / "images" / "a b.png")
    return folder


@pytest.fixture
def service(run: Path, weights: Path) -> Iterator[Service]:
    service = Service([str(weights)], [run])
    yield service
    service.close()


def test_files_of_runs(service: Service, run: Path):
    assert find_file(service, "0", "index.html") == run / "index.html"
    assert find_file(service, "0", "images/a b.png") == run / "images" / "a b.png"
    assert find_file(service, "0", "within.png") == run / "images" / "a b.png"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.png",
        "images/../../secret.png",
        "../run-other/secret.png",
        "link.png",
        "out/secret.png",
        "/etc/passwd",
        "//etc/passwd",
        "%2e%2e/secret.png",
        "..\\secret.png",
        "results.jsonl",
        "settings.json",
        "images",
        "",
        ".",
        "a\0.png",
    ],
)
def test_nothing_else(service: Service, path: str):
    assert find_file(service, "0", path) is None


def test_absolute_paths(service: Service, tmp_path: Path):
    assert find_file(service, "0", str(tmp_path / "secret.png")) is None


@pytest.mark.parametrize("key", ["1", "-1", "²", "00000000", "..", "", "visitors"])
def test_other_keys(service: Service, key: str):
    assert find_file(service, key, "index.html") is None


def test_files_of_a_visitor_are_found_by_who_knows_the_address(service: Service):
    visitor = service.visitors.find("session")
    file = visitor.new_folder("photo") / "result.png"
    file.write_text("picture")
    _, _, key, path = address_of(visitor, file).split("/", 3)
    assert find_file(service, key, path) == file.resolve()
    assert find_file(service, "session", path) is None
    other = service.visitors.find("another session")
    assert find_file(service, other.name, path) is None
    assert find_file(service, other.name, f"../{key}/{path}") is None
    service.visitors.leave("session")
    assert find_file(service, key, path) is None and not visitor.folder.exists()


def test_only_generators_that_were_named(service: Service):
    (name,) = service.generators
    assert service.generator(name).resolution == 16
    for other in ("faces64", "/etc/passwd", "../g.safetensors", "mine.py:build"):
        with pytest.raises(SettingError, match="no such generator"):
            service.generator(other)


def test_the_start_says_what_cannot_be_used(tmp_path: Path):
    with pytest.raises(SettingError, match=f"{tmp_path}: holds no report page"):
        Service(["faces64"], [tmp_path])
    with pytest.raises(WeightsError, match="neither a file nor a bundled generator"):
        Service(["nothing"])
    with pytest.raises(SettingError, match="no generator"):
        Service([])
