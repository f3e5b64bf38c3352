"""Depth: what is guessed without a picture, what files may hold, what people see."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy import ndarray

from segdepth.core.errors import DataError
from segdepth.drawing import colour_distance, colour_map
from segdepth.kinds import KINDS

DEPTH = KINDS["depth"]


def slow_guess(truths: ndarray) -> tuple[float, ndarray]:
    """The median of all that is measured, and that of each place, of its row, or of all."""
    overall = np.median(truths[truths > 0])
    places = np.zeros(truths.shape[1:])
    for row, column in np.ndindex(places.shape):
        here, across = truths[:, row, column], truths[:, row]
        known = [values[values > 0] for values in (here, across)]
        places[row, column] = next((np.median(values) for values in known if values.size), overall)
    return overall, places


def test_guesses_are_medians_of_what_is_measured() -> None:
    dice = np.random.default_rng(0)
    truths = (dice.uniform(1, 50, (4, 5, 6)) * (dice.random((4, 5, 6)) < 0.4)).astype(np.float32)
    truths[:, 2] = 0  # nothing is known of a row
    truths[:, 3, 1:] = 0  # and of another only one place
    overall, places = slow_guess(truths)
    guesses = DEPTH.guesses(truths)
    assert guesses["constant"].dtype == guesses["position"].dtype == np.float32
    np.testing.assert_allclose(guesses["constant"], np.full((5, 6), overall), rtol=1e-6)
    np.testing.assert_allclose(guesses["position"], places, rtol=1e-6)


def test_files_hold_metres_or_16_bit_integers_of_metres_times_256() -> None:
    metres = np.array([[1.5, 80.0], [0.25, 3.0]])
    for values in (metres, metres.astype(np.float32)[None], (metres * 256).astype(np.uint16), metres[..., None]):
        found = DEPTH.answer_from(values, "a.npy", (2, 2), "metres")
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, metres)
    np.testing.assert_allclose(DEPTH.answer_from(1 / metres, "a.npy", (2, 2), "inverse"), metres, rtol=1e-6)
    assert np.isfinite(DEPTH.answer_from(np.zeros((2, 2)), "a.npy", (2, 2), "inverse")).all()


def test_another_size_is_interpolated() -> None:
    ramp = np.tile(np.arange(8, dtype=np.float32), (4, 1))
    found = DEPTH.answer_from(ramp, "a.npy", (4, 4), "metres")
    np.testing.assert_allclose(found, np.tile([0.5, 2.5, 4.5, 6.5], (4, 1)))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((2, 3, 4)), r"a\.npy holds float64 of shape \(2, 3, 4\); a depth map is \[rows, columns\]"),
        (np.zeros((2, 3), np.complex64), "a depth map is"),
        (np.zeros((2, 3), np.uint8), "is an 8-bit picture, which cannot hold metres"),
        (np.array([[1, np.nan], [1, 1]]), "not finite"),
        (np.array([[1, np.inf], [1, 1]]), "not finite"),
    ],
)
def test_what_is_no_depth_is_named(values: ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        DEPTH.answer_from(values, "a.npy", (2, 3), "metres")


def test_files_for_others_give_the_answer_back(tmp_path: Path) -> None:
    answer = np.random.default_rng(0).uniform(0.5, 90, (5, 7)).astype(np.float32)
    exact, rounded = DEPTH.save(answer, tmp_path / "a.b")
    assert (exact.name, rounded.name) == ("a.b_depth_metres.npy", "a.b_depth_x256.png")
    np.testing.assert_array_equal(np.load(exact), answer)
    stored = cv2.imread(str(rounded), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    np.testing.assert_allclose(DEPTH.answer_from(stored, "", (5, 7), "metres"), answer, atol=0.5 / 256)


def test_errors_are_seen_by_their_factor() -> None:
    truth = np.zeros((9, 30), np.float32)
    truth[4, [4, 14, 24]] = 10
    answer = np.full((9, 30), 3.0, np.float32)
    answer[4, [4, 14, 24]] = 10, 5, 20  # right, and wrong by 2 either way
    image = np.zeros((9, 30, 3), np.uint8)
    panels = DEPTH.panels(image, answer, truth, [])
    (error,) = (panel for what, panel in panels.items() if what.startswith("error"))
    brightest = colour_map("plasma")[255]
    for column in (14, 24):
        np.testing.assert_allclose(error[4, column], 0.9 * brightest, atol=1)
        assert error[3:6, column - 1 : column + 2].any(-1).all()  # thick enough to be seen
    np.testing.assert_allclose(error[4, 4], 0.9 * colour_map("plasma")[0], atol=1)
    assert not error[:, 18:21].any()  # where nothing is known


def test_truth_and_answer_have_one_scale() -> None:
    truth = np.linspace(5, 40, 400, dtype=np.float32).reshape(20, 20)
    near, far = np.percentile(truth, [2, 98])
    panels = DEPTH.panels(np.zeros((20, 20, 3), np.uint8), 2 * truth, truth, [])
    names = list(panels)
    assert names[0] == f"truth: red {near:.3g} m, blue {far:.3g} m"
    np.testing.assert_array_equal(panels[names[1]], colour_distance(2 * truth, float(near), float(far)))
    paint = DEPTH.painter(truth, [])
    assert not np.array_equal(paint(truth), paint(2 * truth))
    nothing = np.zeros((20, 20), np.float32)
    assert "red 1 m, blue 80 m" in next(iter(DEPTH.panels(np.zeros((20, 20, 3), np.uint8), truth, nothing, [])))


def test_single_points_are_dots_on_a_darkened_picture() -> None:
    image = np.full((30, 40, 3), 200, np.uint8)
    sparse, dense = np.zeros((30, 40), np.float32), np.full((30, 40), 9.0, np.float32)
    sparse[10, 10], dense[:, 30:] = 9, 0
    dots = DEPTH.laid_over(image, sparse, [])
    assert (dots[25, 25] == 100).all()
    assert (dots[9:12, 9:12] != 100).any(-1).all()
    laid = DEPTH.laid_over(image, dense, [])
    assert (laid[:, 30:] == 200).all()
    assert (laid[:, :30] != 200).any(-1).all()


def test_words() -> None:
    value = np.float32(12.3456)
    assert DEPTH.words(value, []) == "12.35 m"
    assert DEPTH.words(value, [], exact=True) == "12.3456"
