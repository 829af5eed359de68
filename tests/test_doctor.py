"""The checks of an installation: all well here, and each finds what it is for."""

import hashlib
from pathlib import Path

import pytest

from convert.bundled import ASSETS
from mgp_jax import doctor
from mgp_jax.doctor import examine


def test_all_is_well():
    checks = {check.name: check for check in examine()}
    assert list(checks) == list(doctor.CHECKS)
    assert [check for check in checks.values() if not check.ok] == []
    assert checks["versions"].facts.keys() >= {"python", "jax", "jaxlib", "flax", "optax", "numpy"}
    assert checks["devices"].facts["devices"]
    assert checks["disk"].facts["free"] > 0


def test_a_checkout_need_not_be_installed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("mgp_jax_elsewhere", "jax"))
    check = doctor.check_versions("versions")
    assert check.ok and check.facts["mgp_jax_elsewhere"] == "not installed"
    assert check.facts["jax"] == doctor.jax.__version__


def test_every_bundled_file_is_recorded():
    folder = Path(doctor.__file__).parent / "assets"
    lines = [line.split() for line in (folder / "SHA256SUMS").read_text().splitlines()]
    binary = {file.name for file in folder.iterdir() if file.suffix in (".safetensors", ".png")}
    assert {name for _, name in lines} == binary >= {asset.file for asset in ASSETS}
    for wanted, name in lines:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == wanted


def test_damaged_and_missing_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    good = hashlib.sha256(b"good").hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{good}  a.bin\n{good}  b.bin\n{good}  c.bin\n")
    (tmp_path / "a.bin").write_bytes(b"good")
    (tmp_path / "b.bin").write_bytes(b"bad")
    monkeypatch.setattr(doctor.resources, "files", lambda package: tmp_path)
    check = doctor.check_files("bundled files")
    assert not check.ok
    assert check.facts == {"a.bin": "ok", "b.bin": "damaged", "c.bin": "missing"}
    assert check.found.startswith("b.bin is damaged, c.bin is missing; install")


def test_a_wrong_rendering_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "AVERAGE", (0.1, -0.2, -0.3))
    check = doctor.check_rendering("rendering")
    assert not check.ok and "should be +0.100 -0.200 -0.300" in check.found


def test_a_check_that_breaks_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch):
    def fail(name: str) -> doctor.Check:
        raise RuntimeError("no such\ndevice")

    monkeypatch.setitem(doctor.CHECKS, "devices", fail)
    checks = {check.name: check for check in examine()}
    assert not checks["devices"].ok and checks["devices"].found == "no such device"
    assert checks["rendering"].ok
