"""Which data are scored, under which protocols, by whom; and what one walk gives."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.config import Config, check_config
from segdepth.core.errors import ConfigError
from segdepth.data import DATASETS
from segdepth.evaluation import service
from segdepth.evaluation.depth_protocol import PROTOCOLS
from segdepth.evaluation.scoring import OWN_PROTOCOL
from segdepth.evaluation.service import (
    EIGEN,
    Source,
    file_answerer,
    network_answerer,
    only_task,
    protocols_of,
    score_set,
    warn_of_leaks,
)
from segdepth.metrics import DepthProtocol, DepthScores
from segdepth.tasks import TASKS, create_network

from .streets import Streets, guess, write_answers


def source(**said: Any) -> Source:
    nothing = {"dataset": None, "path": None, "files": None, "truth_path": None, "allow_missing": False, "split": None}
    return Source(**{**nothing, "test": False, **said})


def config(**data: Any) -> Config:
    section = {
        "dataset": "synthetic",
        "val_split": "val",
        "test_split": "train",
        "num_images": 3,
        "height": 40,
        "width": 96,
    }
    return check_config({"model": {"arch": "segnet"}, "task": "depth", "data": section | data})


class Opened:
    """Notes how a data set is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name: str | None = None
        self.options: Mapping[str, Any] = {}
        monkeypatch.setattr(service, "open_dataset", self)

    def __call__(self, name: str, **options: Any) -> Streets:
        self.name, self.options = name, options
        return Streets()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    return Opened(monkeypatch)


def test_what_is_not_said_is_the_configuration_s(opened: Opened, tmp_path: Path) -> None:
    source().open(config(path=str(tmp_path)), TASKS["depth"], None)
    assert opened.name == "synthetic"
    assert opened.options["path"] == tmp_path
    assert (opened.options["split"], opened.options["target"], opened.options["num_images"]) == ("val", "depth", 3)
    source(test=True).open(config(), TASKS["seg"], None)
    assert (opened.options["split"], opened.options["target"]) == ("train", "labels")


def test_what_is_said_stands_over_it(opened: Opened, tmp_path: Path) -> None:
    said = source(path=tmp_path, split="test", options={"num_images": 7}, files="some.txt", truth_path="there")
    said.open(config(), TASKS["depth"], "improved")
    wanted = {
        "path": tmp_path,
        "split": "test",
        "num_images": 7,
        "files": "some.txt",
        "truth_path": "there",
        "truth": "improved",
    }
    assert {key: opened.options[key] for key in wanted} == wanted


def test_another_data_set_takes_nothing_from_the_configuration(opened: Opened, tmp_path: Path) -> None:
    source(dataset="kitti").open(config(path=str(tmp_path)), TASKS["depth"], None)
    assert opened.name == "kitti"
    assert opened.options == {"path": None, "split": "val", "target": "depth", "leave_out_missing": False}
    source(dataset=EIGEN).open(None, TASKS["depth"], None)
    assert opened.options["split"] == "test"
    source(dataset="kitti", test=True).open(None, TASKS["depth"], None)
    assert opened.options["split"] == "test"


@pytest.mark.parametrize("said", [False, True])
def test_missing_files_are_left_out_where_the_user_says_so(said: bool, opened: Opened) -> None:
    source(allow_missing=said).open(config(), TASKS["depth"], None)
    assert opened.options["leave_out_missing"] == said


def test_who_names_no_data_set_is_told() -> None:
    with pytest.raises(ConfigError, match="name the data set: --config, or --dataset"):
        source().name(None)
    with pytest.raises(ConfigError, match="--baselines needs a training split"):
        source(dataset=EIGEN).training(None)
    assert source(dataset="kitti").training(None).split == "train"


def test_a_data_set_with_one_truth_says_the_task() -> None:
    for name, readers in DATASETS.items():
        fitting = [task.name for task in TASKS.values() if [task.target] == list(readers)]
        assert only_task(name) == (fitting[0] if fitting else None)
    assert only_task(None) is None
    assert only_task("nothing") is None


