"""Scores of a segmentation from one confusion matrix over the data set."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float64, Int64, Integer
from torch import Tensor

from segdepth.core.errors import InputError

from .scores import Scores

__all__ = ["SegmentationScores"]


class SegmentationScores(Scores):
    """Accuracy and intersection over union, from the counts of all pixels of all images.

    A truth that is no class is left out. A prediction that is no class counts as wrong: it never removes a
    pixel.

    Args:
        num_classes: train ids are 0..num_classes-1.
        class_names: one per class, for the names of the scores; None: the train ids.
        ignore_index: this value is left out even if it is a class.

    Raises:
        InputError: if there is not one name for each class.

    Source:
        Long, Shelhamer and Darrell 2015, arXiv:1411.4038, section 5.

    Example:
        >>> scores = SegmentationScores(2, class_names=["road", "sky"])
        >>> scores.update(torch.tensor([[[0, 0, 1]]]), torch.tensor([[[0, 1, 255]]]))
        >>> scores.compute()
        {'aAcc': 0.5, 'mAcc': 0.5, 'FWIoU': 0.25, 'mIoU': 0.25, 'IoU.road': 0.5, 'IoU.sky': 0.0}
    """

    counts: Tensor

    def __init__(
        self, num_classes: int, class_names: Sequence[str] | None = None, ignore_index: int | None = 255
    ) -> None:
        super().__init__()
        self.class_names = [str(i) for i in range(num_classes)] if class_names is None else list(class_names)
        if len(self.class_names) != num_classes:
            raise InputError(f"{len(self.class_names)} class names for {num_classes} classes")
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        # rows: truth; columns: prediction, and one more for predictions that are no class
        counts = torch.zeros(num_classes, num_classes + 1, dtype=torch.int64)
        self.add_state("counts", counts, dist_reduce_fx="sum")

    @property
    def confusion(self) -> Int64[Tensor, "c c"]:
        """Pixels of each true class (row) predicted as each class (column), on this process so far."""
        return self.counts[:, :-1]

    def update(self, prediction: Integer[Tensor, "b _h _w"], truth: Integer[Tensor, "b h w"]) -> None:
        """Count a batch.

        Args:
            prediction: train ids.
            truth: train ids; anything else = not labelled.

        Raises:
            InputError: if the two have different sizes.
        """
        if prediction.shape != truth.shape:
            raise InputError(
                f"prediction {tuple(prediction.shape)} and truth {tuple(truth.shape)} differ in size: "
                "segmentations are scored at the truth's size"
            )
        columns = self.num_classes + 1
        truth, prediction = truth.long().flatten(), prediction.long().flatten()
        labelled = self._is_class(truth)
        if self.ignore_index is not None:
            labelled = labelled & (truth != self.ignore_index)
        predicted = torch.where(self._is_class(prediction), prediction, self.num_classes)
        nowhere = self.counts.numel()
        cells = torch.where(labelled, truth * columns + predicted, nowhere)
        if cells.device.type == "cpu":
            self.counts += torch.bincount(cells, minlength=nowhere + 1)[:nowhere].view_as(self.counts)
        else:  # bincount waits there for the largest value, and is not deterministic
            counted = torch.cat([self.counts.view(-1), self.counts.new_zeros(1)])
            self.counts.copy_(counted.scatter_add_(0, cells, torch.ones_like(cells))[:nowhere].view_as(self.counts))

    def compute(self) -> dict[str, float | None]:
        """The scores as fractions 0..1; None where there was nothing to score.

        Returns:
            ``aAcc``: share of pixels that are right; ``mAcc``: mean over the classes in the truth of the
            share of their pixels that are right; ``FWIoU``: mean IoU weighted by the classes' pixels;
            ``mIoU``: mean over the classes in truth or prediction of ``IoU.<class>`` = right / (truth +
            prediction - right).
        """
        counts = self.counts.double()
        right, truth, predicted = counts.diagonal(), counts.sum(1), counts[:, :-1].sum(0)
        union = truth + predicted - right
        total = truth.sum()
        iou = right / union
        scores = {
            "aAcc": right.sum() / total,
            "mAcc": _mean(right / truth, truth > 0),
            "FWIoU": torch.where(truth > 0, truth * iou, 0).sum() / total,
            "mIoU": _mean(iou, union > 0),
        }
        scores |= {f"IoU.{name}": value for name, value in zip(self.class_names, iou, strict=True)}
        values = torch.stack(list(scores.values())).tolist()  # all at once: one copy from the device
        return {name: None if value != value else value for name, value in zip(scores, values, strict=True)}

    def describe(self) -> dict[str, Any]:
        """See :meth:`Scores.describe`."""
        return {"average": "one confusion matrix over all images"}

    def _is_class(self, ids: Int64[Tensor, " n"]) -> Bool[Tensor, " n"]:
        return (ids >= 0) & (ids < self.num_classes)


def _mean(values: Float64[Tensor, " c"], there: Bool[Tensor, " c"]) -> Float64[Tensor, ""]:
    """Mean of the values that are there; nan if none is."""
    return torch.where(there, values, 0).sum() / there.sum()
