"""The entry point: parses arguments, runs a command, turns errors into one line and a status."""

import os
import sys
import time
import warnings
from collections.abc import Sequence

import tyro

from mgp_jax.cli.commands import COMMANDS
from mgp_jax.cli.common import INTERRUPTED, OK, SOME_FAILED, WRONG_USAGE, Command
from mgp_jax.errors import AddressError, MGPError, SettingError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: arguments without the program's name; None for those of the process.

    Returns: the exit status: 0 all well, 1 some inputs failed, 2 wrong usage.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        check_words(argv)
        arguments = parse(argv)
        use_standard_types()
        enable_compilation_cache()
        began = time.perf_counter()
        status = arguments.run(argv)
        if arguments.chosen().telling.verbose:
            # A member of a group goes by both names.
            names = dict.fromkeys((arguments.name, arguments.chosen().name))
            tell_the_end(" ".join(names), time.perf_counter() - began)
        sys.stdout.flush()
        return status
    except (AddressError, SettingError) as error:
        print(f"mgp: {error}", file=sys.stderr)
        return WRONG_USAGE
    except MGPError as error:
        print(f"mgp: {error}", file=sys.stderr)
        return SOME_FAILED
    except KeyboardInterrupt:
        same = "the same command" + " without --overwrite" * ("--overwrite" in argv)
        print(f"mgp: stopped; {same} continues where it was", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has seen enough; keep Python from complaining at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        if (problem := device_problem(error)) is None:
            raise
        print(f"mgp: {problem}", file=sys.stderr)
        return SOME_FAILED


def parse(argv: Sequence[str]) -> Command:
    """Parses arguments; leaves with SystemExit after help and after wrong usage."""
    name = argv[0] if argv else ""
    if name in COMMANDS:
        kinds = {name: COMMANDS[name].load()}
    elif name in ("-h", "--help"):
        kinds = {name: entry.stand_in() for name, entry in COMMANDS.items()}
    else:
        # Completion of command lines, and what is said of wrong words, know all options.
        kinds = {name: entry.load() for name, entry in COMMANDS.items()}
    if {"-h", "--help"} & set(argv[1:]):
        from mgp_jax.cli.help_texts import tidy

        for kind in kinds.values():
            tidy(kind)
    return tyro.extras.subcommand_cli_from_dict(
        kinds,
        prog="mgp",
        description="Restore and edit photographs with a trained, frozen GAN.",
        args=argv,
    )


def tell_the_end(name: str, seconds: float) -> None:
    """Prints, for `--verbose`, how long a command took, and on which devices."""
    import jax

    devices = f"{jax.device_count()} {jax.devices()[0].device_kind} ({jax.default_backend()})"
    print(f"mgp {name}: {seconds:.1f} s on {devices}, jax {jax.__version__}", file=sys.stderr)


def check_words(argv: Sequence[str]) -> None:
    """Raises SettingError for an argument without a letter, as an unset variable of a shell leaves.

    A path of that kind would mean the current folder.
    """
    for word in argv:
        if not word or (word.startswith("--") and word.endswith("=")):
            raise SettingError(f"an argument is empty: {word or repr(word)}")


def device_problem(error: Exception) -> str | None:
    """Returns what to do, on one line, where JAX has no device or too little memory.

    Returns: None if the error is about something else.
    """
    text = str(error)
    if "RESOURCE_EXHAUSTED" in text:
        first = " ".join(text.splitlines()[0].split())
        return f"{first}; a smaller --batch-size takes less memory, --dry-run says how much"
    import jax

    try:
        jax.devices()
    except Exception:  # JAX itself raises whatever it runs into.
        asked = os.environ.get("JAX_PLATFORMS", "")
        what = f"JAX_PLATFORMS={asked} asks for a device" if asked else "there is a device"
        return (
            f"{what} that JAX cannot use here; install JAX for it (NVIDIA GPU: pip install "
            "'jax[cuda13]', TPU: pip install 'jax[tpu]'), or ask for the CPU: JAX_PLATFORMS=cpu"
        )
    return None


def use_standard_types() -> None:
    """Sets back what environment variables tell JAX of types: that is for a user's own programs."""
    import jax

    jax.config.update("jax_enable_x64", False)
    jax.config.update("jax_numpy_dtype_promotion", "standard")


def enable_compilation_cache() -> None:
    """Keeps compiled programs in the user's cache, unless JAX has been given another folder."""
    import jax

    from mgp_jax.files import user_cache

    # One that another process has half written is compiled anew.
    warnings.filterwarnings("ignore", "Error reading persistent compilation cache entry")
    if getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        jax.config.update("jax_compilation_cache_dir", str(user_cache() / "compiled"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
