"""Smaller images in less time: a tail that ends where feature maps are as large as a preview."""

from dataclasses import dataclass, fields

import jax

from mgp_jax.generators.base import CutGenerator, bind
from mgp_jax.generators.crossing import Features, Params, as_features, as_passed
from mgp_jax.generators.split import Split


@dataclass(frozen=True)
class ReducedGenerator(CutGenerator):
    """Halves of a generator whose tail draws a smaller image.

    Attributes:
        end: index of the cut whose feature map is as large as that image.
    """

    end: int

    def tail(self, params: Params, features: Features, remat: bool) -> jax.Array:
        """Runs the stages up to the end, and sketches the image from what is there."""
        del remat  # For gradients, which nobody takes of a preview.
        whole = self.generator(params)
        x = as_features(whole.apply(params, as_passed(features), self.cut, self.end))
        image = self.config.sketch(bind(self.graph, params), x, self.end)
        assert image is not None
        return image


def reduced(split: Split, size: int) -> Split:
    """Returns a split of the same codes whose images are smaller and take less time.

    They are about what the generator's own are, reduced, see `Config.sketch`.

    Args:
        split: a generator, cut.
        size: height and width in pixels that are enough.

    Returns: a split whose images are the smallest that are large enough; the same split where its
        family can sketch none.

    Example:
        >>> from mgp_jax import StyleGAN2Config, random_generator
        >>> from mgp_jax.generators.reduced import reduced
        >>> generator = random_generator(StyleGAN2Config(8, 8, (8,), (6, 4, 4, 4, 4)))
        >>> generator.resolution, reduced(generator.split("layer1"), 8).image_shape
        (16, (8, 8, 3))
    """
    whole, halves = split.generator, split.halves
    sizes = whole.map_sizes
    enough = [side for cut, side in sizes.items() if cut >= split.cut and side >= size]
    if not enough or min(enough) >= whole.resolution:
        return split
    end = max(cut for cut, side in sizes.items() if side == min(enough))

    def sketch(params: Params, x: Features) -> jax.Array | None:
        return whole.config.sketch(bind(whole.graph, params), x, end)

    if jax.eval_shape(sketch, split.params, as_features(whole.shapes[end])) is None:
        return split
    about = {field.name: getattr(halves, field.name) for field in fields(CutGenerator)}
    return Split(split.params, ReducedGenerator(**about, end=end))
