"""The command `mgp` itself: arguments, help, its cache and its end."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import jax
import pytest
from commands import Mgp

from mgp_jax import cli
from mgp_jax.cli.restoring import Restoring

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("paint",),
        ("invert", "--out", "out"),
        ("invert", "a.png"),
        ("invert", "a.png", "--out", "out", "--codes", "many"),
        ("invert", "a.png", "--out", "out", "--stesp", "3"),
        ("invert", "a.png", "--out", "out", "--recipe", "slow"),
        ("super-resolve", "a.png", "--out", "out"),
        ("sample", "faces64"),
        ("info",),
    ],
)
def test_arguments_that_do_not_parse(
    mgp: Mgp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple
):
    monkeypatch.chdir(tmp_path)
    done = mgp(*arguments)
    assert done.status == cli.WRONG_USAGE
    assert done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["", *cli.COMMANDS])
def test_help(mgp: Mgp, command: str):
    done = mgp(*([command] if command else []), "--help")
    assert done.status == cli.OK
    expected = {
        "": set(cli.COMMANDS),
        "demo": {"--out"},
        "info": {"GENERATOR", "--json"},
        "sample": {
            "--out",
            "--count",
            "--seed",
            "--latents",
            "--truncation",
            "--save-array",
            "--save-latents",
        },
        "super-resolve": {"--factor"},
        "inpaint": {"--mask"},
        "denoise": {"--sigma"},
        "train-encoder": {"GENERATOR", "--out", "--steps", "--seed"},
        "restore": {"--degradation"},
        "edit": {"INPUT", "--direction", "--range", "--frames", "--recipe", "--mask", "--layers"},
        "interpolate": {"INPUT", "--frames", "--recipe"},
        "directions": {"GENERATOR", "--out", "--only", "--range"},
        "train-boundary": {"GENERATOR", "--out", "--score", "--latents", "--labels"},
        "analyse": {
            "codes",
            "ablation",
            "importances",
            "removal",
            "dimension",
            "layers",
            "domains",
        },
        "tune": {"GENERATOR", "--images", "--task", "--degradation", "--budget", "--out"},
        "bench": {"tables", "speed", "cost"},
        "app": {"RUN", "--generator", "--port", "--open"},
        "doctor": {"--json", "--device", "--out", "--seconds", "--quick"},
        "completion": {"SHELL"},
    }.get(command, set())
    if command and issubclass(cli.COMMANDS[command].load(), Restoring):
        expected |= {"INPUT", "--out", "--generator", "--codes", "--layer", "--steps", "--recipe"}
        expected |= {"--seed", "--batch-size", "--simulate", "--overwrite", "--checkpoint-every"}
        expected |= {"--precision", "--memory-limit", "--distributed", "--start", "--save-latents"}
        expected |= {"--webp"}
    assert expected and not [word for word in expected if word not in done.out]


def test_the_overview_says_what_commands_say_of_themselves():
    for name, entry in cli.COMMANDS.items():
        command = entry.load()
        documentation = textwrap.dedent(command.__doc__ or "")
        first = " ".join(documentation.partition("\n\n")[0].split())
        assert (command.name, first) == (name, entry.summary)


def test_compiled_programs_are_kept_in_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    setting = "jax_compilation_cache_dir"
    before = jax.config.values[setting]
    try:
        jax.config.update(setting, None)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        cli.enable_compilation_cache()
        assert jax.config.values[setting] == str(tmp_path / "mgp_jax" / "compiled")
        # Who has chosen a folder keeps it.
        jax.config.update(setting, str(tmp_path / "mine"))
        cli.enable_compilation_cache()
        assert jax.config.values[setting] == str(tmp_path / "mine")
    finally:
        jax.config.update(setting, before)


def test_a_program_that_is_half_written_is_compiled_anew(tmp_path: Path):
    """Other processes may be writing it just then."""
    script = (
        "import jax; from mgp_jax import cli; cli.enable_compilation_cache();"
        "jax.config.update('jax_persistent_cache_min_compile_time_secs', 0);"
        "print(jax.jit(lambda x: 2 * x)(21))"
    )
    strict = ("-W", "error:Error reading persistent:UserWarning")
    environment = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}
    environment["XDG_CACHE_HOME"] = str(tmp_path)
    for _ in range(2):
        command = [sys.executable, *strict, "-c", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert (done.stdout, done.stderr) == ("42\n", "")
        kept = list((tmp_path / "mgp_jax" / "compiled").glob("*-cache"))
        assert kept
        for file in kept:
            file.write_bytes(file.read_bytes()[:20])


def test_a_reader_may_leave_early():
    command = [sys.executable, "-m", "mgp_jax.cli", "info", "faces64", "--json"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert err == "" and process.returncode == cli.OK
