"""TensorBoard and Weights & Biases are shown what the log has."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from segdepth.core.errors import ConfigError
from segdepth.runs import RunFolder
from segdepth.training import train
from segdepth.training.journal import Journal

from .tiny import scalars, tiny

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


def test_tensorboard_shows_scalars_speed_and_samples(tmp_path: Path) -> None:
    result = train(tiny("seg"), name="x", root=tmp_path, accelerator="cpu")
    board = EventAccumulator(str(result.folder / "tensorboard"), size_guidance={"images": 0})
    board.Reload()
    tags = board.Tags()
    wanted = {"loss/train_loss", "loss/lr", "val_metrics/mIoU", "speed/images_per_second", "speed/waiting_share"}
    assert wanted <= set(tags["scalars"])
    assert [event.step for event in board.Scalars("loss/train_loss")] == [1, 2, 3, 4, 5, 6]
    (tag,) = tags["images"][:1]
    assert board.Images(tag)[0].height == 3 * 64, "picture, truth, answer"
    assert len(board.Images(tag)) == 2


def test_tensorboard_shows_the_scores_and_not_what_was_counted(tmp_path: Path) -> None:
    result = train(tiny("depth", train_iters=1, val_interval=1), name="x", root=tmp_path, accelerator="cpu")
    board = EventAccumulator(str(result.folder / "tensorboard"))
    board.Reload()
    shown = {tag.removeprefix("val_metrics/") for tag in board.Tags()["scalars"] if tag.startswith("val_metrics/")}
    assert shown >= {"abs_rel", "rmse", "a1"}
    validation = next(line for line in scalars(result.folder) if line["event"] == "validation")
    assert validation["images"] == 5, "the log keeps it"
    assert validation.keys() - shown == {"event", "step", "images", "images_without_truth"}


def test_weights_and_biases_gets_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[dict[str, float]] = []
    run = SimpleNamespace(log=lambda values, step: logged.append(values), finish=lambda exit_code: None)
    fake = ModuleType("wandb")
    fake.init = lambda **settings: run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    result = train(tiny(wandb="streets"), name="x", root=tmp_path, accelerator="cpu")
    losses = [values["loss/train_loss"] for values in logged if "loss/train_loss" in values]
    assert losses == [line["train_loss"] for line in scalars(result.folder) if line["event"] == "train"]


def test_weights_and_biases_is_asked_for_but_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ConfigError, match=r"training\.wandb is 'streets', but .* is not installed"):
        train(tiny(wandb="streets"), name="x", root=tmp_path, accelerator="cpu")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be gone to the end of")
def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.text_log.symlink_to("/proc/self/mem")
    with pytest.raises(OSError, match="Invalid argument") as caught:
        Journal(folder, {"train": 0})
    assert caught.value.filename == str(folder.text_log)
