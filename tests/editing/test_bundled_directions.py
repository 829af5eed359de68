"""The directions that are bundled: what they are called, how they are made again, how listed."""

import json
from pathlib import Path

import numpy as np
import pytest
from networks import untrained

from mgp_jax.editing import (
    Bundled,
    about_bundled,
    bundled_directions,
    effects_on_faces,
    find_direction,
    making,
    measured,
)
from mgp_jax.editing import bundled as bundled_file
from mgp_jax.editing.attributes import ATTRIBUTES
from mgp_jax.editing.making import NAMED, Named
from mgp_jax.errors import SettingError
from mgp_jax.generators import Generator, MobileStyleGANConfig, load_generator

SMALL = untrained(MobileStyleGANConfig(6, 6, (6,), (4, 4, 4)), seed=1, name="small")


@pytest.fixture(scope="module")
def faces() -> Generator:
    return load_generator("faces1024")


def test_the_bundled_ones(faces: Generator):
    known = bundled_directions(faces)
    named = {item.name: item for item in NAMED["faces1024"]}
    assert len(known) == len(named) >= 15
    for item in known:
        told = named[item.name]
        assert (item.less, item.more, item.layers) == (told.less, told.more, told.layers)
        assert item.vector.shape == (512,) and np.isfinite(item.vector).all()
        attribute = told.source in ATTRIBUTES
        assert (f"boundary of {told.source}, held-out accuracy" in item.found) == attribute
    # Boundaries leave each other's attributes alone.
    vectors = [
        item.vector / np.linalg.norm(item.vector) for item in known if "boundary" in item.found
    ]
    products = np.abs(np.stack(vectors) @ np.stack(vectors).T - np.eye(len(vectors)))
    assert len(vectors) >= 8 and products.max() < 0.5
    about = about_bundled(faces)
    assert "Source Code License" in about["licence"] and "seed 0" in about["provenance"]["from"]
    path = Path(bundled_file.__file__).parents[1] / "assets" / "faces1024_directions.safetensors"
    assert path.stat().st_size < 60_000
    assert bundled_directions(SMALL) == () and about_bundled(SMALL) == {}


def test_names_and_layers(faces: Generator):
    smile = find_direction("smile", faces, 3)
    (item,) = (item for item in bundled_directions(faces) if item.name == "smile")
    first, last = item.layers
    layers = np.asarray(faces.config.style_layers)  # type: ignore[attr-defined]
    moving = (layers >= first) & (layers <= last)
    assert (smile.space, smile.name) == ("w+", "smile")
    assert smile.vector[moving].any(axis=1).all() and not smile.vector[~moving].any()
    unit = item.vector / np.linalg.norm(item.vector)
    for row in smile.vector[moving]:
        np.testing.assert_allclose(row, unit, atol=1e-6)
    # What random codes vary along it.
    along = measured(item.direction(), faces).deviation
    assert smile.deviation == pytest.approx(along, rel=1e-5) and along > 0.1
    other = find_direction("smile", faces, 3, layers=(2, 2))
    assert other.name == "smile-layers-2-2" and not other.vector[0].any()


def points(image: np.ndarray) -> np.ndarray | None:
    """A detector of nothing, which turns away from dark images."""
    if image.mean() < 60:
        return None
    nose = 0.5 + 0.1 * (image[:, :8].mean() - image[:, 8:].mean()) / 255
    return np.array([[0.4, 0.5], [0.6, 0.5], [nose, 0.6], [0.4, 0.7], [0.6, 0.7]])


def test_they_are_made_of_samples_and_weights(tmp_path: Path, monkeypatch):
    named = (
        Named("turn", "left", "right", (0, 1), "yaw"),
        Named("dark", "bright", "dark", (1, 3), "background-brightness", -1),
        Named("first", "a", "b", (0, 3), "ganspace:1"),
        Named("weights", "a", "b", (2, 3), "sefa:1", -1),
    )
    monkeypatch.setattr(making, "NAMED", {"small": named})
    monkeypatch.setattr(making, "KEPT", ())
    for name, value in {"SAMPLES": 40, "MEASURED": 16, "OF_SAMPLES": 64}.items():
        monkeypatch.setattr(making, name, value)
    made = making.make(SMALL, points)
    again = making.make(SMALL, points)
    assert [item.name for item in made] == [item.name for item in named]
    for one, other in zip(made, again, strict=True):
        np.testing.assert_array_equal(one.vector, other.vector)
    weights = find_direction("sefa:1", SMALL, 3, layers=(2, 3))
    np.testing.assert_allclose(made[3].vector, -weights.vector[-1], atol=1e-6)
    codes, scores = making.sampled(SMALL, points)
    assert 10 < len(codes) <= 40 and all(len(values) == len(codes) for values in scores.values())
    # Along a boundary's direction its attribute grows, or falls where it is turned round.
    along = codes @ made[1].vector
    assert np.corrcoef(along, scores["background-brightness"])[0, 1] < -0.3
    making.write(tmp_path / "d.safetensors", made, SMALL)
    monkeypatch.setitem(bundled_file.FILES, "small", "d.safetensors")
    monkeypatch.setattr(bundled_file.resources, "files", lambda package: tmp_path)
    read = {item.name: item for item in bundled_directions(SMALL)}
    for item in made:
        assert read[item.name] == item
        np.testing.assert_allclose(read[item.name].vector, item.vector, rtol=1e-3, atol=1e-4)
    assert find_direction("turn", SMALL, 3).name == "turn"


def test_effects_on_faces():
    random = np.random.default_rng(0)
    original = random.uniform(-1, 1, (64, 64, 3)).astype(np.float32)
    frames = np.stack([original] * 3)
    frames[1, :12, :8] = 1.0
    frames[2, 30:40, 30:40] = -1.0
    found = effects_on_faces(frames, original)
    assert found["lpips_face"][:2] == [0, 0] and found["lpips_face"][2] > 0
    assert found["lpips_background"][::2] == [0, 0] and found["lpips_background"][1] > 0
    brightness = found["attributes"]["background-brightness"]
    assert brightness[0] == brightness[2] < brightness[1]
    json.dumps(found)


def test_a_detector_that_sees_nothing(monkeypatch):
    monkeypatch.setattr(making, "SAMPLES", 2)
    monkeypatch.setattr(making, "MEASURED", 16)
    with pytest.raises(SettingError, match="no face"):
        making.sampled(SMALL, lambda image: None)


def test_what_tells_bundled_directions_apart():
    vector = np.ones(3, np.float32)
    item = Bundled("a", "less", "more", (0, 1), "by hand", vector)
    assert item.direction().space == "w" and item.direction().name == "a"
    np.testing.assert_allclose(np.linalg.norm(item.direction().vector), 1, rtol=1e-6)
