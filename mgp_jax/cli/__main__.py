"""`python -m mgp_jax.cli` is `mgp`."""

import sys

from mgp_jax.cli.main import main

sys.exit(main())
