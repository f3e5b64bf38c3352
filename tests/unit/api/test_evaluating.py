"""``segdepth.evaluate``: the same scores as a run's validation and as the command's."""

import json
from pathlib import Path
from typing import Any

import pytest

import segdepth
from registered import forget
from segdepth.cli import main
from segdepth.core.errors import CheckpointError, ConfigError
from segdepth.data import open_dataset
from segdepth.metrics import mean_over_pictures
from segdepth.training import TrainingResult

from .around import DATA, config, mine

pytestmark = pytest.mark.usefixtures("frames_drawn_once")

NAMED = {key: value for key, value in DATA.items() if not key.startswith("img_")}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    return segdepth.train(config("seg", train_iters=1), runs=tmp_path_factory.mktemp("runs"), device="cpu")


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)


def test_a_run_is_scored_on_its_own_data(run: TrainingResult, tmp_path: Path) -> None:
    assert run.best is not None
    found = segdepth.evaluate(run.folder, device="cpu")
    assert found.scores == run.best.scores
    assert found.protocol == run.best.protocol
    assert segdepth.evaluate(segdepth.load(run.checkpoint), dataset="synthetic", size=(32, 96)).scores == found.scores
    assert segdepth.evaluate(str(run.checkpoint), split="test").scores != found.scores
    main(["evaluate", "--checkpoint", str(run.folder), "--out", str(tmp_path / "scores.json"), "--device", "cpu"])
    assert next(iter(json.loads((tmp_path / "scores.json").read_text())["scores"].values())) == found.scores


def test_a_network_is_left_as_it_was(run: TrainingResult) -> None:
    net = segdepth.load(run.folder).train()
    segdepth.evaluate(net)
    assert net.training


def test_an_open_data_set_is_scored() -> None:
    options: dict[str, Any] = {"num_images": 2, "height": 37, "width": 124}
    opened = open_dataset("synthetic", path=None, split="val", target="depth", **options)
    net = mine()
    found = segdepth.evaluate(net, dataset=opened, size=(32, 96))
    assert found.scores == segdepth.evaluate(net, dataset="synthetic", size=(32, 96), **options).scores
    assert found.words.startswith("crop garg, 0.001-80 m")
    with pytest.raises(ConfigError, match="split= is for a data set that is named; this Synthetic is open already"):
        segdepth.evaluate(net, dataset=opened, split="test", size=(32, 96))
    nearer = segdepth.evaluate(net, dataset=opened, size=(32, 96), max_depth=30)
    assert nearer.protocol["max_depth_m"] == 30


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "the card of Mine names no data set: give dataset="),
        (
            {"dataset": "synthetic"},
            r"the card of Mine does not say at which size it works: give size=\(rows, columns\)",
        ),
        ({"dataset": "syntetic", "size": (32, 96)}, r"no data set named 'syntetic'.*did you mean 'synthetic'\?"),
        ({"dataset": "synthetic", "size": (32, 96), "numimages": 2}, "no option 'numimages'"),
        ({"dataset": "synthetic", "size": (32, 96), "protocol": "eigen-raw-garg"}, "named protocols are for"),
        ({"dataset": "synthetic", "size": (32, 96), "metrics": ["none"]}, r"no metric named 'none' \(there are none\)"),
    ],
    ids=["data", "size", "name", "option", "protocol", "metric"],
)
def test_a_mistake_is_a_sentence(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        segdepth.evaluate(mine(), **said)
    with pytest.raises(CheckpointError, match="there is no checkpoint 'nowhere'"):
        segdepth.evaluate("nowhere", **said)


def test_a_metric_stands_beside_the_task_s_own(run: TrainingResult, capsys: pytest.CaptureFixture[str]) -> None:
    segdepth.register_metric("right", mean_over_pictures(lambda a, b: (a == b).double().mean(), "right"), "labels")
    found = segdepth.evaluate(run.folder, metrics=["right"], device="cpu")
    assert found.beside == ("right",)
    assert list(found.scores)[-1] == "right"
    assert {name: found.scores[name] for name in run.scores} == run.scores
    main(["evaluate", "--checkpoint", str(run.folder), "--metric", "right", "--device", "cpu"])
    printed = capsys.readouterr().out
    assert "right" in printed
    assert f"{found.scores['right']:.4f}" in printed
    segdepth.register_metric("twice", mean_over_pictures(lambda a, b: 0, "mIoU"), "labels")
    with pytest.raises(ConfigError, match="the metric 'twice' names a score 'mIoU', which there is already"):
        segdepth.evaluate(run.folder, metrics=["twice"], device="cpu")
    segdepth.register_metric("nothing", lambda dataset: 3, "labels")  # type: ignore[arg-type,return-value]
    with pytest.raises(ConfigError, match=r"the metric 'nothing' is a int; it has to be segdepth.metrics.Scores"):
        segdepth.evaluate(run.folder, metrics=["nothing"], device="cpu")


def test_a_card_of_a_task_that_is_none_is_a_sentence(run: TrainingResult) -> None:
    net = segdepth.load(run.checkpoint)
    net.card = net.card.model_copy(update={"task": "flow"})
    with pytest.raises(ConfigError, match="no task named 'flow'"):
        segdepth.evaluate(net, dataset="synthetic", num_images=1, size=(32, 96))
