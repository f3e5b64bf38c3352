"""A run can be stopped and goes on as if it had not been; what it writes is whole and says where it comes from."""

import json
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from segdepth.config import Config, check_config, config_to_dict
from segdepth.config.schema import ModelSection
from segdepth.core.errors import CheckpointError, ConfigError, DataError, SegdepthError
from segdepth.data import Sample
from segdepth.data.synthetic import Synthetic
from segdepth.networks import load_network, read_card
from segdepth.training import find_checkpoint, train

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


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


def newest(folder: Path) -> dict[str, Any]:
    return dict(torch.load(find_checkpoint(folder), weights_only=True))


def assert_same_state(one: Path, other: Path) -> None:
    """Bit for bit: weights, optimizer, log, best."""
    states = newest(one), newest(other)
    assert states[0]["state"] == states[1]["state"]
    for name, value in states[0]["model_state"].items():
        assert torch.equal(value, states[1]["model_state"][name]), name
    for mine, its in zip(*(s["optimizer_state"]["state"].values() for s in states), strict=True):
        assert all(torch.equal(mine[key], its[key]) for key in mine)
    assert scalars(one) == scalars(other)
    best = [load_network(folder).state_dict() for folder in (one, other)]
    assert all(torch.equal(value, best[1][name]) for name, value in best[0].items())


