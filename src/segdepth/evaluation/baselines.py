"""What can be scored without looking at the picture: the floor that a network has to beat.

``constant``: the training split's most frequent class, or its median depth, everywhere. ``position``: the most
frequent class, or the median depth, at each place of the picture (on a coarse grid), which knows that the road is below and
the sky above.
"""

from collections.abc import Mapping

import numpy as np
import torch

from segdepth.data.sample import Dataset
from segdepth.geometry.resize import resize_nearest
from segdepth.kinds import KINDS
from segdepth.kinds.kind import Truth
from segdepth.tasks import Task

from .answers import Answer
from .scoring import MakeScores

__all__ = ["Baselines", "baseline_maps", "evaluate_baselines"]

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


class Baselines:
    """Scores the baselines of a training split on the samples that it is shown, under the protocol of whoever answers them.

    Args:
        training: the split that the baselines learn from.
        scored: the split that they are scored on.
        task: what is scored.
        make: the metric, where it is not the data set's own.
    """

    def __init__(self, training: Dataset, scored: Dataset, task: Task, make: MakeScores | None = None) -> None:
        self._maps = baseline_maps(training, task.target)
        self._metrics = {baseline: (make or task.make_metric)(scored) for baseline in self._maps}

    def __call__(self, answer: Answer) -> None:
        """Be shown an answer, of which only the truth is looked at."""
        truth = answer.truth.cpu()
        for baseline, coarse in self._maps.items():
            guess = torch.from_numpy(resize_nearest(coarse, (truth.shape[0], truth.shape[1])))
            self._metrics[baseline].update(guess[None], truth[None])

    def scores(self) -> dict[str, dict[str, float | None]]:
        """By the baseline's name."""
        return {baseline: metric.compute() for baseline, metric in self._metrics.items()}


def evaluate_baselines(training: Dataset, scored: Dataset, task: Task) -> dict[str, dict[str, float | None]]:
    """The baselines' scores on a data set that nobody else answers.

    Args:
        training: the split that the baselines learn from.
        scored: the split that they are scored on.
        task: what is scored.

    Returns:
        By the baseline's name.
    """
    baselines = Baselines(training, scored, task)
    for index, name in enumerate(scored.names):
        truth = torch.from_numpy(scored[index].truth(task.target))
        baselines(Answer(name, truth, truth))
    return baselines.scores()
