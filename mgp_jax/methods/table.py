"""The table of methods: commands and tables read it. One more method is one file and one row."""

from mgp_jax.errors import SettingError
from mgp_jax.methods.deep_image_prior import DEEP_IMAGE_PRIOR
from mgp_jax.methods.encoder import ENCODER, ENCODER_OPTIMISED
from mgp_jax.methods.layers import LAYERS
from mgp_jax.methods.method import Method
from mgp_jax.methods.multi_code import MULTI_CODE
from mgp_jax.methods.observation import OBSERVATION
from mgp_jax.methods.pivotal import PIVOTAL
from mgp_jax.methods.pulse import PULSE
from mgp_jax.methods.robust import ROBUST
from mgp_jax.methods.single import CODES_ONLY, FREE, ONE, UNIVERSAL, W_PLUS, W

# In the order of the rows of tables.
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        OBSERVATION,
        DEEP_IMAGE_PRIOR,
        ONE,
        ENCODER,
        ENCODER_OPTIMISED,
        FREE,
        PULSE,
        W,
        W_PLUS,
        ROBUST,
        LAYERS,
        PIVOTAL,
        CODES_ONLY,
        MULTI_CODE,
        UNIVERSAL,
    )
}


def find_method(method: str | Method) -> Method:
    """Returns a method, given itself or by its name.

    Raises:
        SettingError: there is none of the name.
    """
    if isinstance(method, Method):
        return method
    if not isinstance(method, str) or method not in METHODS:
        raise SettingError(f"method {method}: there are {', '.join(METHODS)}")
    return METHODS[method]
