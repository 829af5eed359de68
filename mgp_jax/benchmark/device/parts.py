"""The parts of the proof in the order of their importance, and how they are run and written."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax

from mgp_jax.benchmark.device import behaviour, curves, facts, memory, parity, speed, variants
from mgp_jax.benchmark.device.setting import SECONDS, Setting
from mgp_jax.doctor import Check
from mgp_jax.errors import OutputError
from mgp_jax.files import replacing
from mgp_jax.report.markdown import markdown_table

NAME = "accelerator"


class Part(NamedTuple):
    """A part of the proof.

    Attributes:
        title: its heading.
        function: yields what it finds, each as soon as it is known.
        seconds: that it may take of the usual `SECONDS`; what it is at then it ends, and begins
            nothing more.
    """

    title: str
    function: Callable[[Setting], Iterator[Check]]
    seconds: float


PARTS = (
    Part("Device", facts.facts, 30),
    Part("Families against the CPU", parity.families, 100),
    Part("Operators against the CPU", parity.operators, 45),
    Part("Repetition, resuming, batches", behaviour.repetition, 60),
    Part("Recipes", behaviour.recipes, 60),
    Part("Memory", memory.limit, 60),
    Part("Sharing", memory.sharing, 30),
    Part("Peaks", facts.peaks, 15),
    Part("Speed", speed.speed, 200),
    Part("Quality over time", curves.quality, 75),
    Part("PyTorch", curves.pytorch, 120),
    Part("Formulations", variants.formulations, 90),
    Part("Between steps", variants.host, 30),
)


class Finding(NamedTuple):
    """What a part found.

    Attributes:
        part: its title.
        check: the finding.
        seconds: how long it took.
    """

    part: str
    check: Check
    seconds: float

    def __str__(self) -> str:
        mark = "ok" if self.check.ok else "WRONG"
        return f"{mark:<6}{self.part}: {self.check.name}: {self.check.found} ({self.seconds:.1f} s)"


def prove(
    setting: Setting,
    out: Path | None = None,
    parts: Sequence[Part] = PARTS,
) -> Iterator[Finding]:
    """Runs the parts and yields every finding; what is there so far is written after each.

    Args:
        setting: how much is examined.
        out: folder for `accelerator.md` and `accelerator.json`; None to write nothing.
        parts: the parts.

    Raises:
        OutputError: the folder cannot be written to.
    """
    findings: list[Finding] = []
    for part in parts:
        began = time.perf_counter()
        for check in _within(part, setting):
            now = time.perf_counter()
            findings.append(Finding(part.title, check, now - began))
            began = now
            if out is not None:
                write(findings, out)
            yield findings[-1]


def _within(part: Part, setting: Setting) -> Iterator[Check]:
    """Runs a part until its time, or that of all, is used up; what it raises is a finding too."""
    share = part.seconds * setting.seconds / SECONDS
    end = time.perf_counter() + min(share, setting.left)
    if setting.left <= 0:
        yield Check("left out", True, "no time was left", {"left_out": True})
        return
    check = None
    try:
        for check in part.function(setting):
            yield check
            if time.perf_counter() > end:
                yield Check(
                    "ended here",
                    True,
                    "its time was used up, no more was begun",
                    {"left_out": True},
                )
                return
        if check is None:
            yield Check("nothing", True, "none of what was chosen is here", None)
    except Exception as error:  # Whatever is broken, the other parts still tell something.
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        yield Check("ended here", False, reason, {"error": reason})


def write(findings: Sequence[Finding], out: Path) -> None:
    """Writes what has been found as Markdown and as JSON.

    Raises:
        OutputError: the folder cannot be written to.
    """
    texts = {f"{NAME}.md": as_markdown(findings), f"{NAME}.json": json.dumps(as_json(findings))}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with replacing(out / name) as file:
                file.write(text.encode())
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror}") from None


def as_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Returns the findings as JSON values."""
    return [
        {"part": part, **check._asdict(), "seconds": seconds} for part, check, seconds in findings
    ]


def as_markdown(findings: Sequence[Finding]) -> str:
    """Returns the findings as a page with a table for every part."""
    device = jax.devices()[0]
    wrong = sum(not finding.check.ok for finding in findings)
    verdict = f"{wrong} of {len(findings)} findings are wrong" if wrong else "nothing is wrong"
    short = {finding.part for finding in findings if (finding.check.facts or {}).get("left_out")}
    verdict += f"; out of time: {', '.join(sorted(short))}" if short else ""
    lines = [f"# mgp_jax on {device.device_kind}, jax {jax.__version__}", "", f"So far {verdict}."]
    for title in dict.fromkeys(finding.part for finding in findings):
        rows = [
            ["" if check.ok else "**WRONG**", check.name, check.found, f"{seconds:.1f}"]
            for part, check, seconds in findings
            if part == title
        ]
        table = markdown_table(["", "what", "found", "s"], rows)
        lines += ["", f"## {title}", "", table]
    return "\n".join(lines) + "\n"
