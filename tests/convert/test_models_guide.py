"""The page about models names every layout, option and unsupported network that there is."""

from pathlib import Path

import pytest

from convert.detect import LAYOUTS, UNSUPPORTED

GUIDE = (Path(__file__).parents[2] / "notebooks" / "guides" / "models.md").read_text()


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_layout_and_options_are_named(layout):
    assert layout.family in GUIDE.lower()
    assert layout.name.lower() in GUIDE.lower()
    for option in layout.options:
        assert f"`{option}`" in GUIDE or f"--option {option}=" in GUIDE


@pytest.mark.parametrize("name", ["StyleGAN3", "resnet", "constant input", "class-conditional"])
def test_what_is_not_supported_is_named(name):
    assert any(name in unsupported for unsupported, _, _ in UNSUPPORTED)
    assert name in GUIDE
