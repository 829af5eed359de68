"""Directions: files of any shape, from weights, from samples, and with others taken out."""

from pathlib import Path

import jax
import numpy as np
import pytest
from contents import fill
from networks import untrained

from mgp_jax.editing import (
    Direction,
    condition,
    find_direction,
    ganspace,
    in_every_style,
    in_layers,
    measured,
    read_direction,
    sefa,
    separate,
)
from mgp_jax.errors import ImageError, SettingError
from mgp_jax.generators import (
    DCGANConfig,
    Generator,
    MobileStyleGANConfig,
    PGGANConfig,
    StyleGAN2Config,
    StyleGANConfig,
    generate,
    random_latents,
)

PLAIN = untrained(DCGANConfig(8, (6, 4)), seed=1)
STYLED = untrained(StyleGAN2Config(5, 4, (4,), (6, 4, 4)), seed=1)
MOBILE = untrained(MobileStyleGANConfig(5, 4, (4,), (4, 4, 4)), seed=1)
ROWS = (4, 4)  # Styles of STYLED and their length.


@pytest.mark.parametrize("shape", [(8,), (1, 8), (8, 1), (1, 1, 8), (1, 8, 1, 1)])
def test_boundary_files_of_one_vector(shape: tuple[int, ...], tmp_path: Path):
    vector = np.random.default_rng(0).normal(size=8)
    np.save(tmp_path / "age.npy", 5 * vector.reshape(shape))
    direction = read_direction(tmp_path / "age.npy", PLAIN)
    assert (direction.space, direction.name) == ("z", "age")
    np.testing.assert_allclose(direction.vector, vector / np.linalg.norm(vector), rtol=1e-6)


@pytest.mark.parametrize("shape", [ROWS, (1, *ROWS), (4, 1, 4)])
def test_boundary_files_with_a_row_for_every_layer(shape: tuple[int, ...], tmp_path: Path):
    rows = np.random.default_rng(0).normal(size=ROWS)
    np.save(tmp_path / "pose.npy", rows.reshape(shape))
    direction = read_direction(tmp_path / "pose.npy", STYLED)
    assert direction.space == "w+" and direction.vector.shape == ROWS
    np.testing.assert_allclose(np.mean(np.sum(direction.vector**2, -1)), 1, rtol=1e-6)
    np.testing.assert_allclose(direction.vector / direction.vector[0, 0], rows / rows[0, 0], 1e-5)


def test_files_with_a_row_for_every_layer_of_another_network(tmp_path: Path):
    rows = np.random.default_rng(0).normal(size=(6, 4))
    np.save(tmp_path / "age.npy", rows)
    direction = read_direction(tmp_path / "age.npy", MOBILE)
    expected = rows[[0, 1, 1, 2, 3]]
    assert direction.space == "w+"
    np.testing.assert_allclose(
        direction.vector / direction.vector[0, 0], expected / rows[0, 0], 1e-5
    )


@pytest.mark.parametrize(
    ("generator", "layers", "moved"),
    [
        (MOBILE, (1, 1), [1, 2]),
        (MOBILE, (0, 2), [0, 1, 2, 3]),
        (MOBILE, (3, 3), [4]),
        (STYLED, (1, 2), [1, 2]),
    ],
)
def test_some_layers_alone(generator: Generator, layers: tuple[int, int], moved: list[int]):
    vector = np.array([0.6, 0, 0, 0.8], np.float32)
    direction = in_layers(Direction(vector, "w", "d"), generator, layers)
    assert (direction.space, direction.name) == ("w+", f"d-layers-{layers[0]}-{layers[1]}")
    rows = np.zeros((generator.config.styles, 4), np.float32)  # type: ignore[attr-defined]
    rows[moved] = vector
    np.testing.assert_allclose(direction.vector, rows, rtol=1e-6)
    assert in_layers(direction, generator, None) is direction


def test_layers_that_there_are_not(tmp_path: Path):
    direction = Direction(np.eye(4, dtype=np.float32)[0], "w", "d")
    for generator, layers, message in (
        (MOBILE, (0, 4), "has the layers 0 to 3"),
        (MOBILE, (2, 1), "layers 2:1"),
        (PLAIN, (0, 1), "has no styles"),
    ):
        with pytest.raises(SettingError, match=message):
            in_layers(direction, generator, layers)
    low = in_layers(direction, MOBILE, (0, 0))
    with pytest.raises(SettingError, match="moves no layer 2 to 3"):
        in_layers(low, MOBILE, (2, 3))
    with pytest.raises(SettingError, match="one of z has no layers"):
        in_every_style(direction._replace(space="z"), MOBILE)


