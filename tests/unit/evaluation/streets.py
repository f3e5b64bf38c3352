"""A data set whose answers are wrong by known factors."""

from pathlib import Path

import numpy as np

from segdepth.data.labels import CITYSCAPES
from segdepth.data.sample import Dataset, Sample
from segdepth.drawing import write_depth_png16, write_png

SIZE = (20, 40)


class Streets(Dataset):
    """Four pictures with sparse depth and labels; picture k's answer below is wrong by k/10."""

    depth_range = (0.001, 80.0)
    classes = CITYSCAPES
    names = tuple(f"drive_02/{k:04d}" for k in range(4))

    def __init__(self) -> None:
        super().__init__(None, "test", frozenset({"labels", "depth"}))

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng(index)
        depth = np.where(rng.random(SIZE) < 0.5, rng.uniform(1, 100, SIZE), 0).astype(np.float32)
        labels = rng.integers(0, 19, SIZE).astype(np.uint8)
        return Sample(
            rng.integers(0, 255, (*SIZE, 3)).astype(np.uint8), self.names[index], {"labels": labels, "depth": depth}
        )


def guess(index: int) -> np.ndarray:
    return np.maximum(Streets()[index].truth("depth"), 1) * np.float32(1 + index / 10)


def write_answers(folder: Path, task: str) -> None:
    """Depth that is wrong by a factor, or labels whose first rows are road, as files by name."""
    folder.mkdir(parents=True, exist_ok=True)
    data = Streets()
    for k, name in enumerate(data.names):
        file = folder / f"{name.replace('/', '_')}.png"
        if task == "depth":
            write_depth_png16(file, guess(k))
        else:
            labels = data[k].truth("labels").copy()
            labels[: 4 * k] = 0
            write_png(file, CITYSCAPES.to_label_id[labels])
