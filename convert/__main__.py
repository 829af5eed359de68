"""`python -m convert`: the command `mgp-convert` in a checkout."""

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
