"""Markdown tables."""

from collections.abc import Sequence
from typing import Any

NOTHING = "-"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Returns a table whose columns are aligned at the right, but for the first.

    Args:
        head: titles of the columns.
        rows: texts as they are; numbers with three significant digits; None and NaN as a dash.
    """
    rule = ["---", *["---:"] * (len(head) - 1)]
    lines = (map(_cell, line) for line in (head, rule, *rows))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None or value != value:  # NaN is the one number that differs from itself.
        return NOTHING
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("|", "\\|")
