"""Small runs, and what they leave behind."""

import json
from pathlib import Path
from typing import Any

import torch

from segdepth.config import Config, check_config
from segdepth.networks import Network, load_network
from segdepth.tasks import create_network
from segdepth.training import find_checkpoint


def tiny(task: str = "depth", **training: Any) -> Config:
    settings = {"train_iters": 6, "val_interval": 3, "augmentations": {"hflip": 0.5}}
    return small("fcrn", task, **settings | training)


def small(arch: str, task: str, **training: Any) -> Config:
    """A configuration whose network and pictures are as small as they may be."""
    settings = {"batch_size": 2, "print_interval": 1, "n_workers": 0, "optimizer": {"name": "adam", "lr": 1e-3}}
    return check_config(
        {
            "model": {"arch": arch, "width": 0.125},
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


class Impatient:
    """Presses Ctrl-C after some updates."""

    def __init__(self, after: int) -> None:
        self.after = after

    def start(self, step: int, total: int) -> None: ...

    def step(self, step: int, loss: float | None, rate: float) -> None:
        if step == self.after:
            raise KeyboardInterrupt

    def validating(self, done: int, total: int) -> None: ...


def tiny_network() -> Network:
    """That of a tiny run."""
    return create_network("fcrn", "seg", width=0.125)