def test_protocols_are_grouped_by_the_truth_that_they_need() -> None:
    assert protocols_of("kitti", []) == {None: {}}
    first = next(iter(PROTOCOLS))
    assert protocols_of(EIGEN, []) == {PROTOCOLS[first].truth: {first: PROTOCOLS[first].scores}}
    grouped = protocols_of(EIGEN, list(PROTOCOLS))
    assert {name for protocols in grouped.values() for name in protocols} == set(PROTOCOLS)
    for truth, protocols in grouped.items():
        assert {PROTOCOLS[name].truth for name in protocols} == {truth}
    with pytest.raises(ConfigError, match=f"for the data set {EIGEN}, not 'kitti'"):
        protocols_of("kitti", [first])
    with pytest.raises(ConfigError, match="no protocol"):
        protocols_of(EIGEN, ["nothing"])


def test_files_are_scored_under_every_protocol_and_picture_by_picture(tmp_path: Path) -> None:
    write_answers(tmp_path / "answers", "depth")
    answerer = file_answerer(tmp_path / "answers", "depth", None)
    assert (answerer.label, answerer.task.name, list(answerer.training_names())) == ("answers", "depth", [])
    protocols = {
        "near": lambda _: DepthScores(DepthProtocol("none", 1.0, 20.0)),
        "far": lambda _: DepthScores(DepthProtocol("none", 1.0, 80.0)),
    }
    scored = score_set(answerer.answers_to(Streets()), protocols, worst=2, folder=tmp_path / "worst")
    assert list(scored.evaluations) == ["near", "far"]
    assert list(scored.pictures) == list(Streets.names)
    for k, scores in enumerate(scored.pictures.values()):
        truth = Streets()[k].truth("depth").astype(np.float64)
        there = (truth > 1) & (truth < 20)
        error = np.abs(guess(k)[there].clip(1, 20) - truth[there]) / truth[there]
        assert scores["abs_rel"] == pytest.approx(error.mean(), abs=1e-3)  # files hold 1/256 metres
    assert len(scored.worst) == 2
    assert all(file.exists() for file in scored.worst)
    assert all(table.rows for table in scored.tables.values())


def test_without_protocols_the_task_s_own_is_taken(tmp_path: Path) -> None:
    write_answers(tmp_path / "answers", "seg")
    answers = file_answerer(tmp_path / "answers", "seg", None).answers_to(Streets())
    scored = score_set(answers)
    assert list(scored.evaluations) == [OWN_PROTOCOL]
    assert len(scored.worst) == 0


def test_who_does_not_say_what_files_answer_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="say what the predictions are: --task seg or --task depth or --task normals"):
        file_answerer(tmp_path, None, None)
    named = next(name for name, readers in DATASETS.items() if len(readers) == 1)
    assert file_answerer(tmp_path, None, named).task.name == only_task(named)


def test_a_network_s_answers_say_who_gave_them() -> None:
    net = create_network("segnet", "depth", width=0.125)
    answerer = network_answerer(net, Path("a.safetensors"), None, None, (32, 64))
    assert (answerer.label, answerer.task.name) == ("segnet", "depth")
    assert list(answerer.training_names()) == []  # its card says nothing of its training


class Drives(Streets):
    names = tuple(f"2011_09_26_drive_0002_sync_02/{k:010d}" for k in range(4))


def test_pictures_of_drives_that_were_trained_on_are_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "segdepth"):
        warn_of_leaks(["2011_09_26_drive_0009_sync_02/0000000001"], Drives())
        assert caplog.text == ""
        warn_of_leaks(["2011_09_26_drive_0002_sync_03/0000000007"], Drives())
    assert "LEAK: 4 of 4 scored pictures" in caplog.text
    assert "2011_09_26_drive_0002" in caplog.text
