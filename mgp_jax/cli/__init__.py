"""The command `mgp`.

Only what parses arguments is imported at the top of these files, so that help comes at once; each
command loads what it runs.
"""

from mgp_jax.cli.common import INTERRUPTED, OK, SOME_FAILED, WRONG_USAGE
from mgp_jax.cli.main import COMMANDS, enable_compilation_cache, main
from mgp_jax.cli.restoring import Restoring

__all__ = [
    "COMMANDS",
    "INTERRUPTED",
    "OK",
    "SOME_FAILED",
    "WRONG_USAGE",
    "Restoring",
    "enable_compilation_cache",
    "main",
]
