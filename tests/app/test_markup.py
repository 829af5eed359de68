"""What comes from outside is text on the page, never markup, script or template."""

import numpy as np
import pytest

from mgp_jax.app import markup
from mgp_jax.app.restoring import Step

HOSTILE = "<img src=x onerror=alert(1)>\"'&${alert(1)}{{value}}`"
IMAGE = np.zeros((4, 6, 3), np.uint8)


@pytest.mark.parametrize(
    "made",
    [
        markup.notice(HOSTILE),
        markup.problem(HOSTILE),
        markup.comparison(IMAGE, IMAGE, HOSTILE),
        markup.figures([(IMAGE, HOSTILE)]),
        markup.downloads([(HOSTILE, HOSTILE)]),
        markup.report(HOSTILE, HOSTILE),
        markup.command(HOSTILE),
    ],
)
def test_hostile_names(made: str):
    assert "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;&#36;&#123;alert" in made
    for part in ("<img src=x", "${", "{{", "`"):
        assert part not in made


def test_how_far_it_is():
    assert "Preparing" in markup.running(Step())
    told = markup.running(Step(3, 20, 65.2, "data:image/jpeg;base64,x"))
    assert "Step 3 of 20, about 65 s left" in told and 'value="3"' in told and 'max="20"' in told
    assert "putting it together" in markup.running(Step(20, 20, 0, ""))
    assert markup.seconds(0.4) == "less than a second" and markup.seconds(300) == "about 5 minutes"
    assert "2 others are before you" in markup.waiting(2)
    assert "1 other is before you" in markup.waiting(1)
    assert "Next" in markup.waiting(0)


def test_both_pictures_have_one_shape():
    assert "--ratio: 1.5000" in markup.comparison(IMAGE, IMAGE, "x")
    assert 'width="6" height="4" data-field="strokes"' in markup.brush(IMAGE, "strokes")
