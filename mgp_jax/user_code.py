"""Functions that users bring in files of their own, and what those raise."""

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from mgp_jax.errors import MGPError, SettingError, UserCodeError


def names_function(text: str) -> bool:
    """Returns whether a text names a function in a file, as `mine.py:build` does."""
    return text.rpartition(":")[0].endswith(".py")


def load_function(name: str) -> Callable[..., Any]:
    """Loads a Python function of the user's.

    Args:
        name: `file.py:function`, or `module:function` of the current folder or what is installed.

    Returns: the function; what it raises comes as `UserCodeError`.

    Raises:
        SettingError: there is no such file, module or function.
        UserCodeError: the file raises something when it is loaded.
    """
    place, _, function = name.rpartition(":")
    if not place or not function:
        raise SettingError(f"{name}: a function is given as module:function or file.py:function")
    found = getattr(_load(name, place), function, None)
    if not callable(found):
        raise SettingError(f"{name}: there is no function {function}")
    return guarded(found, name)


def guarded(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Lets what a user's function raises be shown as the user's, under a name."""

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except MGPError:
            raise
        except Exception as error:
            raise UserCodeError(f"{name}: {_own_part(error)}") from error

    call.__name__ = name
    return call


def _load(name: str, place: str) -> ModuleType:
    if place.endswith(".py"):
        path = Path(place)
        if not path.is_file():
            raise SettingError(f"{name}: there is no file {place}")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise SettingError(f"{name}: cannot be loaded")
        module, execute = importlib.util.module_from_spec(spec), spec.loader.exec_module
        _guarded_import(name, lambda: execute(module))
        return module
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        return _guarded_import(name, lambda: importlib.import_module(place))
    finally:
        sys.path.remove(folder)


def _guarded_import(name: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except ModuleNotFoundError as error:
        raise SettingError(f"{name}: cannot be loaded ({error})") from None
    except Exception as error:  # The user's module may do anything.
        raise UserCodeError(f"{name}: cannot be loaded: {_own_part(error)}") from error


def _own_part(error: Exception) -> str:
    """Returns the traceback of an error from the user's file on."""
    told = traceback.TracebackException.from_exception(error)
    package = str(Path(__file__).parent)
    outside = [n for n, frame in enumerate(told.stack) if not _is_ours(frame.filename, package)]
    told.stack = traceback.StackSummary.from_list(told.stack[outside[0] :] if outside else [])
    return "the user's code raised\n" + "".join(told.format(chain=False)).rstrip()


def _is_ours(filename: str, package: str) -> bool:
    return filename.startswith((package, "<frozen importlib"))
