"""Labels: what is guessed without a picture, what people see."""

from pathlib import Path

import cv2
import numpy as np

from segdepth.kinds import KINDS

LABELS = KINDS["labels"]
COLOURS = [(10, 20, 30), (200, 0, 0), (0, 0, 200)]


def test_guesses_are_the_most_frequent_classes() -> None:
    dice = np.random.default_rng(0)
    truths = dice.integers(0, 3, (7, 4, 5)).astype(np.uint8)
    truths[dice.random(truths.shape) < 0.2] = LABELS.void
    guesses = LABELS.guesses(truths)
    known = truths[truths != LABELS.void]
    assert (guesses["constant"] == np.bincount(known).argmax()).all()
    for row, column in np.ndindex(4, 5):
        here = truths[:, row, column]
        assert guesses["position"][row, column] == np.bincount(here[here != LABELS.void], minlength=3).argmax()
    assert {guess.dtype for guess in guesses.values()} == {np.dtype(np.uint8)}


def test_of_nothing_the_first_class_is_guessed() -> None:
    guesses = LABELS.guesses(np.full((2, 3, 4), LABELS.void, np.uint8))
    assert not guesses["constant"].any()
    assert not guesses["position"].any()


def test_answers_of_another_size_are_never_mixed() -> None:
    answer = np.array([[0, 2], [1, 18]], np.uint8)
    found = LABELS.answer_from(answer, "a.png", (4, 4), "train ids")
    np.testing.assert_array_equal(found, np.kron(answer, np.ones((2, 2), np.uint8)))


def test_a_file_for_others_gives_the_answer_back(tmp_path: Path) -> None:
    answer = np.random.default_rng(0).integers(0, 19, (5, 7)).astype(np.uint8)
    (file,) = LABELS.save(answer, tmp_path / "a.b")
    assert file.name == "a.b_trainIds.png"
    np.testing.assert_array_equal(cv2.imread(str(file), cv2.IMREAD_UNCHANGED), answer)


def test_mistakes_are_counted_where_a_class_is_known() -> None:
    truth = np.zeros((4, 10), np.uint8)
    truth[:, 5:] = LABELS.void
    answer = np.ones((4, 10), np.uint8)
    answer[:3, :5] = 0
    image = np.full((4, 10, 3), 100, np.uint8)
    panels = LABELS.panels(image, answer, truth, COLOURS)
    assert list(panels) == ["truth (black: ignored)", "answer", "wrong: 25.0 % of the pixels"]
    truth_panel, answer_panel, wrong = panels.values()
    assert not truth_panel[:, 5:].any()
    assert (truth_panel[:, :5] == COLOURS[0]).all()
    assert (answer_panel[3] == COLOURS[1]).all()
    assert (wrong[:3] == 50).all()
    assert (wrong[:, 5:] == 50).all()
    np.testing.assert_allclose(wrong[3, :5], np.broadcast_to((214, 10, 10), (5, 3)), atol=1)
    assert "wrong: 0.0 %" in list(LABELS.panels(image, answer, np.full_like(truth, LABELS.void), COLOURS))[2]


def test_what_is_not_known_is_not_coloured() -> None:
    image = np.full((2, 3, 3), 100, np.uint8)
    truth = np.array([[0, 1, 2], [3, 255, 0]], np.uint8)  # of three classes
    laid = LABELS.laid_over(image, truth, COLOURS)
    assert (laid[1, :2] == 100).all()
    np.testing.assert_allclose(laid[0], (100 + np.array(COLOURS)) / 2, atol=1)
    over = LABELS.answer_over(image, truth.clip(max=2), COLOURS)
    np.testing.assert_allclose(over[0], 0.4 * 100 + 0.6 * np.array(COLOURS), atol=1)
    paint = LABELS.painter(truth, COLOURS)
    np.testing.assert_array_equal(paint(np.array([[2, 0]], np.int64)), [[COLOURS[2], COLOURS[0]]])


def test_words() -> None:
    assert LABELS.words(np.uint8(1), ["road", "car"]) == "car"
    assert LABELS.words(np.uint8(1), []) == "class 1"
