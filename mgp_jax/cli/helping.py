"""The commands that help with the program itself: is it well, and shell completion."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import tyro

from mgp_jax.cli.common import OK, SOME_FAILED, Command, Flag
from mgp_jax.errors import SettingError

# Where tyro knows no candidate, bash completes file names.
BASH_FILES = """
_mgp_or_files() {
  _tyro_mgp "$@"
  if [[ -z "${COMPREPLY[*]}" ]]; then COMPREPLY=(); fi
}
complete -o bashdefault -o default -F _mgp_or_files mgp"""


@dataclass(frozen=True, kw_only=True)
class Doctor(Command):
    """Check the installation: versions, devices, bundled files, cache, memory, one rendering.

    The exit status is 1 if something is wrong.

    Example: mgp doctor --device --out proof
    """

    name: ClassVar[str] = "doctor"

    device: Flag = False
    """Prove that all is right on the GPU, TPU or CPU at hand, and measure how fast it is."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """With --device: folder for accelerator.md and accelerator.json, written while it runs."""
    seconds: Annotated[float | None, tyro.conf.arg(metavar="S")] = None
    """With --device: for all parts together, 570 unless given."""
    quick: Flag = False
    """With --device: small networks and few steps."""

    def run(self, argv: Sequence[str]) -> int:
        """Runs all checks."""
        if self.device:
            return self.prove()
        if self.out is not None or self.seconds is not None or self.quick:
            raise SettingError("--out, --seconds and --quick belong to --device")
        from mgp_jax.doctor import examine

        checks = list(examine())
        text = "\n".join(
            f"{'ok' if check.ok else 'WRONG':<6}{check.name}: {check.found}" for check in checks
        )
        facts = {check.name: {"ok": check.ok, "facts": check.facts} for check in checks}
        self.telling.answer(facts, text)
        return OK if all(check.ok for check in checks) else SOME_FAILED

    def prove(self) -> int:
        """Runs the parts of the proof."""
        from mgp_jax.benchmark.device.parts import as_json, prove
        from mgp_jax.benchmark.device.setting import SECONDS, Setting

        setting, findings = (
            Setting(SECONDS if self.seconds is None else self.seconds, self.quick),
            [],
        )
        for finding in prove(setting, self.out):
            findings.append(finding)
            self.telling.say(str(finding))
        self.telling.answer(as_json(findings), f"{len(findings)} findings")
        return OK if all(finding.check.ok for finding in findings) else SOME_FAILED


@dataclass(frozen=True, kw_only=True)
class Completion(Command):
    """Print a script that lets a shell complete commands, options and their values.

    Example: mgp completion bash > ~/.local/share/bash-completion/completions/mgp
    """

    name: ClassVar[str] = "completion"

    shell: Annotated[tyro.conf.Positional[Literal["bash", "zsh"]], tyro.conf.arg(metavar="SHELL")]
    """bash or zsh."""

    def run(self, argv: Sequence[str]) -> int:
        """Prints the script."""
        text = script(self.shell)
        self.telling.answer({"script": text}, text)
        return OK


def script(shell: str) -> str:
    """Returns the completion script that tyro makes for a shell, mended in two places."""
    # By a new process: the parser prints the script and leaves, and it knows all commands, of which
    # this file is one.
    command = [sys.executable, "-m", "mgp_jax.cli", "--tyro-print-completion", shell]
    lines = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.splitlines()
    # A help text of several lines would be taken for several candidates.
    lines = [
        line.replace("\\n", " ") if line.startswith("COMPLETION_SPEC") else line for line in lines
    ]
    if shell == "bash":
        lines.append(BASH_FILES)
    return "\n".join(lines)
