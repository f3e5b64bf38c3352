"""The worst pictures: which, in which order, and what is drawn."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from segdepth.evaluation import Answer, FileAnswers, Predictions, score
from segdepth.evaluation.worst import Worst
from segdepth.tasks import TASKS

from .streets import SIZE, Streets, write_answers


@pytest.mark.parametrize("task", ["depth", "seg"])
def test_the_worst_pictures_are_drawn_worst_first(tmp_path: Path, task: str) -> None:
    write_answers(tmp_path / "answers", task)
    data = Streets()
    worst = Worst(TASKS[task], 2)
    score(FileAnswers(Predictions(tmp_path / "answers", data), data, TASKS[task]), keep=[worst])
    files = worst.draw(data, tmp_path / "worst")
    assert [file.name for file in files] == ["01_drive_02_0003.png", "02_drive_02_0002.png"]
    drawn = cv2.imread(str(files[0]))
    panels = drawn.reshape(4, -1, SIZE[1], 3)
    strip = panels.shape[1] - SIZE[0]
    assert strip > 10, "picture, truth, answer, error, with a title above each"
    assert all(panel[strip:].any() and panel[:strip].max() > 50 for panel in panels)
    np.testing.assert_array_equal(panels[0][strip:, :, ::-1], data[3].image)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_the_order_in_which_they_come_does_not_matter(tmp_path: Path, order: tuple[int, ...]) -> None:
    data = Streets()
    worst = Worst(TASKS["depth"], 3)
    scores = {0: 0.1, 1: 0.3, 2: None, 3: 0.2}
    for k in order:
        worst(Answer(data.names[k], torch.ones(SIZE), torch.ones(SIZE)), {"abs_rel": scores[k]})
    assert [file.name for file in worst.draw(data, tmp_path)] == [
        "01_drive_02_0001.png", "02_drive_02_0003.png", "03_drive_02_0000.png"
    ]  # fmt: skip


def test_none_are_none(tmp_path: Path) -> None:
    worst = Worst(TASKS["depth"], 0)
    worst(Answer("a", torch.ones(SIZE), torch.ones(SIZE)), {"abs_rel": 0.5})
    assert worst.draw(Streets(), tmp_path) == []


@pytest.mark.parametrize(("task", "first"), [("seg", 0), ("depth", 3)])
def test_of_pictures_that_are_equally_bad_the_scores_order_says_which(tmp_path: Path, task: str, first: int) -> None:
    data = Streets()
    worst = Worst(TASKS[task], 1)
    for name in data.names:
        worst(Answer(name, torch.ones(SIZE), torch.ones(SIZE)), {TASKS[task].best_score: 0.5})
    (file,) = worst.draw(data, tmp_path)
    assert file.name == f"01_drive_02_{first:04d}.png"
