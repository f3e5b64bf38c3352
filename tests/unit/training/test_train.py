"""A run can be stopped and goes on as if it had not been; what it writes is whole and says where it comes from."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from segdepth.config import Config, check_config
from segdepth.core.errors import CheckpointError, SegdepthError
from segdepth.networks import load_network, read_card
from segdepth.training import train


def tiny(task: str = "depth", **training: Any) -> Config:
    settings = {"train_iters": 6, "batch_size": 2, "val_interval": 3, "print_interval": 1, "n_workers": 0,
                "optimizer": {"name": "adam", "lr": 1e-3}, "augmentations": {"hflip": 0.5}}  # fmt: skip
    return check_config(
        {
            "model": {"arch": "fcrn", "width": 0.125},
            "task": task,
            "data": {
                "dataset": "synthetic",
                "img_rows": 32,
                "img_cols": 64,
                "height": 64,
                "width": 128,
                "num_images": 5,
            },
            "training": settings | training,
        }
    )


def scalars(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("task", ["seg", "depth"])
def test_a_stopped_run_goes_on_exactly(task: str, tmp_path: Path) -> None:
    whole = train(tiny(task), name="whole", root=tmp_path, accelerator="cpu")
    half = train(tiny(task, train_iters=3), name="half", root=tmp_path, accelerator="cpu")
    resumed = train(tiny(task, resume=str(half.folder)), name="half", root=tmp_path, accelerator="cpu")
    assert resumed.folder == half.folder
    states = [torch.load(r.folder / "last.pt", weights_only=True) for r in (whole, resumed)]
    assert states[0]["step"] == states[1]["step"] == 6
    for name, value in states[0]["model_state"].items():
        assert torch.equal(value, states[1]["model_state"][name]), name
    for one, other in zip(*(s["optimizer_state"]["state"].values() for s in states), strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert scalars(whole.folder) == scalars(resumed.folder)
    best = [load_network(r.folder).state_dict() for r in (whole, resumed)]
    assert all(torch.equal(value, best[1][name]) for name, value in best[0].items())


class Impatient:
    """Presses Ctrl-C after some updates."""

    def __init__(self, after: int) -> None:
        self.after = after

    def start(self, step: int, total: int) -> None: ...

    def step(self, step: int, loss: float | None, rate: float) -> None:
        if step == self.after:
            raise KeyboardInterrupt

    def validating(self, done: int, total: int) -> None: ...


def test_ctrl_c_loses_nothing(tmp_path: Path) -> None:
    whole = train(tiny(), name="whole", root=tmp_path, accelerator="cpu")
    with pytest.raises(KeyboardInterrupt):
        train(tiny(), name="cut", root=tmp_path, accelerator="cpu", progress=Impatient(after=4))
    (folder,) = (tmp_path / "cut").iterdir()
    resumed = train(tiny(resume=str(folder)), name="cut", root=tmp_path, accelerator="cpu")
    assert scalars(resumed.folder) == scalars(whole.folder)


def test_the_folder_says_everything(tmp_path: Path) -> None:
    result = train(tiny("seg"), name="some", root=tmp_path, accelerator="cpu")
    config = yaml.safe_load((result.folder / "config.yaml").read_text())
    assert check_config(config) == tiny("seg")
    assert config["training"]["loss"]["name"] == "cross_entropy", "defaults are written out"
    assert json.loads((result.folder / "provenance.json").read_text())["seed"] == 1337
    events = [line["event"] for line in scalars(result.folder)]
    assert events.count("train") == 6
    assert events.count("validation") == 2
    assert list((result.folder / "tensorboard").iterdir())
    card = read_card(result.folder / "best.safetensors")
    assert card.task == "seg"
    assert card.input_size == (32, 64)
    assert card.classes is not None
    assert card.classes.names[0] == "road"
    assert result.best is not None
    assert card.scores == result.best.scores
    assert card.preprocessing == "imagenet"


def test_a_run_can_start_from_another_tasks_weights(tmp_path: Path) -> None:
    seg = train(tiny("seg", train_iters=1, val_interval=1), name="seg", root=tmp_path, accelerator="cpu")
    start = load_network(seg.folder).state_dict()
    depth = train(
        tiny(train_iters=1, init_from=str(seg.folder), optimizer={"name": "sgd", "lr": 1e-30}),
        name="depth", root=tmp_path, accelerator="cpu",
    )  # fmt: skip
    ours = load_network(depth.folder).state_dict()
    assert torch.equal(ours["encoder.conv1.weight"], start["encoder.conv1.weight"])
    assert ours["head.weight"].shape != start["head.weight"].shape


def test_a_loss_that_is_not_finite_stops_the_run_and_says_where(tmp_path: Path) -> None:
    with pytest.raises(SegdepthError, match=r"the loss is (nan|inf) at iteration \d+ \(last batch: train/"):
        train(tiny(optimizer={"name": "sgd", "lr": 1e30}), name="hot", root=tmp_path, accelerator="cpu")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 truncated", b"\x80\x04\x95cos\nsystem\n."])
def test_a_broken_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"training\.resume: .*last\.pt"):
        train(tiny(resume=str(tmp_path)), name="x", root=tmp_path / "runs", accelerator="cpu")


def test_a_missing_checkpoint_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        train(tiny(resume=str(tmp_path / "nowhere")), name="x", root=tmp_path / "runs", accelerator="cpu")
    assert not (tmp_path / "runs").exists()
