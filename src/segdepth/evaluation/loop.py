"""Scores of a network over a data set, at the truth's own size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torchmetrics import Metric

from segdepth.data.loading import Batch, EvaluationView, batches, evaluation_loader
from segdepth.data.sample import Dataset
from segdepth.networks import Network, resize_output
from segdepth.tasks import Task

__all__ = ["Evaluation", "evaluate", "protocol_of"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores, and how they were taken.

    Attributes:
        scores: by plain name; None where a score is undefined (a class that never occurs).
        protocol: plain data: data set, split, number of images, sizes, crop, depth range, resizing.
    """

    scores: dict[str, float | None]
    protocol: dict[str, Any]


def protocol_of(dataset: Dataset, task: Task, size: tuple[int, int] | None) -> dict[str, Any]:
    """How scores on a data set are taken, as plain data to be stored beside them."""
    protocol: dict[str, Any] = {
        "dataset": type(dataset).__name__,
        "split": dataset.split,
        "images": len(dataset),
        "network_size": None if size is None else list(size),
        "resize": "output resized bilinearly to the truth's size",
    }
    if task.target == "depth":
        assert dataset.depth_range is not None
        protocol |= {
            "crop": dataset.crop,
            "min_depth_m": dataset.depth_range[0],
            "max_depth_m": dataset.depth_range[1],
            "scaling": "none",
            "clip": "prediction clipped to the depth range",
            "average": "per image, then over images",
        }
    else:
        protocol |= {"average": "one confusion matrix over all images"}
    return protocol


@torch.no_grad()
def evaluate(
    net: Network,
    dataset: Dataset,
    task: Task,
    *,
    size: tuple[int, int],
    batch_size: int = 4,
    n_workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score a network on every sample of a data set. The network's mode is left as it was.

    Args:
        net: on the device where the work is to be done.
        dataset: with the task's truth.
        task: what is scored.
        size: rows and columns that pictures are resized to.
        batch_size: pictures per forward pass.
        n_workers: processes that load pictures.
        progress: called with (images done, images in all).
    """
    device = net.preprocessing.scale.device
    metric = task.make_metric(dataset).to(device)
    loader = evaluation_loader(
        EvaluationView(dataset, size),
        task.target,
        batch_size=batch_size,
        n_workers=n_workers,
        pin_memory=device.type == "cuda",
    )
    was_training = net.training
    net.eval()
    done = 0
    try:
        for batch in batches(loader, device):
            _score(net, batch, metric)
            done += len(batch.names)
            if progress is not None:
                progress(done, len(dataset))
    finally:
        net.train(was_training)
    return Evaluation(metric.compute(), protocol_of(dataset, task, size))


def _score(net: Network, batch: Batch, metric: Metric) -> None:
    outputs = net(net.preprocessing(batch.image))
    for output, truth in zip(outputs, batch.target, strict=True):
        answer = net.decode(resize_output(output[None].float(), truth.shape[-2:]))
        metric.update(answer, truth.reshape(1, *truth.shape[-2:]))
