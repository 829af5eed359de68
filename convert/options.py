"""Settings of a conversion that no checkpoint holds, given as KEY=VALUE."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mgp_jax.errors import SettingError

FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Options:
    """The options of one conversion, read by name and type.

    Attributes:
        values: texts by name.
    """

    values: Mapping[str, str] = field(default_factory=dict)

    def check(self, known: Mapping[str, str], layout: str) -> None:
        """Refuses options that the layout does not have.

        Raises:
            SettingError: naming them, and those that there are.
        """
        if unknown := sorted(self.values.keys() - known.keys()):
            offered = ", ".join(known) if known else "none"
            raise SettingError(f"option {', '.join(unknown)}: the layout {layout} has {offered}")

    def text(self, name: str, default: str | None = None) -> str | None:
        """Returns a text."""
        return self.values.get(name, default)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """Returns one of several words."""
        value = self.values.get(name, default)
        if value not in choices:
            raise SettingError(f"option {name}={value}: choose from {', '.join(choices)}")
        return value

    def flag(self, name: str, default: bool | None = None) -> bool | None:
        """Returns a truth value, or `default` if the option is not given."""
        if name not in self.values:
            return default
        value = FLAGS.get(self.values[name].lower())
        if value is None:
            raise SettingError(f"option {name}={self.values[name]}: true or false is needed")
        return value

    def number(self, name: str) -> float | None:
        """Returns a non-negative number, or None if the option is not given."""
        if name not in self.values:
            return None
        try:
            value = float(self.values[name])
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            raise SettingError(f"option {name}={self.values[name]}: a number >= 0 is needed")
        return value
