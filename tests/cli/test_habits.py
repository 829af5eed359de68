"""What all commands have in common: JSON, quiet, verbose, dry runs, completion, pipes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from mgp_jax import cli
from mgp_jax.cli.helping import script
from mgp_jax.cli.main import main, parse

ROOT = Path(__file__).parents[2]
ESCAPE = "\x1b"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_has_an_example_that_parses(name: str, capsys: pytest.CaptureFixture[str]):
    documentation = re.sub(r"\s+", " ", cli.COMMANDS[name].load().__doc__ or "")
    example = documentation.partition("Example: mgp ")[2]
    assert example, "no example"
    words = example.partition(">")[0].replace('"', "").split()
    assert words[0] == name
    command = parse(words)
    assert type(command) is cli.COMMANDS[name].load()
    with pytest.raises(SystemExit):
        parse([name, "--help"])
    shown = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert f"Example: mgp {name}" in shown
    if command.chosen() is not command:  # A group: its members have the options.
        with pytest.raises(SystemExit):
            parse([*words[:2], "--help"])
        shown = capsys.readouterr().out
    for habit in ("--json", "--quiet", "--verbose"):
        assert habit in shown
    assert not re.search(r"default:\s+(None|False|\))", shown)


def test_quiet_and_verbose_exclude_each_other(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        main(["info", "faces64", "-q", "-v"])
    assert left.value.code == cli.WRONG_USAGE
    assert "not allowed together" in capsys.readouterr().err


def test_a_member_of_a_group_goes_by_both_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("mgp_jax.cli.tables.Tables.run", lambda self, argv: cli.OK)
    assert main(["bench", "tables", "--out", "tables", "--verbose"]) == cli.OK
    assert capsys.readouterr().err.startswith("mgp bench tables: ")


def test_a_run_told_in_every_way(
    small: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    Image.linear_gradient("L").convert("RGB").save("a.png")
    Path("b.png").write_text("Dear all")

    def run(out: str, *more: str) -> tuple[int, str, str]:
        capfd.readouterr()
        few = ("--steps", "3", "--codes", "2", "--generator", str(small))
        status = main(["invert", "a.png", "b.png", "--out", out, *few, *more])
        done = capfd.readouterr()
        return status, done.out, done.err

    failure = "failed: b.png: is not an image, or of a kind that cannot be read"
    status, out, err = run("one", "--dry-run", "--json")
    plan = json.loads(out)
    assert status == cli.SOME_FAILED and err == "" and not Path("one").exists()
    assert (plan["images"], plan["batches"], len(plan["phases"])) == (2, 1, 2)
    assert plan["seconds"] > 0 and plan["memory"] > 0 and len(plan["unreadable"]) == 1

    status, out, err = run("one", "--json")
    answer = json.loads(out)
    lines = Path("one/results.jsonl").read_text().splitlines()
    assert answer["records"] == [json.loads(line) for line in lines]
    assert answer["page"] == "one/index.html" and status == cli.SOME_FAILED
    assert failure in err.splitlines()

    assert run("two", "--quiet") == (cli.SOME_FAILED, "", f"{failure}\n")

    status, out, err = run("three", "--verbose")
    assert out.endswith("three/index.html\n")
    wanted = (
        "phase 1",
        "phase 2",
        "0 running",
        "loss ",
        "a.png: PSNR ",
        failure,
        "mgp invert: ",
    )
    for words in wanted:
        assert words in err, words
    assert ESCAPE not in out + err

    # What is done already costs nothing, and what differs is refused in a dry run too.
    status, out, err = run("three", "-n")
    assert status == cli.OK and "2 done, 0 to do, 0 unreadable" in out
    assert run("three", "-n", "--seed", "1")[0] == cli.WRONG_USAGE


def test_doctor(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    assert main(["doctor", "--json"]) == cli.OK
    facts = json.loads(capfd.readouterr().out)
    assert all(check["ok"] for check in facts.values())
    monkeypatch.setattr("mgp_jax.doctor.AVERAGE", (1, 1, 1))
    assert main(["doctor"]) == cli.SOME_FAILED
    lines = capfd.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("WRONG")] == lines[-1:]
    assert main(["doctor", "--quiet"]) == cli.SOME_FAILED
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["co"], {"colorize", "completion"}),
        (["invert", "--re"], {"--recipe", "--restarts"}),
        (["invert", "some-fi"], set()),
    ],
    # Sets have another order in every process, in which the tests must have the same names.
    ids=lambda value: " ".join(sorted(value) if isinstance(value, set) else value),
)
def test_bash_completes(words: list[str], wanted: set[str], tmp_path: Path):
    (tmp_path / "mgp.bash").write_text(script("bash"))
    line = " ".join(f"'{word}'" for word in ["mgp", *words])
    code = f"""
        source mgp.bash
        COMP_WORDS=({line}); COMP_CWORD={len(words)}; _mgp_or_files
        for word in "${{COMPREPLY[@]}}"; do echo "$word"; done
        complete -p mgp >&2
    """
    done = subprocess.run(
        ["bash", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.splitlines()) == wanted
    assert "-o default" in done.stderr  # File names, where nothing else fits.


def test_a_reader_that_leaves_early_is_no_error():
    """Also while help is printed, before any command runs."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "mgp_jax.cli", "--help"],
        cwd=ROOT,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (cli.OK, "")


@pytest.mark.parametrize("columns", ["20", "30", "200"])
def test_help_in_a_pipe_has_no_colours(columns: str):
    done = subprocess.run(
        [sys.executable, "-m", "mgp_jax.cli", "invert", "--help"],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": columns, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ESCAPE not in done.stdout and "--recipe" in done.stdout
    if columns == "200":  # No line breaks of the source.
        assert "auto: that of a recipe file, else the last cut" in done.stdout