@pytest.mark.parametrize("generator", [MOBILE, STYLED], ids=["mobile", "styled"])
def test_a_deviation_is_that_of_random_codes(generator: Generator):
    z = random_latents(generator, 500, 7)
    w = np.asarray(generator.apply(generator.params, z, 0, 1))
    vector = np.array([0.6, 0, 0, 0.8], np.float32)
    direction = measured(Direction(vector, "w", "d"), generator)
    np.testing.assert_allclose(direction.deviation, np.std(w @ vector), rtol=0.15)
    # The same in every layer or in some of them alone.
    for same in (in_every_style(direction, generator), in_layers(direction, generator, (1, 2))):
        assert measured(same, generator).deviation == pytest.approx(direction.deviation, rel=1e-5)
    assert measured(direction._replace(space="z", deviation=1.0), generator).deviation == 1


def test_conditions_are_projected_out_of_every_row():
    random = np.random.default_rng(3)
    first, other = (
        Direction(random.normal(size=(5, 4)).astype(np.float32), "w+", f"d{k}") for k in range(2)
    )
    first.vector[2] = 0
    left = condition(first, [other]).vector
    np.testing.assert_allclose(np.sum(left * other.vector, axis=1), 0, atol=1e-6)
    np.testing.assert_array_equal(left[2], 0)


def test_separate_moves_change_one_score_each_and_are_the_most_probable():
    random = np.random.default_rng(3)
    mixing = random.normal(size=(6, 6)) * np.array([3, 2, 1, 0.5, 0.2, 0.1])
    covariance = mixing @ mixing.T
    names = ("a", "b", "c")
    gradients = [
        Direction(random.normal(size=6).astype(np.float32), "w", name, 2.0) for name in names
    ]
    moves = separate(gradients, covariance)
    assert [move[1:] for move in moves] == [gradient[1:] for gradient in gradients]
    normals = np.stack([gradient.vector for gradient in gradients])
    effects = normals @ np.stack([move.vector for move in moves], axis=1)
    np.testing.assert_allclose(effects, np.diag(np.diag(effects)), atol=1e-5)
    assert (np.diag(effects) > 0).all()
    np.testing.assert_allclose([np.linalg.norm(move.vector) for move in moves], 1, rtol=1e-6)
    # Whatever else moves the first score alone by as much is less probable.
    precision, move = np.linalg.inv(covariance), moves[0].vector.astype(float)
    _, _, rows = np.linalg.svd(normals)
    for step in rows[3:]:
        for other in (move + 0.1 * step, move - 0.1 * step):
            assert other @ precision @ other > move @ precision @ move
    with pytest.raises(SettingError, match="a, b, a: one is a combination of the others"):
        separate([*gradients[:2], gradients[0]], covariance)


@pytest.mark.parametrize(("space", "size"), [(None, 4), ("w", 4), ("z", 5), ("w+", 4)])
def test_the_space_of_a_file(space: str | None, size: int, tmp_path: Path):
    np.save(tmp_path / "d.npy", np.ones((1, size)))
    assert read_direction(tmp_path / "d.npy", STYLED, space).space == (space or "w")


def write_archive(path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, a=np.ones(8))


def write_objects(path: Path) -> None:
    np.save(path, np.array([{}], object), allow_pickle=True)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (np.ones(7), SettingError, r"numbers \[8\] .* not float64 \[7\]"),
        (np.ones((2, 8)), SettingError, r"not float64 \[2, 8\]"),
        (np.ones(8, complex), ImageError, "complex"),
        (np.zeros((1, 8)), SettingError, "zero or not finite"),
        (np.full(8, np.nan), ImageError, "not finite"),
        (b"a letter", ImageError, "not a readable array"),
        (b"", ImageError, "the file is empty"),
        (write_archive, ImageError, "an archive"),
        (write_objects, ImageError, "not a readable array"),
        (None, ImageError, "No such file"),
    ],
)
def test_what_is_no_direction_is_refused(content, error, message: str, tmp_path: Path):
    path = tmp_path / "d.npy"
    fill(path, content)
    with pytest.raises(error, match=message) as caught:
        read_direction(path, PLAIN)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_conditions_are_projected_out():
    random = np.random.default_rng(3)
    vectors = [v / np.linalg.norm(v) for v in random.normal(size=(3, 8))]
    first, *others = (Direction(v.astype(np.float32), "z", f"d{k}") for k, v in enumerate(vectors))
    # That one is named twice changes nothing.
    for kept in (others, [*others, others[0]]):
        left = condition(first, kept)
        np.testing.assert_allclose([left.vector @ o.vector for o in others], 0, atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(left.vector), 1, rtol=1e-6)
    assert left.vector @ first.vector > 0.1 and left.name == "d0|d1, d2, d1"
    assert condition(first, []) is first
    with pytest.raises(SettingError, match="nothing of it is left"):
        condition(first, [first._replace(vector=-first.vector)])
    with pytest.raises(SettingError, match="lives in w"):
        condition(first, [others[0]._replace(space="w")])


