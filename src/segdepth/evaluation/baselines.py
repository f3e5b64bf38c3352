"""What can be scored without looking at the picture: the floor that a network has to beat.

``constant``: the training split's most frequent class, or its median depth, everywhere. ``position``: the most
frequent class, or the median depth, at each place of the picture (on a coarse grid), which knows that the road is below and
the sky above.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from segdepth.data.sample import Dataset
from segdepth.geometry.resize import resize_nearest
from segdepth.kinds import KINDS
from segdepth.kinds.kind import Truth
from segdepth.tasks import Task

from .answers import Answer

__all__ = ["baseline_answers", "baseline_maps", "evaluate_baselines"]

#: Rows and columns of the coarse grid of places.
GRID = (32, 104)
#: Training samples that are looked at, evenly spread; more change nothing that matters.
MAX_SAMPLES = 200


def baseline_maps(training: Dataset, target: str) -> Mapping[str, Truth]:
    """Answers on the coarse grid: train ids (uint8) or metres (float32), by the baseline's name."""
    indices = np.unique(np.linspace(0, len(training) - 1, min(len(training), MAX_SAMPLES)).astype(int))
    truths = (training[int(k)].truth(target) for k in indices)
    coarse = np.stack([resize_nearest(truth, GRID) for truth in truths])
    return KINDS[target].guesses(coarse)


def baseline_answers(maps: Mapping[str, Truth], dataset: Dataset, target: str) -> Iterator[tuple[str, Answer]]:
    """Each sample, read once, answered by each baseline.

    Args:
        maps: of :func:`baseline_maps`.
        dataset: that is answered.
        target: kind of truth.
    """
    for index, name in enumerate(dataset.names):
        truth = dataset[index].truth(target)
        for baseline, answer in maps.items():
            guess = resize_nearest(answer, (truth.shape[0], truth.shape[1]))
            yield baseline, Answer(name, torch.from_numpy(guess), torch.from_numpy(truth))


def evaluate_baselines(training: Dataset, scored: Dataset, task: Task) -> dict[str, dict[str, float | None]]:
    """The baselines' scores on a data set, by the baseline's name, under the same protocol as a network's.

    Args:
        training: the split that the baselines learn from.
        scored: the split that they are scored on.
        task: what is scored.
    """
    maps = baseline_maps(training, task.target)
    metrics = {baseline: task.make_metric(scored) for baseline in maps}
    for baseline, answer in baseline_answers(maps, scored, task.target):
        metrics[baseline].update(answer.answer[None], answer.truth[None])
    return {baseline: metric.compute() for baseline, metric in metrics.items()}
