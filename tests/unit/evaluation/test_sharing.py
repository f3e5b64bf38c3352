"""Answers that come as files from workers: in order, the same, and gone afterwards."""

from pathlib import Path

import pytest
import torch

from segdepth.core.errors import DataError
from segdepth.data.sample import Dataset, Sample
from segdepth.evaluation.answers import NetworkAnswers
from segdepth.evaluation.scoring import score
from segdepth.evaluation.sharing import AnswerJob, SharedAnswers
from segdepth.executing import Here, Local
from segdepth.tasks import TASKS, create_network

from .streets import Streets


class Broken(Streets):
    """One picture cannot be read."""

    def __getitem__(self, index: int) -> Sample:
        if index == 2:
            raise DataError("picture 2 is broken")
        return super().__getitem__(index)


def answers(data: type[Dataset] = Streets) -> NetworkAnswers:
    torch.manual_seed(0)
    net = create_network("segnet", "depth", width=0.125)
    return NetworkAnswers(net, data(), TASKS["depth"], size=(32, 64), batch_size=3, skip_bad=data is Broken)  # type: ignore[call-arg]


@pytest.mark.parametrize("place", [Here(), pytest.param(Local(2), marks=pytest.mark.slow)])
def test_they_are_the_answers_of_one_process(place: Here | Local, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    shared = SharedAnswers(answers(), answers, place, tmp_path, progress=lambda done, count: seen.append((done, count)))
    assert score(shared) == score(answers())
    assert seen == [(3, 4), (4, 4)]
    assert not list(tmp_path.iterdir())
    for one, other in zip(shared, answers(), strict=True):
        assert one.name == other.name
        assert torch.equal(one.answer, other.answer)
        assert torch.equal(one.truth, other.truth)
        assert one.answer.dtype == other.answer.dtype


def test_what_is_broken_is_told(tmp_path: Path) -> None:
    shared = SharedAnswers(answers(Broken), lambda: answers(Broken), Here(), tmp_path)
    assert [one.name[-1] for one in shared] == ["0", "1", "3"]
    assert shared.bad == ["picture 2 is broken"]


def test_who_stops_early_leaves_nothing(tmp_path: Path) -> None:
    walk = iter(SharedAnswers(answers(), answers, Here(), tmp_path))
    next(walk)
    assert list(tmp_path.iterdir())
    walk.close()  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir())


def test_a_batch_whose_file_is_there_is_done(tmp_path: Path) -> None:
    job = AnswerJob(answers, tmp_path, torch.get_num_threads())
    assert not job.done(1)
    list(Here().carry_out(job, [1]))
    assert job.done(1)
    assert job.label(1) == "batch 1"