@pytest.mark.parametrize(
    "config",
    [
        DCGANConfig(8, (6, 4)),
        PGGANConfig(8, (6, 4)),
        StyleGANConfig(5, 8, (8,), (6, 4)),
        StyleGAN2Config(5, 8, (8,), (6, 4, 4)),
    ],
    ids=["dcgan", "pggan", "stylegan", "stylegan2"],
)
class TestWithoutLabels:
    def test_sefa_is_orthonormal_and_ordered_by_what_it_moves(self, config):
        generator = untrained(config, seed=2)
        directions = sefa(generator, 8)
        vectors = np.stack([d.vector for d in directions])
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(8), atol=1e-5)
        space = directions[0].space
        assert space == ("w" if generator.family.startswith("stylegan") else "z")
        if space == "z":
            kernel = np.asarray(generator.params["layer0"]["kernel"])
            weights = np.moveaxis(kernel, 2, 0).reshape(8, -1)
        else:
            stages = [generator.params[s] for s in generator.stages[2:]]
            weights = np.concatenate([s["style"]["kernel"] for s in stages if "style" in s], 1)
        moved = np.linalg.norm(vectors @ (weights / np.linalg.norm(weights, axis=0)), axis=1)
        assert np.all(np.diff(moved) < 1e-5) and moved[0] > moved[-1]
        np.testing.assert_array_equal(sefa(generator, 3)[2].vector, directions[2].vector)

    def test_ganspace_moves_images_more_than_other_directions(self, config):
        generator = untrained(config, seed=2)
        found = ganspace(generator, 8, 2, samples=200)
        again = ganspace(generator, 2, 2, samples=200)
        np.testing.assert_allclose(again[1].vector, found[1].vector, atol=1e-6)
        vectors = np.stack([d.vector for d in found])
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
        if found[0].space == "w":
            # In W: the components of the mapped codes, by an eigendecomposition of their own.
            w = generator.apply(generator.params, random_latents(generator, 200), 0, 1)
            values, axes = np.linalg.eigh(np.cov(np.asarray(w).T))
            # Those without variance are arbitrary.
            for k in range(1, 1 + int(np.sum(values > 1e-3 * values[-1]))):
                np.testing.assert_allclose(abs(axes[:, -k] @ vectors[k - 1]), 1, atol=1e-3)
            return
        z = random_latents(generator, 20, 5)

        def change(vector: np.ndarray) -> float:
            ends = (generate(generator, z + s * vector) for s in (1.0, -1.0))
            return float(np.mean(np.square(np.subtract(*ends))))

        assert change(vectors[0]) > np.mean([change(v) for v in vectors])


def test_what_only_scales_everything_is_left_out():
    kernel = np.asarray(MOBILE.config.code_kernel(MOBILE.params), np.float64)
    # The style layers, and those of the transforms before two of the convolutions.
    assert kernel.shape == (4, 4 + (4 + 1) + 4 + 4)
    weights = kernel / np.linalg.norm(kernel, axis=0)
    _, vectors = np.linalg.eigh(weights @ weights.T)
    found = sefa(MOBILE, 3)
    for k, direction in enumerate(found, 2):
        np.testing.assert_allclose(abs(vectors[:, -k] @ direction.vector), 1, rtol=1e-5)
    with pytest.raises(SettingError, match="there are 1 to 3"):
        sefa(MOBILE, 4)
    own = sefa(MOBILE, 1, (2, 3))[0]
    assert own.space == "w+" and not own.vector[:3].any() and own.vector[3:].any()
    weights = np.asarray(MOBILE.config.code_kernel(MOBILE.params, (2, 3)), np.float64)
    weights /= np.linalg.norm(weights, axis=0)
    _, vectors = np.linalg.eigh(weights @ weights.T)
    np.testing.assert_allclose(abs(vectors[:, -2] @ own.vector[3]), 1, rtol=1e-5)


def test_directions_by_name(tmp_path: Path):
    cases = {"sefa:2": "sefa-2", "ganspace:1": "ganspace-1"}
    for spec, name in cases.items():
        assert find_direction(spec, PLAIN, 1).name == name
    np.save(tmp_path / "age.npy", np.ones(8))
    assert find_direction(str(tmp_path / "age.npy"), PLAIN, 1).name == "age"
    for spec, message in {
        "sefa:0": "a number from 1",
        "sefa": "a number from 1",
        "ganspace:x": "a number from 1",
        "sefa:9": "there are 1 to 8",
        "ganspace:9": "there are 1 to 8",
    }.items():
        with pytest.raises(SettingError, match=message):
            find_direction(spec, PLAIN, 1)
    with pytest.raises(SettingError, match="samples: 8, more than"):
        ganspace(PLAIN, 1, 1, samples=8)


def test_the_generators_of_these_tests_have_the_shapes_they_should():
    assert isinstance(PLAIN, Generator) and PLAIN.latent_shape == (8,)
    assert jax.tree.leaves(STYLED.shapes[2])[0].shape == (1, *ROWS)
