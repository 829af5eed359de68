"""Multi-Code GAN Prior in JAX: restore and edit real images with a trained, frozen GAN.

Everything public can be imported from here. Modules are loaded when a name of theirs is first used,
so that `import mgp_jax` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mgp_jax.codes import Codes, compose, init_codes, render
    from mgp_jax.degradations import (
        Blur,
        CompressedSensing,
        Degradation,
        Downsample,
        Frame,
        Grayscale,
        Identity,
        Impulse,
        Jpeg,
        Mask,
        Noise,
        back_project,
        parse,
    )
    from mgp_jax.degradations import compose as compose_degradations
    from mgp_jax.errors import MGPError
    from mgp_jax.generators import (
        DCGANConfig,
        Generator,
        PGGANConfig,
        SequentialConfig,
        StyleGAN2Config,
        StyleGANConfig,
        generate,
        load_generator,
        random_generator,
        random_latents,
    )
    from mgp_jax.images import read_image, write_image
    from mgp_jax.inversion import InversionConfig, Result, Status, invert
    from mgp_jax.metrics import colorization_auc, lpips, mask_iou, mse, niqe, psnr, ssim
    from mgp_jax.recipes import Phase, Recipe, recipe_for
    from mgp_jax.restoration import Restoration, restore

_PLACES = {
    "codes": ("Codes", "compose", "init_codes", "render"),
    "degradations": (
        *("Blur", "CompressedSensing", "Degradation", "Downsample", "Frame", "Grayscale"),
        *("Identity", "Impulse", "Jpeg", "Mask", "Noise", "back_project", "parse"),
    ),
    "errors": ("MGPError",),
    "generators": (
        *("DCGANConfig", "Generator", "PGGANConfig", "SequentialConfig"),
        *("StyleGAN2Config", "StyleGANConfig"),
        *("generate", "load_generator", "random_generator", "random_latents"),
    ),
    "images": ("read_image", "write_image"),
    "inversion": ("InversionConfig", "Result", "Status", "invert"),
    "metrics": ("colorization_auc", "lpips", "mask_iou", "mse", "niqe", "psnr", "ssim"),
    "recipes": ("Phase", "Recipe", "recipe_for"),
    "restoration": ("Restoration", "restore"),
}
_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "Blur",
    "Codes",
    "CompressedSensing",
    "DCGANConfig",
    "Degradation",
    "Downsample",
    "Frame",
    "Generator",
    "Grayscale",
    "Identity",
    "Impulse",
    "InversionConfig",
    "Jpeg",
    "MGPError",
    "Mask",
    "Noise",
    "PGGANConfig",
    "Phase",
    "Recipe",
    "Restoration",
    "Result",
    "SequentialConfig",
    "Status",
    "StyleGAN2Config",
    "StyleGANConfig",
    "back_project",
    "colorization_auc",
    "compose",
    "compose_degradations",
    "generate",
    "init_codes",
    "invert",
    "load_generator",
    "lpips",
    "mask_iou",
    "mse",
    "niqe",
    "parse",
    "psnr",
    "random_generator",
    "random_latents",
    "read_image",
    "recipe_for",
    "render",
    "restore",
    "ssim",
    "write_image",
]


def __getattr__(name: str) -> Any:
    """Loads the module that a public name lives in."""
    if name == "compose_degradations":
        return import_module("mgp_jax.degradations").compose
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
