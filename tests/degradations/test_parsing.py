"""The text form of degradations: whatever is wrong with it is said on one line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from operators import SIZE

from mgp_jax.degradations import parse
from mgp_jax.errors import MGPError, SettingError

WRONG_SPECS = {
    "": "an operator is missing",
    "gray||down:4": "an operator is missing",
    "grey": "did you mean gray?",
    "downn:4": "did you mean down?",
    "xyzzy": "there are identity, gray, down",
    "gray|gray": "needs an image of 3 channels, not 1",
    "gray:1": "'1' is not understood",
    "down": "the factor is missing",
    "down:": "the factor is missing",
    "down:x": "the factor must be a whole number, not 'x'",
    "down:2.5": "the factor must be a whole number, not '2.5'",
    "down:1": "at least 2, not 1",
    "down:-4": "at least 2, not -4",
    "down:5": "does not divide an image of 32x32",
    "gray|down:4|down:3": "does not divide an image of 8x8",
    "down:4:cubic": "did you mean bicubic?",
    "down:4:lanczos": "unknown method 'lanczos'",
    "down:4:area:2": "'2' is not understood",
    "noise": "sigma is missing",
    "noise:0": "must be above 0 and at most 1, not 0",
    "noise:-0.1": "must be above 0",
    "noise:25": "on the [0, 1] scale",
    "noise:nan": "not nan",
    "noise:big": "sigma must be a number, not 'big'",
    "quantise": "the number of bits is missing",
    "quantise:0": "at least 1 and at most 16, not 0",
    "quantise:17": "at least 1 and at most 16, not 17",
    "quantise:2.5": "must be a whole number, not '2.5'",
    "mask": "center:SIZE, random:FRACTION, strokes:COUNT or a file is missing",
    "mask:centre:8": "did you mean center?",
    "mask:hole": "unknown mask 'hole'",
    "mask:center": "the size of the hole is missing",
    "mask:center:0": "at least 1 and at most 31, not 0",
    "mask:center:32": "at least 1 and at most 31, not 32",
    "mask:random:80": "at most 1, not 80",
    "mask:random:0": "above 0",
    "mask:random:1": "no pixel is known",
    "mask:random:0.0001": "no pixel is missing",
    "mask:random:seed=1": "the fraction is missing",
    "mask:random:0.5:seed=x": "the seed must be a whole number",
    "mask:random:0.5:seed=-1": "the seed must be a whole number of at least 0",
    "mask:random:0.5:sead=1": "'sead=1' is not understood",
    "impulse": "the fraction is missing",
    "impulse:2": "at most 1, not 2",
    "blur": "is missing",
    "blur:gauss:2": "did you mean gaussian?",
    "blur:box": "gaussian, motion or FILE.npy",
    "blur:gaussian": "sigma is missing",
    "blur:gaussian:0": "above 0",
    "blur:gaussian:inf": "not inf",
    "blur:gaussian:1e9": "at most 1000",
    "blur:gaussian:20": "too wide for an image of 32x32",
    "blur:motion:9": "the angle is missing",
    "blur:motion:1:0": "at least 2",
    "blur:motion:9:nan": "finite",
    "resize": "the size is missing",
    "resize:0": "at least 1",
    "resize:33": "an image of 32x32 pixels is smaller",
    "resize:8:lanczos": "unknown method 'lanczos'",
    "jpeg": "the quality is missing",
    "jpeg:0": "at least 1 and at most 100, not 0",
    "jpeg:101": "at most 100",
    "jpeg:30:420": "'420' is not understood",
    "cs": "the fraction is missing",
    "cs:0": "above 0",
    "cs:1.5": "at most 1",
    "cs:0.1|gray": "needs an image",
    "cs:0.1|cs:0.1": "needs an image",
    "cs:0.1|mask:center:4": "needs an image",
}


@pytest.mark.parametrize("spec", WRONG_SPECS)
def test_wrong_specs_give_one_clear_line(spec):
    with pytest.raises(SettingError) as caught:
        parse(spec, SIZE)
    message = str(caught.value)
    assert message.startswith(f"degradation {spec!r}: ")
    assert WRONG_SPECS[spec] in message
    assert "\n" not in message and len(message) < 200


WORDS = (
    "identity gray down resize noise quantise mask impulse blur jpeg cs center random gaussian "
    "motion auto seed=1 seed= 4 2 0.5 0 -1 nan inf 1e400 area bicubic 444 nowhere.png x.npy é \n "
    ". / .."
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.lists(st.sampled_from(WORDS.split(" ")), max_size=4).map(":".join), max_size=4).map(
        "|".join
    )
)
def test_any_text_is_parsed_or_refused_on_one_line(spec):
    try:
        degradation = parse(spec, 8)
    except MGPError as error:
        assert "\n" not in str(error)
    else:
        assert parse(str(degradation), 8).observation_shape((8, 8, 3))
