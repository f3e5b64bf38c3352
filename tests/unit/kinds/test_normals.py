"""Surface normals: exact on planes, unknown at edges, turned with the picture."""

from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.kinds import KINDS

NORMALS = KINDS["normals"]
FOCAL, CENTRE = 90.0, (23.5, 14.0)
SIZE = (40, 60)


def plane(normal: tuple[float, float, float], distance: float) -> np.ndarray:
    """Depth of the plane whose points have the product ``-distance`` with the normal; 0 where the camera does not see it."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    rays = np.stack([(columns - CENTRE[0]) / FOCAL, (rows - CENTRE[1]) / FOCAL, np.ones(SIZE)], -1)
    product = rays @ np.array(normal)
    return np.where(product < 0, -distance / np.minimum(product, -1e-9), 0).astype(np.float32)


@pytest.mark.parametrize("normal", [(0, 0, -1), (0.6, 0, -0.8), (0, -0.96, -0.28), (-0.48, 0.6, -0.64)])
def test_a_plane_has_its_normal_everywhere(normal: tuple[float, float, float]) -> None:
    depth = plane(normal, 3.0)
    depth[depth > 60] = 0
    found = NORMALS.derive(depth, FOCAL, CENTRE)
    known = found.any(-1)
    assert known[2:-2, 2:-2][depth[2:-2, 2:-2] > 0].mean() > 0.9
    assert not known[depth == 0].any()
    angles = np.degrees(np.arccos(np.clip(found[known] @ np.array(normal), -1, 1)))
    assert angles.max() < 0.1
    np.testing.assert_allclose(np.linalg.norm(found[known], axis=-1), 1, atol=1e-6)


def test_an_edge_is_not_known() -> None:
    depth = np.full(SIZE, 4.0, np.float32)
    depth[:, 30:] = 9.0
    known = NORMALS.derive(depth, FOCAL, CENTRE).any(-1)
    assert not known[:, 28:32].any()
    assert known[:, :28].all()
    assert known[:, 32:].all()


def test_too_few_measurements_or_a_line_of_them_are_no_plane() -> None:
    depth = np.zeros(SIZE, np.float32)
    depth[20] = 5.0
    depth[5:8, 5:7] = 5.0
    assert not NORMALS.derive(depth, FOCAL, CENTRE).any()


def test_a_mirror_mirrors_x_alone() -> None:
    truth = np.array([[[0.6, 0, -0.8], [0, -1, 0], [0, 0, 0]]], np.float32)
    mirrored = NORMALS.turned(truth[:, ::-1], np.diag([-1.0, 1.0]))
    np.testing.assert_allclose(mirrored[0], [[0, 0, 0], [0, -1, 0], [-0.6, 0, -0.8]])


def test_the_mirrored_depth_has_the_mirrored_normals() -> None:
    depth = plane((0.6, 0, -0.8), 3.0)
    mirrored = NORMALS.derive(np.ascontiguousarray(depth[:, ::-1]), FOCAL, (SIZE[1] - 1 - CENTRE[0], CENTRE[1]))
    expected = NORMALS.turned(NORMALS.derive(depth, FOCAL, CENTRE)[:, ::-1], np.diag([-1.0, 1.0]))
    np.testing.assert_allclose(mirrored, expected, atol=1e-5)


def test_what_is_saved_can_be_read(tmp_path: Path) -> None:
    answer = NORMALS.derive(plane((0, -0.96, -0.28), 3.0), FOCAL, CENTRE)
    (file,) = NORMALS.save(answer, tmp_path / "street")
    assert file.name == "street_normals.npy"
    np.testing.assert_allclose(NORMALS.answer_from(np.load(file), str(file), SIZE, "unit vectors"), answer, atol=1e-6)
    assert NORMALS.answer_from(2 * answer, "", (20, 30), "unit vectors").shape == (20, 30, 3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((4, 5, 3), np.uint8), "uint8"),
        (np.zeros((4, 5)), r"shape \(4, 5\)"),
        (np.full((4, 5, 3), np.nan), "not finite"),
    ],
)
def test_what_are_no_normals_is_said(values: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=f"here.*{words}"):
        NORMALS.answer_from(values, "here", SIZE, "unit vectors")


def test_pictures_and_words() -> None:
    image = np.zeros((*SIZE, 3), np.uint8)
    answer = np.broadcast_to(np.array([0, -0.96, -0.28], np.float32), (*SIZE, 3))
    truth = np.zeros_like(answer)
    truth[:, 30:] = (0, 0, -1)
    panels = NORMALS.panels(image, answer, truth, ())
    assert len(panels) == 3
    error = panels["error, yellow: 60 degrees or more"]
    assert error[0, 40].tolist() != error[0, 10].tolist() == [0, 0, 0]
    assert NORMALS.painter(truth, ())(truth)[0, 0].tolist() == [0, 0, 0]
    assert NORMALS.answer_over(image, answer, ())[0, 0].tolist() == [128, 250, 163]
    assert NORMALS.laid_over(image, truth, ())[0, 0].tolist() == [0, 0, 0]
    assert NORMALS.words(answer[0, 0], ()) == "faces (+0.00 right, +0.96 up, +0.28 the camera)"
    assert NORMALS.words(answer[0, 0], (), exact=True) == "0 -0.96 -0.28"
