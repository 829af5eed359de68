"""How parts are run and written: in order, within their time, and whatever breaks."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bare import run_bare

from mgp_jax.benchmark.device.parts import PARTS, Finding, Part, as_markdown, prove
from mgp_jax.benchmark.device.setting import Setting
from mgp_jax.cli import SOME_FAILED, WRONG_USAGE, main
from mgp_jax.doctor import Check
from mgp_jax.errors import OutputError, SettingError

GOOD = Check("good", True, "as it should be", {"value": 1.5})


def one(setting: Setting) -> Iterator[Check]:
    yield GOOD


def breaks(setting: Setting) -> Iterator[Check]:
    yield GOOD
    raise RuntimeError("no such\nkernel")


def slow(setting: Setting) -> Iterator[Check]:
    for _ in range(100):
        time.sleep(0.02)
        yield GOOD


def names(findings: list[Finding]) -> list[tuple[str, str, bool]]:
    return [(finding.part, finding.check.name, finding.check.ok) for finding in findings]


def test_a_part_that_breaks_does_not_stop_the_others():
    parts = [Part("first", breaks, 9), Part("second", one, 9)]
    findings = list(prove(Setting(), parts=parts))
    assert names(findings) == [
        *(("first", "good", True), ("first", "ended here", False), ("second", "good", True)),
    ]
    assert findings[1].check.found == "no such kernel"


def test_a_part_has_its_time_and_all_have_theirs():
    parts = [Part("slow", slow, 0.05), Part("next", one, 9)]
    *found, end, following = list(prove(Setting(), parts=parts))
    assert 1 <= len(found) < 10 and end.check.found.startswith("its time was used up")
    assert end.check.ok and following.check == GOOD and found[0].seconds >= 0.02
    findings = list(prove(Setting(seconds=0.01), parts=parts))
    assert findings[-1][1].found == "no time was left"


def test_a_part_with_nothing_to_time_says_so():
    parts = [Part("empty", lambda _: iter(()), 9), Part("next", one, 9)]
    assert names(list(prove(Setting(), parts=parts))) == [
        *(("empty", "nothing", True), ("next", "good", True)),
    ]


def test_what_is_known_is_written_after_every_finding(tmp_path: Path):
    out = tmp_path / "new"
    proof = prove(Setting(), out, [Part("first", one, 9), Part("second", breaks, 9)])
    next(proof)
    records = json.loads((out / "accelerator.json").read_text())
    assert [record["part"] for record in records] == ["first"]
    assert records[0]["facts"] == {"value": 1.5} and records[0]["seconds"] >= 0
    list(proof)
    page = (out / "accelerator.md").read_text()
    assert "1 of 3 findings are wrong" in page and "## second" in page
    assert "| **WRONG** | ended here | no such kernel |" in page
    assert sorted(path.name for path in out.iterdir()) == ["accelerator.json", "accelerator.md"]


def test_parts_that_ran_out_of_time_are_named():
    late = Finding("Speed", Check("left out", True, "no time", {"left_out": True}), 0.0)
    assert "nothing is wrong; out of time: Speed" in as_markdown([late])


def test_a_folder_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file: cannot be written"):
        list(prove(Setting(), tmp_path / "file", [Part("first", one, 9)]))


def test_seconds_must_be_positive():
    with pytest.raises(SettingError, match="seconds: 0, must be positive"):
        Setting(seconds=0)


def test_doctor_runs_the_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    import mgp_jax.benchmark.device.parts as room

    def shortened(setting: Setting, out: Path | None) -> Iterator[Finding]:
        assert setting.seconds == 5 and setting.quick
        return prove(setting, out, [Part("first", breaks, 9)])

    monkeypatch.setattr(room, "prove", shortened)
    options = ["--quick", "--seconds", "5", "--out", str(tmp_path)]
    assert main(["doctor", "--device", *options, "--json"]) == SOME_FAILED
    assert [record["ok"] for record in json.loads(capsys.readouterr().out)] == [True, False]
    assert (tmp_path / "accelerator.md").is_file()
    assert main(["doctor", "--quick"]) == WRONG_USAGE


def run_accelerator(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return run_bare("accelerator.py", "--out", str(out), "--quick", *options)


def test_the_script_runs_from_a_bare_checkout(tmp_path: Path):
    done = run_accelerator(tmp_path, "--parts", "device")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok    Device: rendering: average colour" in done.stdout
    records = json.loads((tmp_path / "accelerator.json").read_text())
    assert [record["name"] for record in records][:2] == ["versions", "devices"]


@pytest.mark.slow
def test_all_parts_run_from_a_bare_checkout(tmp_path: Path):
    # Beside other tests, on a slow machine, ten minutes are not enough for all parts.
    done = run_accelerator(tmp_path, "--seconds", "2400")
    assert done.returncode == 0, done.stdout + done.stderr
    records = json.loads((tmp_path / "accelerator.json").read_text())
    assert list(dict.fromkeys(r["part"] for r in records)) == [part.title for part in PARTS]


def test_a_part_that_is_not_there(tmp_path: Path):
    done = run_accelerator(tmp_path, "--parts", "colour")
    assert done.returncode == 2 and "--parts: there are device," in done.stderr