def scalars(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("task", ["seg", "depth"])
def test_a_stopped_run_goes_on_exactly(task: str, tmp_path: Path) -> None:
    whole = train(tiny(task), name="whole", root=tmp_path, accelerator="cpu")
    half = train(tiny(task, train_iters=3), name="half", root=tmp_path, accelerator="cpu")
    resumed = train(tiny(task, resume=str(half.folder)), name="half", root=tmp_path, accelerator="cpu")
    assert resumed.folder == half.folder
    assert newest(whole.folder)["state"]["step"] == 6
    assert_same_state(whole.folder, resumed.folder)


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


def with_width(config: Config, width: float) -> Config:
    return config.model_copy(update={"model": ModelSection(arch="fcrn", width=width)})


def test_a_start_from_a_network_of_another_width_is_warned_of_and_one_from_nothing_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    once = {"train_iters": 1, "val_interval": 1}
    seg = train(tiny("seg", **once), name="seg", root=tmp_path, accelerator="cpu")
    wide = with_width(tiny("seg", **once, init_from=str(seg.folder)), 0.25)
    caplog.clear()
    train(wide, name="wide", root=tmp_path, accelerator="cpu")
    (warning,) = (r.getMessage() for r in caplog.records if r.levelname == "WARNING" and "init_from" in r.getMessage())
    assert "only 1 of 344 tensors fit" in warning, "head.bias"
    assert "encoder.conv1.weight (16x3x7x7 here, 8x3x7x7 there)" in warning
    assert warning.count(" here, ") == 3
    assert "and 340 more" in warning
    depth = with_width(tiny("depth", **once, init_from=str(seg.folder)), 0.25)
    with pytest.raises(ConfigError, match=r"^training\.init_from: nothing in '.*' fits fcrn .*and 341 more$"):
        train(depth, name="depth", root=tmp_path, accelerator="cpu")
    assert not (tmp_path / "depth").exists()


def test_a_start_that_leaves_out_a_head_is_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    once = {"train_iters": 1, "val_interval": 1}
    seg = train(tiny("seg", **once), name="seg", root=tmp_path, accelerator="cpu")
    with caplog.at_level("INFO", logger="segdepth"):
        train(tiny(**once, init_from=str(seg.folder)), name="x", root=tmp_path, accelerator="cpu")
        train(tiny("seg", **once, init_from=str(seg.folder)), name="y", root=tmp_path, accelerator="cpu")
    first, second = (r for r in caplog.records if "init_from" in r.getMessage())
    assert {first.levelname, second.levelname} == {"INFO"}
    assert "head.weight (" in first.getMessage()
    assert "head.bias (" in first.getMessage()
    assert " more" not in first.getMessage()
    assert "all 344 tensors" in second.getMessage()


def test_a_loss_that_is_not_finite_stops_the_run_and_says_where(tmp_path: Path) -> None:
    with pytest.raises(SegdepthError, match=r"not finite at iteration \d+ \(its pictures: train/"):
        train(tiny(optimizer={"name": "sgd", "lr": 1e30}), name="hot", root=tmp_path, accelerator="cpu")
    (folder,) = (tmp_path / "hot").iterdir()
    assert (folder / "not-finite.pt").is_file()
    assert not list((folder / "checkpoints").glob("*")), "no checkpoint holds what is broken"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 truncated", b"\x80\x04\x95cos\nsystem\n."])
def test_a_broken_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "00000003.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"training\.resume: .*00000003\.pt"):
        train(tiny(resume=str(tmp_path)), name="x", root=tmp_path / "runs", accelerator="cpu")


def test_a_missing_checkpoint_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        train(tiny(resume=str(tmp_path / "nowhere")), name="x", root=tmp_path / "runs", accelerator="cpu")
    assert not (tmp_path / "runs").exists()


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_checkpoint_is_refused_and_the_one_before_is_offered(tmp_path: Path) -> None:
    whole = train(tiny(checkpoint_interval=2), name="whole", root=tmp_path, accelerator="cpu")
    files = sorted((whole.folder / "checkpoints").iterdir())
    assert [file.stem for file in files] == ["00000004", "00000006"], "the last two stay"
    flip_a_bit(files[1])
    with pytest.raises(CheckpointError, match=r"damaged: .*training\.resume=.*00000004\.pt"):
        train(tiny(resume=str(whole.folder)), name="whole", root=tmp_path, accelerator="cpu")
    before = scalars(whole.folder)
    again = train(tiny(resume="auto", checkpoint_interval=2), name="whole", root=tmp_path, accelerator="cpu")
    assert again.folder == whole.folder, "auto passes over the damaged one"
    assert scalars(again.folder) == before


def test_resume_auto_begins_where_there_is_nothing(tmp_path: Path) -> None:
    first = train(tiny(resume="auto", train_iters=2), name="x", root=tmp_path, accelerator="cpu")
    second = train(tiny(resume="auto"), name="x", root=tmp_path, accelerator="cpu")
    assert first.folder == second.folder
    whole = train(tiny(), name="whole", root=tmp_path, accelerator="cpu")
    # the first run validated at its own end as well
    assert [line for line in scalars(second.folder) if line["step"] != 2] == [
        line for line in scalars(whole.folder) if line["step"] != 2
    ]


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


def test_parts_of_a_batch_give_the_gradient_of_the_whole(tmp_path: Path) -> None:
    """Of a network without batch norm and dropout."""
    results = []
    for parts in (1, 4):
        config = tiny("seg", batch_size=4, accumulation=parts, train_iters=2, optimizer={"name": "sgd", "lr": 1e-2})
        config = config.model_copy(update={"model": ModelSection(arch="dispnet", width=0.125)})
        results.append(train(config, name=f"parts{parts}", root=tmp_path, accelerator="cpu"))
    one, four = (newest(result.folder)["model_state"] for result in results)
    assert all(torch.allclose(four[name], value, rtol=1e-4, atol=1e-6) for name, value in one.items())


def test_the_gradient_is_clipped(tmp_path: Path) -> None:
    start = newest(train(tiny(train_iters=1, val_interval=1, optimizer={"name": "sgd", "lr": 1e-30}),
                         name="start", root=tmp_path, accelerator="cpu").folder)["model_state"]  # fmt: skip
    clipped = newest(
        train(tiny(train_iters=1, val_interval=1, clip_grad_norm=0.25, optimizer={"name": "sgd", "lr": 1.0}),
              name="clipped", root=tmp_path, accelerator="cpu").folder
    )["model_state"]  # fmt: skip
    learned = [name for name in start if "running" not in name and "num_batches" not in name]
    moved = torch.cat([(clipped[name] - start[name]).flatten().double() for name in learned])
    assert float(moved.norm()) == pytest.approx(0.25, rel=1e-3)


def test_the_average_is_what_is_validated_and_kept(tmp_path: Path) -> None:
    result = train(tiny(ema_decay=0.5, train_iters=3), name="x", root=tmp_path, accelerator="cpu")
    content = newest(result.folder)
    kept = load_network(result.folder).state_dict()
    assert all(torch.equal(kept[name], value) for name, value in content["averaged_state"].items())
    assert not torch.equal(kept["head.weight"], content["model_state"]["head.weight"])


def test_a_run_that_gets_no_better_stops_early(tmp_path: Path) -> None:
    config = tiny(train_iters=50, val_interval=1, early_stop_patience=2, optimizer={"name": "sgd", "lr": 1e-30})
    result = train(config, name="x", root=tmp_path, accelerator="cpu")
    validations = [line["step"] for line in scalars(result.folder) if line["event"] == "validation"]
    assert len(validations) < 10
    before = scalars(result.folder)
    again = tiny(train_iters=50, val_interval=1, early_stop_patience=2, optimizer={"name": "sgd", "lr": 1e-30},
                 resume=str(result.folder))  # fmt: skip
    train(again, name="x", root=tmp_path, accelerator="cpu")
    assert scalars(result.folder) == before, "it stays stopped"


def test_half_precision_learns_and_goes_on_exactly(tmp_path: Path) -> None:
    whole = train(tiny(precision="bf16-mixed"), name="whole", root=tmp_path, accelerator="cpu")
    train(tiny(precision="bf16-mixed", train_iters=3), name="cut", root=tmp_path, accelerator="cpu")
    resumed = train(tiny(precision="bf16-mixed", resume="auto"), name="cut", root=tmp_path, accelerator="cpu")
    assert_same_state(whole.folder, resumed.folder)
    assert all(value.dtype != torch.bfloat16 for value in newest(whole.folder)["model_state"].values())


@pytest.mark.parametrize("arch", ["fcn8s", "frrnA", "segnet", "deeplab", "dispnet", "fcrn"])
def test_every_network_trains_with_deterministic_operations_alone(arch: str, tmp_path: Path) -> None:
    config = tiny("seg", deterministic=True, train_iters=1, val_interval=1)
    config = config.model_copy(update={"model": ModelSection(arch=arch, width=0.125)})
    seen: list[bool] = []

    class Looking(Impatient):
        def step(self, step: int, loss: float | None, rate: float) -> None:
            seen.append(torch.are_deterministic_algorithms_enabled())

    train(config, name="x", root=tmp_path, accelerator="cpu", progress=Looking(9))
    assert seen == [True]
    assert not torch.are_deterministic_algorithms_enabled(), "the flag is left as it was"


def test_half_precision_with_loss_scaling_is_refused_on_a_cpu(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="16-mixed is for GPUs"):
        train(tiny(precision="16-mixed"), name="x", root=tmp_path, accelerator="cpu")


def test_a_resumed_run_still_knows_its_best(tmp_path: Path) -> None:
    first = train(tiny(train_iters=3), name="x", root=tmp_path, accelerator="cpu")
    again = train(tiny(train_iters=3, resume=str(first.folder)), name="x", root=tmp_path, accelerator="cpu")
    assert first.best is not None
    assert again.best is not None
    assert again.best.scores == first.best.scores
    with pytest.raises(CheckpointError, match=r"weights only, which training\.init_from"):
        train(tiny(resume=str(first.folder / "best.safetensors")), name="x", root=tmp_path, accelerator="cpu")


def test_a_wrong_number_of_class_weights_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    config = tiny("seg", loss={"name": "cross_entropy", "weight": [1.0, 2.0]})
    with pytest.raises(ConfigError, match=r"training\.loss\.weight has 2 numbers, but synthetic has \d+ classes"):
        train(config, name="x", root=tmp_path / "runs", accelerator="cpu")
    assert not (tmp_path / "runs").exists()


def test_uneven_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"batch_size is 5.*1 processes x 2 parts.*4 could"):
        train(tiny(batch_size=5, accumulation=2), name="x", root=tmp_path, accelerator="cpu")


