"""What the mean hides: the score of every picture, and depth errors by distance."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor
from torchmetrics import Metric

from segdepth.data.sample import Dataset, Sample
from segdepth.geometry.crops import crop_window
from segdepth.metrics import DepthProtocol, DepthScores
from segdepth.tasks import Task

__all__ = ["BANDS_M", "Detail", "Picked"]

#: Edges of the distance bands, metres.
BANDS_M = (0.0, 10.0, 20.0, 30.0, 50.0, 80.0)


class Detail:
    """Scores of single pictures, and sums over pixels by distance; fed by the loop.

    Args:
        dataset: that is scored.
        task: what is scored.
        make_metric: other than the task's own.
    """

    def __init__(self, dataset: Dataset, task: Task, make_metric: Callable[[Dataset], Metric] | None = None) -> None:
        self.task = task
        self._make_metric = make_metric or task.make_metric
        self.pictures: dict[str, dict[str, float | None]] = {}
        self._dataset = dataset
        # number of pixels, of |error| / truth, of error^2, of error
        self._bands = np.zeros((len(BANDS_M) - 1, 4))

    def __call__(self, name: str, answer: Shaped[Tensor, "h w"], truth: Shaped[Tensor, "h w"]) -> None:
        """Take in one picture: train ids, or metres."""
        metric = self._make_metric(self._dataset).to(truth.device)
        metric.update(answer[None], truth[None])
        self.pictures[name] = metric.compute()
        if isinstance(metric, DepthScores):
            self._add_bands(answer.double(), truth.double(), metric.protocol)

    def _add_bands(self, answer: Tensor, truth: Tensor, protocol: DepthProtocol) -> None:
        window = crop_window(protocol.crop, *truth.shape)
        p, g = answer[window], truth[window]
        valid = (g > protocol.min_depth) & (g < protocol.max_depth)
        p, g = p[valid], g[valid]
        if protocol.scaling == "median" and len(g):
            p = p * (g.quantile(0.5) / p.quantile(0.5))
        error = p.clamp(protocol.min_depth, protocol.max_depth) - g
        edges = torch.tensor(BANDS_M[1:-1], dtype=g.dtype, device=g.device)
        band = torch.bucketize(g, edges)
        values = torch.stack([torch.ones_like(g), error.abs() / g, error.square(), error], dim=1)
        sums = torch.zeros(len(BANDS_M) - 1, 4, dtype=g.dtype, device=g.device).index_add_(0, band, values)
        self._bands += sums.cpu().numpy()

    def bands(self) -> dict[str, dict[str, float | None]]:
        """Errors of all pixels in each distance band; None where it has none.

        Returns:
            By "0-10 m" and so on: ``pixels`` (share of all), ``abs_rel``, ``rmse`` in metres, ``bias`` (mean of prediction
            minus truth) in metres.
        """
        total = self._bands[:, 0].sum()
        rows: dict[str, dict[str, float | None]] = {}
        for low, high, (n, relative, square, error) in zip(
            BANDS_M[:-1], BANDS_M[1:], self._bands.tolist(), strict=True
        ):
            none = n == 0
            rows[f"{low:g}-{high:g} m"] = {
                "pixels": None if total == 0 else n / total,
                "abs_rel": None if none else relative / n,
                "rmse": None if none else (square / n) ** 0.5,
                "bias": None if none else error / n,
            }
        return rows

    def worst(self, count: int) -> list[str]:
        """Names of the pictures with the worst score, the worst first; those without a score are not among them."""
        score = self.task.best_score
        scored = [(value, name) for name, scores in self.pictures.items() if (value := scores[score]) is not None]
        return [name for _, name in sorted(scored, reverse=not self.task.higher_is_better)[:count]]


class Picked(Dataset):
    """Some samples of a data set.

    Args:
        dataset: all of them.
        names: those wanted, in this order.
    """

    def __init__(self, dataset: Dataset, names: Sequence[str]) -> None:
        super().__init__(dataset.path, dataset.split, dataset.targets)
        self.classes, self.depth_range, self.crop = dataset.classes, dataset.depth_range, dataset.crop
        place = {name: index for index, name in enumerate(dataset.names)}
        self._dataset = dataset
        self._indices = [place[name] for name in names]
        self.names = list(names)

    def __getitem__(self, index: int) -> Sample:
        """Sample number ``index`` of those picked."""
        return self._dataset[self._indices[index]]

    def sources(self, index: int) -> Sequence[Path]:
        """The files of a sample."""
        return self._dataset.sources(self._indices[index])
