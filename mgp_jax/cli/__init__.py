"""The command `mgp`.

Only what parses arguments is imported at the top of these files, so that help comes at once; each
command loads what it runs.
"""

import os

if os.environ.get("NO_COLOR"):
    # The parser of arguments knows this convention (no-color.org) by another name, which it reads
    # when it is imported.
    os.environ.setdefault("PYTHON_TYRO_ANSI_CODES", "False")

from mgp_jax.cli.commands import COMMANDS
from mgp_jax.cli.common import INTERRUPTED, OK, SOME_FAILED, WRONG_USAGE
from mgp_jax.cli.main import enable_compilation_cache, main

__all__ = [
    "COMMANDS",
    "INTERRUPTED",
    "OK",
    "SOME_FAILED",
    "WRONG_USAGE",
    "enable_compilation_cache",
    "main",
]
