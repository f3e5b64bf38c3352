"""Runs that are killed, shared by processes, and gone on with.

Each test is there twice: with processes that are split off from a ready one, and, slow, as a user starts them.
"""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import processes
from segdepth.config import load_config
from segdepth.config.splits import open_split
from segdepth.evaluation import evaluate
from segdepth.networks import load_network, read_card
from segdepth.tasks import TASKS
from segdepth.training import find_checkpoint

Start = Callable[..., processes.Running]


@pytest.fixture(params=["split off", pytest.param("started", marks=pytest.mark.slow)])
def start(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Start:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return processes.split_off if request.param == "split off" else processes.start


def write_config(folder: Path, arch: str, task: str, **training: Any) -> Path:
    """A small run with a dropout (FCRN), augmentation, averaged weights and workers."""
    settings = {"train_iters": 12, "batch_size": 4, "val_interval": 5, "print_interval": 2, "checkpoint_interval": 3,
                "n_workers": 1, "optimizer": {"name": "adam", "lr": 1e-3}, "augmentations": {"hflip": 0.5},
                "ema_decay": 0.9}  # fmt: skip
    config = {
        "model": {"arch": arch, "width": 0.125},
        "task": task,
        "data": {"dataset": "synthetic", "img_rows": 32, "img_cols": 64, "height": 64, "width": 128, "num_images": 7},
        "training": settings | training,
    }
    file = folder / f"{arch}_{task}.yml"
    file.write_text(yaml.safe_dump(config))
    return file


def command(config: Path, runs: Path, *overrides: str) -> list[str]:
    return ["train", "--config", str(config), "--runs", str(runs), "--device", "cpu", *overrides]


def run(start: Start, config: Path, runs: Path, *overrides: str, number: int = 1) -> Path:
    output = config.with_suffix(".txt")
    assert start(command(config, runs, *overrides), output, number).wait() == 0, output.read_text()
    return only_run(runs, config)


def only_run(runs: Path, config: Path) -> Path:
    (folder,) = (runs / config.stem).iterdir()
    return folder


def newest(folder: Path) -> dict[str, Any]:
    return dict(torch.load(find_checkpoint(folder), weights_only=True))


def assert_same(one: Path, other: Path) -> None:
    """Weights, averaged weights, optimizer, position and log, bit for bit."""
    a, b = newest(one), newest(other)
    assert a["state"] == b["state"]
    for kind in ("model_state", "averaged_state"):
        assert all(torch.equal(value, b[kind][name]) for name, value in a[kind].items())
    for mine, its in zip(*(s["optimizer_state"]["state"].values() for s in (a, b)), strict=True):
        assert all(torch.equal(mine[key], its[key]) for key in mine)
    assert (one / "log.jsonl").read_text() == (other / "log.jsonl").read_text()


def kill_at_a_random_moment(start: Start, arguments: list[str], folder: Path, config: Path, wait: float) -> bool:
    """SIGKILL the run ``wait`` seconds after it has written a new checkpoint; False if it came to its end before."""

    def files() -> set[str]:
        return {path.name for path in folder.glob(f"{config.stem}/*/checkpoints/*.pt") if path.stem.isdigit()}

    before = files()
    running = start(arguments, config.with_suffix(".txt"))
    while running.alive() and not files() - before:
        time.sleep(0.002)
    time.sleep(wait)
    if not running.alive():
        return False
    running.send(signal.SIGKILL)
    running.wait()
    return True


@pytest.mark.slow
def test_kill_9_changes_nothing(start: Start, tmp_path: Path) -> None:
    """Twice; ``make kills`` does it a hundred times."""
    updates = "training.train_iters=12"
    config = write_config(tmp_path, "fcrn", "depth")
    whole = run(start, config, tmp_path / "whole", updates)
    moments = random.Random(0)
    arguments = command(config, tmp_path / "cut", updates, "training.resume=auto")
    killed = sum(
        kill_at_a_random_moment(start, arguments, tmp_path / "cut", config, moments.uniform(0, 0.1)) for _ in range(2)
    )
    assert killed >= 1
    assert_same(whole, run(start, config, tmp_path / "cut", updates, "training.resume=auto"))
    print(f"killed {killed} times; the same bits")  # noqa: T201  shown by pytest -s


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_signal_ends_a_run_with_a_checkpoint(number: int, start: Start, tmp_path: Path) -> None:
    config = write_config(tmp_path, "fcrn", "seg", train_iters=100000, checkpoint_interval=100000, val_interval=100000)
    output = tmp_path / "output.txt"
    running = start(command(config, tmp_path), output)
    while "iteration 2:" not in output.read_text():
        assert running.alive(), output.read_text()
        time.sleep(0.02)
    running.send(number, to_group=False)
    assert running.wait() == 130
    assert "stopping after this update, again to stop now" in output.read_text()
    assert f"go on with training.resume={only_run(tmp_path, config)}" in output.read_text()
    assert newest(only_run(tmp_path, config))["state"]["step"] >= 2


LONG_UPDATES = """
import hashlib, sys, time
import segdepth.training.update as update
from segdepth.cli import main

once = update.Update.__call__

def long_update(self, batches, step, running):
    print("an update begins", file=sys.stderr, flush=True)
    once(self, batches, step, running)
    hashlib.pbkdf2_hmac("sha256", b"", b"", int(sys.argv[1]))  # one call outside of Python, like a long convolution

update.Update.__call__ = long_update
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ctrl_c_is_answered_inside_a_long_call_and_again_ends_it(number: int, tmp_path: Path) -> None:
    """The call would take an hour."""
    config = write_config(tmp_path, "dispnet", "seg", train_iters=100)
    arguments = [sys.executable, "-c", LONG_UPDATES, "2000000000", "train", "--config", str(config), "--runs", str(tmp_path),
                 "--device", "cpu"]  # fmt: skip
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line.rstrip())
            if line.startswith("an update begins"):
                time.sleep(1)
                process.send_signal(number)
            if "again to stop now" in line:
                time.sleep(1)
                process.send_signal(number)
    assert process.returncode == 128 + number
    assert said[-1] == "segdepth: stopped at once; what was written before is whole"
    assert said[-2].endswith("stopping after this update, again to stop now")


@pytest.mark.parametrize("task", ["seg", pytest.param("depth", marks=pytest.mark.slow)])
def test_two_processes_score_as_one(task: str, start: Start, tmp_path: Path) -> None:
    """Seven validation pictures, two processes, batches of four: shares of four and three, the last batch short."""
    config = write_config(tmp_path, "fcrn", task, train_iters=3, val_interval=3)
    folder = run(start, config, tmp_path, number=2)
    card = read_card(folder / "best.safetensors")
    checked = load_config(config)
    alone = evaluate(load_network(folder), open_split(checked, "val"), TASKS[task], size=(32, 64), batch_size=4)
    assert card.scores is not None
    assert card.protocol is not None
    assert card.protocol["files_scored"] == alone.protocol["files_scored"] == 7
    if task == "seg":
        assert card.scores == alone.scores, "one confusion matrix, to the last pixel"
    else:
        assert card.scores == pytest.approx(alone.scores, rel=1e-9)


@pytest.mark.slow
def test_processes_share_the_batch_and_may_change_in_number(start: Start, tmp_path: Path) -> None:
    """DispNet has neither batch norm nor dropout: two processes, two parts and one of each are one experiment."""
    config = write_config(tmp_path, "dispnet", "seg", train_iters=4, val_interval=4, checkpoint_interval=2)
    one = newest(run(start, config, tmp_path / "one"))
    two_folder = run(start, config, tmp_path / "two", number=2)
    two = newest(two_folder)
    begun = run(start, config, tmp_path / "moved", "training.train_iters=2", number=2)
    moved = newest(run(start, config, tmp_path / "moved", "training.accumulation=2", f"training.resume={begun}"))
    for name, value in one["model_state"].items():
        assert torch.allclose(two["model_state"][name], value, rtol=1e-4, atol=1e-6), name
        assert torch.allclose(moved["model_state"][name], value, rtol=1e-4, atol=1e-6), name
    lines = [json.loads(line) for line in (two_folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["event"] == "train"] == [2, 4], "the first process alone writes"


def test_a_batch_that_cannot_be_shared_is_refused(start: Start, tmp_path: Path) -> None:
    config, output = write_config(tmp_path, "fcrn", "seg", batch_size=3), tmp_path / "output.txt"
    assert start(command(config, tmp_path), output, 2).wait() != 0
    assert "segdepth: training.batch_size is 3" in output.read_text()
    assert not (tmp_path / config.stem).exists()
