"""One walk: each answer is scored once under each protocol, and shown to whoever looks on."""

from pathlib import Path

import pytest

from segdepth.evaluation import FileAnswers, Predictions, score
from segdepth.evaluation.service import score_set
from segdepth.metrics import DepthProtocol, DepthScores
from segdepth.tasks import TASKS

from .streets import Streets, write_answers


class Counted(DepthScores):
    """Counts its updates."""

    updates = 0

    def update(self, prediction: object, truth: object) -> None:
        Counted.updates += 1
        super().update(prediction, truth)


@pytest.fixture
def answers(tmp_path: Path) -> FileAnswers:
    write_answers(tmp_path / "answers", "depth")
    return FileAnswers(Predictions(tmp_path / "answers", Streets()), Streets(), TASKS["depth"])


@pytest.mark.parametrize("kept", [False, True])
def test_each_picture_is_scored_once_per_protocol(answers: FileAnswers, kept: bool) -> None:
    Counted.updates = 0
    seen: list[str] = []
    own: dict[str, float | None] = {}
    protocols = {
        "a": lambda _: Counted(DepthProtocol("none", 0.001, 80.0)),
        "b": lambda _: Counted(DepthProtocol("none", 0.001, 50.0)),
    }
    keep = [lambda answer, scores: own.update({answer.name: scores["abs_rel"]})] if kept else []
    evaluations = score(answers, protocols, watch=[lambda answer: seen.append(answer.name)], keep=keep)
    assert Counted.updates == 8, "two protocols of four pictures"
    assert tuple(seen) == Streets.names
    assert set(evaluations) == {"a", "b"}
    assert list(own) == (list(Streets.names) if kept else [])
    if kept:
        mean = sum(own.values()) / 4
        assert evaluations["a"].scores["abs_rel"] == pytest.approx(mean)


def test_each_kind_of_truth_has_its_own_origin(tmp_path: Path) -> None:
    said = {}
    for task in ("depth", "seg"):
        write_answers(tmp_path / task, task)
        data = Streets()
        data.origins = {"depth": "one laser scan"}
        (evaluation,) = score(FileAnswers(Predictions(tmp_path / task, data), data, TASKS[task])).values()
        said[task] = evaluation.protocol["ground_truth"]
    assert said == {"depth": "one laser scan", "seg": "labels of Streets"}


@pytest.mark.parametrize("task", ["depth", "seg"])
def test_a_set_gives_scores_pictures_tables_and_the_worst(tmp_path: Path, task: str) -> None:
    write_answers(tmp_path / "answers", task)
    data = Streets()
    scored = score_set(
        FileAnswers(Predictions(tmp_path / "answers", data), data, TASKS[task]), worst=2, folder=tmp_path / "worst"
    )
    assert list(scored.evaluations) == ["the data set's own"]
    assert tuple(scored.pictures) == data.names
    assert list(scored.tables) == (["bands"] if task == "depth" else [])
    assert [file.name for file in scored.worst] == ["01_drive_02_0003.png", "02_drive_02_0002.png"]
    (evaluation,) = scored.evaluations.values()
    assert evaluation.protocol["ground_truth"] == f"{TASKS[task].target} of Streets"
    assert evaluation.protocol["files_scored"] == 4
