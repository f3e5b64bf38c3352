"""A run can be stopped and goes on as if it had not been; what it writes is whole and says where it comes from."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from segdepth.config import check_config
from segdepth.core.errors import CheckpointError
from segdepth.networks import PREPROCESSINGS, read_card
from segdepth.training import train

from .tiny import Impatient, assert_same_state, newest, scalars, tiny

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


@pytest.mark.parametrize("task", ["seg", "depth"])
def test_a_stopped_run_goes_on_exactly(task: str, tmp_path: Path) -> None:
    whole = train(tiny(task), name="whole", root=tmp_path, accelerator="cpu")
    half = train(tiny(task, train_iters=3), name="half", root=tmp_path, accelerator="cpu")
    resumed = train(tiny(task, resume=str(half.folder)), name="half", root=tmp_path, accelerator="cpu")
    assert resumed.folder == half.folder
    assert newest(whole.folder)["state"]["step"] == 6
    assert_same_state(whole.folder, resumed.folder)


def test_ctrl_c_loses_nothing(tmp_path: Path) -> None:
    whole = train(tiny(), name="whole", root=tmp_path, accelerator="cpu")
    with pytest.raises(KeyboardInterrupt):
        train(tiny(), name="cut", root=tmp_path, accelerator="cpu", progress=Impatient(after=4))
    (folder,) = (tmp_path / "cut").iterdir()
    resumed = train(tiny(resume=str(folder)), name="cut", root=tmp_path, accelerator="cpu")
    assert_same_state(whole.folder, resumed.folder)


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
    assert card.preprocessing == PREPROCESSINGS["imagenet"]


def test_a_run_that_was_stopped_while_it_validated_begins_with_that_validation(tmp_path: Path) -> None:
    class WhileValidating(Impatient):
        def step(self, step: int, loss: float | None, rate: float) -> None: ...

        def validating(self, done: int, total: int) -> None:
            raise KeyboardInterrupt

    whole = train(tiny(), name="whole", root=tmp_path, accelerator="cpu")
    with pytest.raises(KeyboardInterrupt):
        train(tiny(), name="cut", root=tmp_path, accelerator="cpu", progress=WhileValidating(0))
    resumed = train(tiny(resume="auto"), name="cut", root=tmp_path, accelerator="cpu")
    assert_same_state(whole.folder, resumed.folder)


@pytest.mark.parametrize("name", ["adam", pytest.param("asgd", marks=pytest.mark.slow)])
def test_killed_at_any_update_with_everything_on(name: str, tmp_path: Path) -> None:
    """A kill is a run that simply ends: what is on disk is the last checkpoint and a log that ran ahead of it."""
    lr = 1e-4 if name == "rmsprop" else 1e-3
    everything: dict[str, Any] = {
        "optimizer": {"name": name, "lr": lr}, "batch_size": 4, "accumulation": 2, "clip_grad_norm": 1.0,
        "ema_decay": 0.9, "print_interval": 2, "checkpoint_interval": 1, "keep_checkpoints": 9,
        "lr_schedule": {"name": "poly_lr", "warmup_iters": 3},
    }  # fmt: skip
    whole = train(tiny(**everything), name="whole", root=tmp_path, accelerator="cpu")
    for step in (3, 5):
        folder = tmp_path / "cut" / f"after-{step}"
        shutil.copytree(whole.folder, folder)
        for later in (folder / "checkpoints").iterdir():
            if int(later.stem) > step:
                later.unlink()
        train(tiny(**everything, resume=str(folder)), name="cut", root=tmp_path, accelerator="cpu")
        assert_same_state(whole.folder, folder)


def test_half_precision_learns_and_goes_on_exactly(tmp_path: Path) -> None:
    whole = train(tiny(precision="bf16-mixed"), name="whole", root=tmp_path, accelerator="cpu")
    train(tiny(precision="bf16-mixed", train_iters=3), name="cut", root=tmp_path, accelerator="cpu")
    resumed = train(tiny(precision="bf16-mixed", resume="auto"), name="cut", root=tmp_path, accelerator="cpu")
    assert_same_state(whole.folder, resumed.folder)
    assert all(value.dtype != torch.bfloat16 for value in newest(whole.folder)["model_state"].values())


def test_a_resumed_run_still_knows_its_best(tmp_path: Path) -> None:
    first = train(tiny(train_iters=3), name="x", root=tmp_path, accelerator="cpu")
    again = train(tiny(train_iters=3, resume=str(first.folder)), name="x", root=tmp_path, accelerator="cpu")
    assert first.best is not None
    assert again.best is not None
    assert again.best.scores == first.best.scores
    with pytest.raises(CheckpointError, match=r"weights only, which training\.init_from"):
        train(tiny(resume=str(first.folder / "best.safetensors")), name="x", root=tmp_path, accelerator="cpu")
