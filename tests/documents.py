"""Reads what the project's Markdown pages hold: code blocks, commands, links."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[1]
GUIDES = sorted((ROOT / "notebooks" / "guides").glob("*.md"))
PAGES = [ROOT / "README.md", *GUIDES]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.M | re.S)


def commands(page: Path, program: str) -> list[list[str]]:
    """The lines of shell blocks, fenced or indented, that call a program; as lists of words."""
    lines = re.findall(rf"^(?:    )?(?:.* && )?{program} (.*)$", page.read_text(), flags=re.M)
    return [shlex.split(line, comments=True) for line in lines]


def links(page: Path) -> list[str]:
    """The addresses of links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", page.read_text())
