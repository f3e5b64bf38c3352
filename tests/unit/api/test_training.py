"""``segdepth.train``: from a file, a mapping, with a network of the caller; nothing of the caller's is left changed."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor

import segdepth
from registered import forget
from segdepth.config import check_config
from segdepth.core.errors import CheckpointError, ConfigError, InputError, SegdepthError
from segdepth.metrics import mean_over_pictures
from segdepth.runs import RunFolder, read_config

from .around import DATA, Mine, config, mine

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)


def weights(net: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def test_a_file_a_mapping_and_a_configuration_are_one_run(tmp_path: Path) -> None:
    file = tmp_path / "small.yml"
    file.write_text(yaml.safe_dump(config()))
    runs = [
        segdepth.train(given, "training.train_iters=1", seed=3, runs=tmp_path / "runs", device="cpu")
        for given in (file, str(file), config(), check_config(config()))
    ]
    first, *others = (weights(segdepth.load(run.folder)) for run in runs)
    assert all(torch.equal(first[name], other[name]) for other in others for name in first)
    assert [run.folder.parent.name for run in runs] == [
        "small",
        "small",
        "segnet_synthetic_depth",
        "segnet_synthetic_depth",
    ]
    assert runs[0].scores.keys() >= {"abs_rel", "a1"}
    assert runs[0].checkpoint.is_file()
    recorded = read_config(RunFolder(runs[0].folder))
    assert (recorded["seed"], recorded["training"]["train_iters"]) == (3, 1)


def test_sections_are_merged_key_by_key(tmp_path: Path) -> None:
    run = segdepth.train(
        config(), training={"train_iters": 1, "optimizer": {"lr": 0.5}}, name="x", runs=tmp_path, device="cpu"
    )
    recorded = read_config(RunFolder(run.folder))["training"]
    assert (recorded["batch_size"], recorded["train_iters"], recorded["optimizer"]["lr"]) == (2, 1, 0.5)


@pytest.mark.parametrize("task", ["depth", "seg"])
def test_a_wrapped_module_is_trained_itself_and_goes_on(task: str, tmp_path: Path) -> None:
    net = mine(task)
    before = weights(net)
    told: dict[str, Any] = {"runs": tmp_path, "device": "cpu"}
    values = {key: value for key, value in config(task).items() if key not in ("model", "task")}
    whole = segdepth.train(values, net=net, training={"train_iters": 3}, **told)
    assert not torch.equal(net.state_dict()["guest.head.weight"], before["guest.head.weight"])
    assert not net.training
    recorded = read_config(RunFolder(whole.folder))
    assert recorded["model"]["arch"] == "Mine"
    assert recorded["model"]["preprocessing"] == net.card.preprocessing.model_dump(mode="json")
    assert recorded["task"] == task

    other = mine(task)
    other.load_state_dict(before)
    stopped = segdepth.train(values, net=other, training={"train_iters": 1}, **told)
    again = mine(task)
    going_on = {"train_iters": 3, "resume": str(stopped.folder)}
    assert segdepth.train(values, net=again, training=going_on, **told).folder == stopped.folder
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in again.state_dict().items())

    with pytest.raises(CheckpointError, match="no network is called 'Mine' here"):
        segdepth.load(whole.folder)
    back = segdepth.load(whole.folder, module=Mine(net.out_channels))
    assert segdepth.evaluate(back).scores == whole.scores


def test_a_network_of_ours_is_recorded_so_that_it_can_be_built_again(tmp_path: Path) -> None:
    net = segdepth.create_network("segnet", "depth", width=0.125)
    run = segdepth.train({"data": DATA, "training": config()["training"]}, net=net, runs=tmp_path, device="cpu")
    again = check_config(read_config(RunFolder(run.folder)))
    assert again.model.options == {"width": 0.125, "legacy": False}
    assert segdepth.load(run.folder).card.arch == "segnet"


def test_a_network_can_be_trained_twice_and_is_frozen_no_longer_than_a_run(tmp_path: Path) -> None:
    net = mine()
    first = segdepth.train(config(freeze_backbone=True), net=net, runs=tmp_path, device="cpu")
    assert all(parameter.requires_grad for parameter in net.parameters())
    backbone = net.state_dict()["guest.backbone.0.weight"].clone()
    second = segdepth.train(config(), net=net, runs=tmp_path, device="cpu")
    assert first.folder != second.folder
    assert not torch.equal(net.state_dict()["guest.backbone.0.weight"], backbone)


@pytest.mark.parametrize(
    ("net", "task", "words"),
    [
        (lambda: mine("seg"), "depth", "task is 'depth', but the network that is given is for 'seg'"),
        (lambda: segdepth.wrap(Mine(3), classes=3), "seg", "answers 3 classes, but synthetic has 19: road, sidewalk"),
        (
            lambda: segdepth.wrap(Mine(19), classes=[str(i) for i in range(19)]),
            "seg",
            "answers 0, 1, 2.*synthetic has road",
        ),
    ],
    ids=["task", "count", "names"],
)
def test_a_network_that_does_not_fit_is_told(net: Any, task: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words):
        segdepth.train(config(task), net=net(), runs=tmp_path, device="cpu")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"traning": {}}, ConfigError, r"configuration: traning: unknown key .*did you mean 'training'\?"),
        ({"training": {"train_iters": 0}}, ConfigError, "training.train_iters: should be greater than 0"),
        ({"device": "toaster"}, InputError, "'toaster' is no device"),
        ({"training": {"resume": "nowhere"}}, SegdepthError, "nowhere"),
    ],
    ids=["key", "value", "device", "resume"],
)
def test_a_mistake_is_a_sentence(change: dict[str, Any], error: type[Exception], words: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=words):
        segdepth.train(config(), runs=tmp_path, **change)
    with pytest.raises(ConfigError, match=r"no file .*no.yml, which should be a configuration"):
        segdepth.train(tmp_path / "no.yml")


def test_the_caller_s_world_is_left_as_it_was(tmp_path: Path) -> None:
    logger = logging.getLogger("segdepth")
    handlers, level, propagates = list(logger.handlers), logger.level, logger.propagate

    def seed() -> None:
        torch.manual_seed(5)
        np.random.seed(5)

    def drawn() -> list[float]:  # not from Python's own: checks of types, which only tests have, draw from these
        return [torch.rand(()).item(), np.random.rand()]

    seed()
    expected = drawn()
    seed()
    segdepth.train(config(deterministic=True), runs=tmp_path, device="cpu")
    assert drawn() == expected
    assert (list(logger.handlers), logger.level, logger.propagate) == (handlers, level, propagates)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_data_set_a_loss_and_a_metric_of_one_s_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The examples in the three functions' docstrings."""
    import numpy as np

    def squared(prediction, target, *, weight: float = 1.0):  # type: ignore[no-untyped-def]
        known = target[:, None] > 0
        errors = torch.where(known, prediction - target[:, None], 0)
        return weight * errors.square().sum() / known.sum().clamp(min=1)

    class Ramps(segdepth.data.Dataset):
        def __init__(self, path, split, targets, *, count: int = 4):  # type: ignore[no-untyped-def]
            super().__init__(path, split, targets)
            self.names = [f"{split}/{index}" for index in range(count)]
            self.depth_range = (0.5, 10.0)

        def __getitem__(self, index):  # type: ignore[no-untyped-def]
            depth = np.linspace(1, 5, 64 * 96, dtype=np.float32).reshape(64, 96)
            image = np.repeat(depth[..., None] * 50, 3, axis=2).astype(np.uint8)
            return segdepth.data.Sample(image, self.names[index], {"depth": depth})

    def within_a_metre(answer, truth):  # type: ignore[no-untyped-def]
        known = truth > 0
        return ((answer - truth).abs()[known] < 1).double().mean()

    segdepth.register_dataset("ramps", {"depth": Ramps})
    segdepth.register_loss("squared", squared, "depth")
    segdepth.register_metric("within_a_metre", mean_over_pictures(within_a_metre), "depth")
    values = config(loss={"name": "squared", "weight": 2}, metrics=["within_a_metre"])
    data = {"dataset": "ramps", "count": 3, "img_rows": 32, "img_cols": 48}
    with caplog.at_level(logging.INFO):
        run = segdepth.train({**values, "data": data}, runs=tmp_path, device="cpu")
    assert 0 <= (run.scores["within_a_metre"] or 0) <= 1
    assert "within_a_metre" in caplog.text
    found = segdepth.evaluate(run.folder, metrics=["within_a_metre"], device="cpu", count=2)
    assert found.beside == ("within_a_metre",)
    assert found.protocol["images"] == 2
    assert found.protocol["metrics"]["within_a_metre"]["files_scored"] == 2


def test_a_loss_that_is_no_number_is_told(tmp_path: Path) -> None:
    segdepth.register_loss("whole", lambda prediction, target: prediction, "depth")
    with pytest.raises(ConfigError, match=r"training.loss: 'whole' gives \[2, 1, 32, 96\]; a loss is one number"):
        segdepth.train(config(loss={"name": "whole"}), runs=tmp_path, device="cpu")
