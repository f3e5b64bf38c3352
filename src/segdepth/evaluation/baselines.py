"""What can be scored without looking at the picture: the floor that a network has to beat.

``constant``: the training split's most frequent class, or its median depth, everywhere. ``position``: the most
frequent class, or the median depth, at each place of the picture (on a coarse grid), which knows that the road is below and
the sky above.
"""

import warnings
from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Shaped
from numpy import ndarray

from segdepth.data.sample import Dataset
from segdepth.geometry.resize import resize_nearest
from segdepth.kinds import IGNORE
from segdepth.tasks import Task

__all__ = ["baseline_maps", "evaluate_baselines"]

#: Rows and columns of the coarse grid of places.
GRID = (32, 104)
#: Training samples that are looked at, evenly spread; more change nothing that matters.
MAX_SAMPLES = 200


def baseline_maps(training: Dataset, target: str) -> dict[str, Shaped[ndarray, "h w"]]:
    """Answers on the coarse grid: train ids (uint8) or metres (float32), by the baseline's name."""
    indices = np.unique(np.linspace(0, len(training) - 1, min(len(training), MAX_SAMPLES)).astype(int))
    truths = (training[int(k)].truth(target) for k in indices)
    coarse = np.stack([resize_nearest(truth, GRID) for truth in truths])
    return _frequent_classes(coarse) if target == "labels" else _median_depths(coarse)


def _frequent_classes(coarse: Shaped[ndarray, "n h w"]) -> dict[str, Shaped[ndarray, "h w"]]:
    counts = np.stack([(coarse == k).sum(0) for k in range(int(coarse[coarse != IGNORE].max(initial=0)) + 1)])
    return {
        "constant": np.full(GRID, counts.sum((1, 2)).argmax(), np.uint8),
        "position": counts.argmax(0).astype(np.uint8),
    }


def _median_depths(coarse: Shaped[ndarray, "n h w"]) -> dict[str, Shaped[ndarray, "h w"]]:
    measured = np.where(coarse > 0, coarse, np.nan)
    with warnings.catch_warnings():  # a place that was never measured has no median; it is filled below
        warnings.simplefilter("ignore", RuntimeWarning)
        overall = np.nanmedian(measured)
        rows = np.nanmedian(measured, axis=(0, 2))
        places = np.nanmedian(measured, axis=0)
    # a place, or a whole row, without any measurement takes the next coarser median
    rows = np.where(np.isnan(rows), overall, rows)
    position = np.where(np.isnan(places), rows[:, None], places)
    return {"constant": np.full(GRID, overall, np.float32), "position": position.astype(np.float32)}


def evaluate_baselines(training: Dataset, scored: Dataset, task: Task) -> dict[str, dict[str, float | None]]:
    """The baselines' scores on a data set, by the baseline's name, under the same protocol as a network's.

    Args:
        training: the split that the baselines learn from.
        scored: the split that they are scored on.
        task: what is scored.
    """
    maps = baseline_maps(training, task.target)
    metrics = {name: task.make_metric(scored) for name in maps}
    for truth in _truths(scored, task.target):
        for name, answer in maps.items():
            guess = torch.from_numpy(resize_nearest(answer, truth.shape))
            if task.target == "labels":
                guess = guess.long()
            metrics[name].update(guess[None], torch.from_numpy(truth)[None])
    return {name: metric.compute() for name, metric in metrics.items()}


def _truths(dataset: Dataset, target: str) -> Iterable[Shaped[ndarray, "h w"]]:
    for index in range(len(dataset)):
        truth = dataset[index].truth(target)
        yield truth.astype(np.int64) if target == "labels" else truth
