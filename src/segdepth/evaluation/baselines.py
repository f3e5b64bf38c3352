"""What can be scored without looking at the picture: the floor that a network has to beat.

``constant``: the training split's most frequent class, or its median depth, everywhere. ``position``: the most
frequent class, or the median depth, at each place of the picture (on a coarse grid), which knows that the road is below and
the sky above.
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Shaped
from numpy import ndarray

from segdepth.data.sample import Dataset
from segdepth.geometry.resize import resize_nearest
from segdepth.kinds import KINDS
from segdepth.tasks import Task

__all__ = ["baseline_maps", "evaluate_baselines"]

#: Rows and columns of the coarse grid of places.
GRID = (32, 104)
#: Training samples that are looked at, evenly spread; more change nothing that matters.
MAX_SAMPLES = 200


def baseline_maps(training: Dataset, target: str) -> Mapping[str, Shaped[ndarray, "h w"]]:
    """Answers on the coarse grid: train ids (uint8) or metres (float32), by the baseline's name."""
    indices = np.unique(np.linspace(0, len(training) - 1, min(len(training), MAX_SAMPLES)).astype(int))
    truths = (training[int(k)].truth(target) for k in indices)
    coarse = np.stack([resize_nearest(truth, GRID) for truth in truths])
    return KINDS[target].guesses(coarse)


def evaluate_baselines(training: Dataset, scored: Dataset, task: Task) -> dict[str, dict[str, float | None]]:
    """The baselines' scores on a data set, by the baseline's name, under the same protocol as a network's.

    Args:
        training: the split that the baselines learn from.
        scored: the split that they are scored on.
        task: what is scored.
    """
    maps = baseline_maps(training, task.target)
    metrics = {name: task.make_metric(scored) for name in maps}
    for index in range(len(scored)):
        truth = scored[index].truth(task.target)
        for name, answer in maps.items():
            guess = resize_nearest(answer, truth.shape)
            metrics[name].update(torch.from_numpy(guess)[None], torch.from_numpy(truth)[None])
    return {name: metric.compute() for name, metric in metrics.items()}