def test_batch_norm_is_not_synchronised_on_a_cpu(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sync_batch_norm"):
        train(tiny(sync_batch_norm=True), name="x", root=tmp_path, accelerator="cpu")


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


def test_options_that_change_on_resuming_are_the_ones_in_force(tmp_path: Path) -> None:
    half = train(tiny(train_iters=3), name="half", root=tmp_path, accelerator="cpu").folder
    other = {"name": "adam", "lr": 1e-3, "weight_decay": 0.25, "betas": [0.5, 0.6]}
    train(tiny(resume=str(half), optimizer=other), name="half", root=tmp_path, accelerator="cpu")
    (group,) = newest(half)["optimizer_state"]["param_groups"]
    assert (group["weight_decay"], tuple(group["betas"])) == (0.25, (0.5, 0.6))


def test_a_schedule_that_does_not_fit_the_run_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    schedule = {"name": "poly_lr", "max_iter": 1, "warmup_iters": 5}
    run = train(tiny(train_iters=2, lr_schedule=schedule), name="run", root=tmp_path, accelerator="cpu").folder
    assert "the warm-up of 5 updates is not over" in caplog.text
    assert "max_iter is 1, the learning rate is 0 from there" in caplog.text
    with caplog.at_level("INFO"):
        train(tiny(train_iters=1, resume=str(run)), name="run", root=tmp_path, accelerator="cpu")
    assert "nothing is left to do: 2 updates are done" in caplog.text


def test_what_came_after_an_older_checkpoint_is_set_aside(tmp_path: Path) -> None:
    config = {"checkpoint_interval": 2, "keep_checkpoints": 3, "val_interval": 2, "print_interval": 2}
    whole = train(tiny(**config), name="run", root=tmp_path, accelerator="cpu").folder
    kept = shutil.copytree(whole, tmp_path / "kept")
    older = str(whole / "checkpoints/00000002.pt")
    again = train(
        tiny(**config | {"keep_checkpoints": 1, "resume": older}), name="run", root=tmp_path, accelerator="cpu"
    )
    assert again.folder == whole
    assert [p.name for p in sorted((whole / "checkpoints").glob("*.pt"))] == ["00000006.pt"]
    assert [p.name for p in sorted((whole / "checkpoints/abandoned").iterdir())] == ["00000004.pt", "00000006.pt"]
    states = newest(kept), newest(whole)
    for name, value in states[0]["model_state"].items():
        assert torch.equal(value, states[1]["model_state"][name]), name
    assert scalars(kept) == scalars(whole)
    best = read_card(whole / "best.safetensors").scores["abs_rel"]
    assert best == states[1]["state"]["best"]


def test_weights_that_are_not_finite_are_never_kept(tmp_path: Path) -> None:
    wild = {"optimizer": {"name": "sgd", "lr": 1e39}, "lr_schedule": None, "train_iters": 1}
    with pytest.raises(SegdepthError, match="weights are not finite after iteration 1"):
        train(tiny(**wild), name="run", root=tmp_path, accelerator="cpu")
    (folder,) = (tmp_path / "run").iterdir()
    assert not list(folder.glob("checkpoints/*.pt"))
    assert not (folder / "best.safetensors").exists()
    with pytest.raises(CheckpointError, match="kept to look at"):
        train(tiny(resume=str(folder / "not-finite.pt"), **wild), name="run", root=tmp_path, accelerator="cpu")


def test_ctrl_c_on_the_heels_of_a_nan_says_nan(tmp_path: Path) -> None:
    wild = {"optimizer": {"name": "sgd", "lr": 1e30}, "lr_schedule": None, "print_interval": 100, "val_interval": 100}
    with pytest.raises(SegdepthError, match=r"not finite.*not-finite\.pt"):
        train(tiny(train_iters=50, **wild), name="run", root=tmp_path, accelerator="cpu", progress=Impatient(after=4))


def test_a_refused_resume_changes_nothing(tmp_path: Path) -> None:
    run = train(tiny(train_iters=3), name="run", root=tmp_path, accelerator="cpu").folder
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    damaged = run / "checkpoints/00000003.pt"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="truncated"):
        train(
            tiny(resume=str(run), optimizer={"name": "adam", "lr": 0.5}), name="run", root=tmp_path, accelerator="cpu"
        )
    damaged.write_bytes(before[damaged])
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("data", "num_images", 7), ("data", "seed", 3), ("data", "val_split", "train"),
     ("training", "augmentations", {"hflip": 0.5, "gamma": 0.1})],
)  # fmt: skip
def test_another_experiment_does_not_go_on(section: str, key: str, value: object, tmp_path: Path) -> None:
    config = tiny(train_iters=1, augmentations={"gamma": 0.1, "hflip": 0.5})
    run = train(config, name="run", root=tmp_path, accelerator="cpu").folder
    values = config_to_dict(config)
    values["training"] |= {"resume": str(run), "train_iters": 2}
    values[section][key] = value
    with pytest.raises(ConfigError, match=f"{section}.{key} is"):
        train(check_config(values), name="run", root=tmp_path, accelerator="cpu")


