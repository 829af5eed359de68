"""Functions of the user's: found by file or module, and what they raise is shown as theirs."""

from pathlib import Path

import numpy as np
import pytest

from mgp_jax.errors import SettingError, UserCodeError
from mgp_jax.user_code import guarded, load_function, names_function

SCORES = """
def red(x):
    return x[..., 0].mean((1, 2))


def broken(x):
    return helper(x)


def helper(x):
    return x / "two"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "my_scores.py").write_text(SCORES)
    (tmp_path / "my_broken_scores.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["my_scores:red", "my_scores.py:red", "{folder}/my_scores.py:red"])
def test_functions_are_loaded_by_name(folder: Path, name: str):
    function = load_function(name.format(folder=folder))
    np.testing.assert_allclose(function(np.ones((2, 4, 4, 3))), 1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_scores", "module:function or file.py:function"),
        (":red", "module:function or file.py:function"),
        ("my_scores:", "module:function or file.py:function"),
        ("my_scores:blue", "there is no function blue"),
        ("my_scores.py:blue", "there is no function blue"),
        ("my_scores:SCORES", "there is no function SCORES"),
        ("no_such_module:f", "No module named"),
        ("no_such_file.py:f", "there is no file no_such_file.py"),
    ],
)
def test_what_cannot_be_found_is_named_in_one_line(name: str, message: str):
    with pytest.raises(SettingError, match=message) as caught:
        load_function(name)
    assert str(caught.value).startswith(f"{name}: ") and "\n" not in str(caught.value)


def test_what_the_user_raises_is_shown_from_the_users_file_on():
    with pytest.raises(UserCodeError) as caught:
        load_function("my_scores.py:broken")(np.ones(3))
    lines = str(caught.value).splitlines()
    assert lines[0] == "my_scores.py:broken: the user's code raised"
    places = [line for line in lines if line.lstrip().startswith("File")]
    assert len(places) == 2 and all("my_scores.py" in place for place in places)
    assert lines[-1].startswith(("TypeError", "numpy"))
    for name in ("my_broken_scores:f", "my_broken_scores.py:f"):
        with pytest.raises(UserCodeError, match=f"{name}: cannot be loaded: (.|\\n)*ZeroDivision"):
            load_function(name)


def test_our_own_messages_pass_through():
    def refuse() -> None:
        raise SettingError("sigma: 0")

    with pytest.raises(SettingError, match=r"^sigma: 0$"):
        guarded(refuse, "mine")()


def test_names_of_functions_in_files():
    texts = ("a.py:f", "b/a.py:f", "a:f", "a.py", "f:a.py")
    assert [text for text in texts if names_function(text)] == ["a.py:f", "b/a.py:f"]
