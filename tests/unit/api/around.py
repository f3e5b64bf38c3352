"""A small world, and small networks for it."""

from typing import Any

from torch import Tensor, nn

from segdepth import wrap
from segdepth.networks import Network

#: The data section of a world of four small pictures.
DATA: dict[str, Any] = {
    "dataset": "synthetic",
    "num_images": 4,
    "height": 37,
    "width": 124,
    "img_rows": 32,
    "img_cols": 96,
}


def config(task: str = "depth", **training: Any) -> dict[str, Any]:
    """A run of two updates."""
    once = {"train_iters": 2, "batch_size": 2, "n_workers": 0, "val_interval": 1, "checkpoint_interval": 1}
    return {"model": {"arch": "segnet", "width": 0.125}, "task": task, "data": DATA, "training": once | training}


class Mine(nn.Module):
    """A module of somebody's own."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Conv2d(4, channels, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"out": self.head(self.backbone(x))}


def mine(task: str = "depth", **said: Any) -> Network:
    return wrap(Mine(19 if task == "seg" else 1), task=task, **({"classes": 19} if task == "seg" else {}), **said)
