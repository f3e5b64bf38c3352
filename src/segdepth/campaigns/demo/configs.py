"""What the demonstration trains: its two configurations, and the size of its world."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segdepth.config import Config, check_config

__all__ = ["demo_configs", "demo_images"]


def demo_images(*, quick: bool = False) -> int:
    """Training pictures of the demonstration's world; an eighth as many are for validation."""
    return 96 if quick else 400


@dataclass(frozen=True)
class _Plan:
    """What the two tasks' trainings differ in, and the short form's from the whole one's."""

    loss: Mapping[str, Any]
    batch_size: int
    lr: float
    updates: int
    quick_updates: int


#: Measured, with what was tried beside it: docs/log.md.
_PLANS = {
    "seg": _Plan({"name": "cross_entropy"}, batch_size=2, lr=3e-3, updates=1320, quick_updates=140),
    "depth": _Plan(
        {"name": "scale_invariant_loss", "lambda_weight": 0.0}, batch_size=4, lr=4e-3, updates=1260, quick_updates=100
    ),
}

#: Validations of a run, and of a quick one: answers to look at, every half minute or so.
_VALIDATIONS, _QUICK_VALIDATIONS = 6, 2


def demo_configs(world: Path, *, seed: int = 1337, quick: bool = False) -> dict[str, Config]:
    """The two configurations of the demonstration: one network, one world, a loss and a schedule for each task.

    Args:
        world: where its pictures are.
        seed: of first weights and order of pictures.
        quick: for a minute in all; the answers are worse.
    """
    configs = {}
    for task, plan in _PLANS.items():
        updates = plan.quick_updates if quick else plan.updates
        configs[task] = check_config(
            {
                "model": {"arch": "fcn8s", "width": 0.125},
                "task": task,
                "data": {
                    "dataset": "cityscapes",
                    "path": str(world),
                    "img_rows": 128,
                    "img_cols": 416,
                    "cache": str(world / "cache"),
                },
                "training": {
                    "train_iters": updates,
                    "batch_size": plan.batch_size,
                    "val_interval": updates // (_QUICK_VALIDATIONS if quick else _VALIDATIONS),
                    "checkpoint_interval": 100,
                    "n_workers": 0,  # the two trainings beside each other fill two cores
                    "print_interval": max(1, updates // 30),
                    "loss": dict(plan.loss),
                    "optimizer": {"name": "adamw", "lr": plan.lr, "weight_decay": 1e-4},
                    "augmentations": {"hflip": 0.5},
                    "lr_schedule": {"name": "poly_lr", "warmup_iters": 50},
                },
                "seed": seed,
            }
        )
    return configs
