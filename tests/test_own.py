"""A user's own generator, operator, term, metric and method, each a few lines, in one batch run."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mgp_jax import (
    Execution,
    Identity,
    Method,
    Phase,
    Recipe,
    Rendering,
    Split,
    as_degradation,
    invert,
    restore,
    restore_many,
)
from mgp_jax.errors import SettingError
from mgp_jax.metrics import METRICS, Metric, compare
from mgp_jax.recipe_files import to_values

RECIPE = Recipe("own", (Phase(6, prior=0.01), Phase(4, moves=("residual",), tether=0.1)), codes=3)
SIZE = 8


def own_generator() -> Split:
    random = np.random.default_rng(0)
    params = {"dense": random.normal(size=(5, 48)) / 3, "mix": random.normal(size=(3, 3))}

    def head(params, z):
        return jnp.tanh(z @ params["dense"]).reshape(-1, 4, 4, 3)

    def tail(params, maps):
        return jnp.tanh(jnp.repeat(jnp.repeat(maps, 2, axis=1), 2, axis=2) @ params["mix"])

    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), params)
    return Split.of(head, tail, params, latent_shape=(5,), name="own")


def own_operator(image: jax.Array) -> jax.Array:
    return image[::2, ::2]


def own_term(rendering: Rendering, target, variables) -> jax.Array:
    return 0.1 * jnp.mean(jnp.abs(jnp.diff(rendering.image, axis=0)))


def own_metric(images: jax.Array, references: jax.Array) -> jax.Array:
    return jnp.max(jnp.abs(images - references), axis=(1, 2, 3))


def start(given, target, keys, phase):
    return {"code": jax.vmap(lambda key: given.split.draw(key, 1))(keys)}


def render(given, variables, held, phase):
    return Rendering(given.split.tail(given.split.head(variables["code"]))[0])


OWN_METHOD = Method(
    "own",
    "own method",
    start,
    render,
    lambda degradation, what: Recipe("own", (Phase(8, moves=("code",), rates={"code": 0.1}),)),
)


@pytest.fixture(scope="module")
def split() -> Split:
    return own_generator()


@pytest.fixture(scope="module")
def images(split: Split) -> np.ndarray:
    z = jax.random.normal(jax.random.key(9), (3, 5))
    return np.asarray(split.tail(split.head(z)))


def stopped_and_resumed(split: Split, observations, degradation, recipe, **settings) -> None:
    """A batch whose run is stopped behind every chunk and resumed ends as if it had not been."""
    execution = Execution(chunk=3)
    snapshots = []

    def keep(progress):
        snapshots.append(progress.snapshot)

    settings = {"execution": execution, **settings}
    whole = invert(split, observations, degradation, recipe, on_progress=keep, **settings)
    assert len(snapshots) >= 3
    for snapshot in (snapshots[0], snapshots[-1]):
        again = invert(split, observations, degradation, recipe, resume=snapshot, **settings)
        np.testing.assert_array_equal(again.images, whole.images)
        np.testing.assert_array_equal(again.losses, whole.losses)
    assert np.isfinite(whole.losses).all()
    assert (whole.losses[:, -1] < whole.losses[:, 0]).all()


def test_own_generator(split: Split, images: np.ndarray):
    assert split.image_shape == (SIZE, SIZE, 3) and split.channels == 3
    stopped_and_resumed(split, images, Identity(), RECIPE)


def test_own_operator(split: Split, images: np.ndarray):
    seen = images[:, ::2, ::2]
    stopped_and_resumed(split, seen, own_operator, RECIPE)
    linear = restore(split, seen, as_degradation(own_operator, linear=True), RECIPE)
    # What is known to be linear is put back.
    np.testing.assert_allclose(linear.images[:, ::2, ::2], seen, atol=1e-3)
    assert (
        np.abs(restore(split, seen, own_operator, RECIPE).images[:, ::2, ::2] - seen).max() > 0.01
    )


def test_own_term(split: Split, images: np.ndarray):
    phases = tuple(Phase(8, terms=(own_term,), optimizer=optax.lion) for _ in range(1))
    recipe = Recipe("own", phases, codes=3)
    stopped_and_resumed(split, images, Identity(), recipe)
    without = recipe.with_(phases=(Phase(8, optimizer=optax.lion),))
    first, second = (invert(split, images, recipe=r).losses[:, 0] for r in (recipe, without))
    assert (first > second).all()
    with pytest.raises(SettingError, match="own function, it cannot be saved"):
        to_values(recipe)


def test_own_metric(split: Split, images: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    worst = Metric("worst", "largest error", own_metric, higher=False)
    monkeypatch.setitem(METRICS, "worst", worst)
    restored = restore(split, images, recipe=RECIPE).images
    scores = compare(restored, images)["worst"]
    clipped = np.clip(restored, -1, 1) / 2 - np.clip(images, -1, 1) / 2
    np.testing.assert_allclose(
        np.array(scores, float), np.abs(clipped).max(axis=(1, 2, 3)), rtol=1e-5
    )


def test_own_method(split: Split, images: np.ndarray):
    recipe = OWN_METHOD.recipe(Identity(), split)
    stopped_and_resumed(split, images, Identity(), recipe, method=OWN_METHOD)
    with pytest.raises(SettingError, match="no learning rate"):
        invert(split, images, recipe=Recipe("own", (Phase(2, moves=("code",)),)), method=OWN_METHOD)


def test_many_are_restored_as_they_come(split: Split, images: np.ndarray):
    read = []

    def reading():
        for image in images:
            read.append(len(read))
            yield image

    many = restore_many(split, reading(), recipe=RECIPE.with_(samples=2), batch_size=2)
    first = next(many)
    assert read == [0, 1], "no more than a batch is read ahead"
    rest = list(many)
    together = restore(split, images, recipe=RECIPE.with_(samples=2))
    assert len(rest) == 2
    for number, one in enumerate((first, *rest)):
        assert one.images.shape == (1, SIZE, SIZE, 3) and one.samples.shape[1] == 2
        np.testing.assert_allclose(one.images[0], together.images[number], atol=2e-4)
        assert one.result.images.shape[0] == 2
        np.testing.assert_allclose(
            one.result.images, together.result.images[2 * number : 2 * number + 2], atol=2e-4
        )


REFUSED = {
    "integers": (lambda x: (x * 127 + 128).astype(np.uint8), "uint8 from .* floats"),
    "0 to 255": (lambda x: x * 127.5 + 127.5, "where \\[-1, 1\\] is needed"),
    "not a number": (lambda x: np.where(x == x.max(), np.nan, x), "4 of 576 values are not finite"),
    "one image": (lambda x: x[0], "float32\\[8, 8, 3\\] where float\\[B, 8, 8, 3\\]"),
    "another size": (lambda x: x[:, :4], "float32\\[3, 4, 8, 3\\] where"),
    "nothing": (lambda x: x[:0], "the batch is empty"),
    "text": (lambda x: "face.png", "text where"),
    "text in a list": (lambda x: ["a.png", "b.png"], "text where"),
    "a ragged list": (lambda x: [[1.0], [2.0, 3.0]], "cannot be an array"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_observations_are_named(split: Split, images: np.ndarray, name: str):
    spoil, message = REFUSED[name]
    with pytest.raises(SettingError, match=f"observations: .*{message}"):
        restore(split, spoil(images), recipe=RECIPE)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"degradation": "gray"}, "not str"),
        ({"recipe": 3}, "recipe: .* not a int"),
        ({"recipe": "slow"}, "recipe slow: there are"),
        ({"method": "magic"}, "method magic: there are"),
        ({"method": 3}, "method 3: there are"),
        ({"method": "pivotal", "recipe": "quality"}, "has its own"),
        ({"method": "encoder"}, "needs an encoder"),
        ({"method": "w"}, "needs a style-based generator"),
        ({"seed": -1}, "seed: -1"),
        ({"seed": 1.5}, "seed: 1.5"),
        ({"seed": 2**64}, "seed: 18446744073709551616"),
        ({"restarts": 0}, "restarts 0"),
    ],
)
def test_wrong_settings_are_named(split: Split, images: np.ndarray, settings: dict, message: str):
    with pytest.raises(SettingError, match=message):
        restore(split, images, **{"recipe": RECIPE, **settings})


def test_wrong_generators_are_named(images: np.ndarray):
    with pytest.raises(SettingError, match="a generator, a split or a name is needed, not a dict"):
        restore({}, images)  # pyright: ignore


@pytest.mark.parametrize("changes", [{"codes": 0}, {"samples": 0}, {"colour": 1}])
def test_wrong_recipes_are_named(changes: dict):
    with pytest.raises(SettingError, match=next(iter(changes))):
        RECIPE.with_(**changes)


def test_large_seeds_differ(split: Split, images: np.ndarray):
    seeds = (0, 2**31, 2**32, 2**64 - 1)
    runs = [invert(split, images[:1], recipe=RECIPE, seed=seed).images for seed in seeds]
    for number, one in enumerate(runs):
        for other in runs[:number]:
            assert np.abs(one - other).max() > 1e-3


def test_wrong_codes_are_named(split: Split, images: np.ndarray):
    codes = invert(split, images, recipe=RECIPE).codes._replace(residual=None)
    again = invert(split, images, recipe=RECIPE, codes=codes)
    assert (again.losses[:, 0] < 1).all()
    with pytest.raises(SettingError, match="codes: z is"):
        invert(split, images, recipe=RECIPE, codes=codes._replace(z=codes.z[:, :2]))
