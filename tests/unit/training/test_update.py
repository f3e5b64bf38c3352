"""The gradient of an update is that of its whole batch, and as long as it may be."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from segdepth.config.schema import ModelSection
from segdepth.training import train
from segdepth.training.update import seed_step

from .tiny import newest, tiny

pytestmark = pytest.mark.usefixtures("frames_drawn_once")


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


def test_what_anybody_draws_follows_from_the_step() -> None:
    def drawn(step: int) -> list[float]:
        seed_step(3, step)
        return [torch.rand(()).item(), random.random(), np.random.rand()]

    first, second = drawn(1), drawn(2)
    assert drawn(1) == first
    assert all(one != other for one, other in zip(first, second, strict=True))