def test_resume_auto_does_not_fall_back_to_the_run_before(tmp_path: Path) -> None:
    first = train(tiny(train_iters=2), name="run", root=tmp_path, accelerator="cpu").folder
    second = first.with_name(first.name + "-later")
    second.mkdir()
    shutil.copy(first / "config.yaml", second)
    third = train(tiny(train_iters=2, resume="auto"), name="run", root=tmp_path, accelerator="cpu").folder
    assert third not in (first, second)


def test_a_picture_that_cannot_be_read_loses_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = iter(range(100))

    def failing(self: Synthetic, index: int) -> Sample:
        if next(reads) >= 6:
            raise DataError("a picture is broken")
        return original(self, index)

    original = Synthetic.__getitem__
    monkeypatch.setattr(Synthetic, "__getitem__", failing)
    with pytest.raises(DataError):
        train(tiny(val_interval=6), name="run", root=tmp_path, accelerator="cpu")
    (folder,) = (tmp_path / "run").iterdir()
    assert newest(folder)["state"]["step"] == 3


@pytest.mark.parametrize(
    ("key", "value"), [("state", {"step": "x"}), ("optimizer_state", [1]), ("model_state", {"a": torch.zeros(1)})]
)
def test_a_checkpoint_of_other_types_is_refused(key: str, value: object, tmp_path: Path) -> None:
    run = train(tiny(train_iters=1), name="run", root=tmp_path, accelerator="cpu").folder
    path = find_checkpoint(run)
    torch.save(torch.load(path, weights_only=True) | {key: value}, path)
    with pytest.raises(SegdepthError, match=r"training\.resume"):
        train(tiny(resume=str(path)), name="run", root=tmp_path, accelerator="cpu")
