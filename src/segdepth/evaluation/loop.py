"""Scores of a network over a data set, at the truth's own size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torchmetrics import Metric

from segdepth.data.loading import Batch, EvaluationView, batches, evaluation_loader
from segdepth.data.sample import Dataset
from segdepth.metrics import DepthScores
from segdepth.networks import Network, resize_output
from segdepth.tasks import Task

__all__ = ["Evaluation", "Watch", "evaluate", "protocol_of", "protocol_of_metric"]

Watch = Callable[[str, Tensor, Tensor], None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores, and how they were taken.

    Attributes:
        scores: by plain name; None where a score is undefined (a class that never occurs).
        protocol: plain data: data set, split, number of images, sizes, crop, depth range, resizing.
    """

    scores: dict[str, float | None]
    protocol: dict[str, Any]


def protocol_of(dataset: Dataset, metric: Metric, size: tuple[int, int] | None, source: str) -> dict[str, Any]:
    """How scores on a data set were taken, as plain data to be stored beside them.

    Args:
        dataset: that was scored.
        metric: with what it counted.
        size: rows and columns of the network's input; None where there is no network.
        source: of the answers, in words.
    """
    protocol: dict[str, Any] = {
        "dataset": type(dataset).__name__,
        "split": dataset.split,
        "images": len(dataset),
        "files_expected": len(dataset) + len(dataset.missing) if dataset.expected is None else dataset.expected,
        "files_found": len(dataset),
        "files_missing": list(dataset.missing),
        "answers": source,
        "network_size": None if size is None else list(size),
        "resize": "answer resized bilinearly to the truth's size",
    }
    return protocol | protocol_of_metric(dataset, metric)


def protocol_of_metric(dataset: Dataset, metric: Metric) -> dict[str, Any]:
    """The part of :func:`protocol_of` that is the metric's."""
    if not isinstance(metric, DepthScores):
        return {"files_scored": len(dataset), "average": "one confusion matrix over all images"}
    scores = metric.compute()
    return {
        "ground_truth": dataset.truth_kind or f"depth of {type(dataset).__name__}",
        "files_scored": scores["images"],
        "files_without_truth": scores["images_without_truth"],
        "crop": metric.protocol.crop,
        "min_depth_m": metric.protocol.min_depth,
        "max_depth_m": metric.protocol.max_depth,
        "scaling": metric.protocol.scaling,
        "clip": "prediction clipped to the depth range, never left out",
        "average": "per image, then over images",
    }


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
    make_metric: Callable[[Dataset], Metric] | None = None,
    watch: Watch | None = None,
    skip_bad: bool = False,
) -> Evaluation:
    """Score a network on every sample of a data set. The network's mode is left as it was.

    Where a group of processes was started (``torch.distributed``), all must call it: each scores its share of the samples,
    every sample is scored once, and all get the scores of all.

    Args:
        net: on the device where the work is to be done.
        dataset: with the task's truth.
        task: what is scored.
        size: rows and columns that pictures are resized to.
        batch_size: pictures per forward pass.
        n_workers: processes that load pictures.
        progress: called with (images done, images in all).
        make_metric: other than the task's own.
        watch: called with each sample's (of this process) name, answer and truth, both [h, w] at the truth's size.
        skip_bad: leave out broken samples, say so, and count them in the protocol, instead of stopping.
    """
    device = net.preprocessing.scale.device
    metric = (make_metric or task.make_metric)(dataset).to(device)
    grouped = dist.is_available() and dist.is_initialized()
    rank, processes = (dist.get_rank(), dist.get_world_size()) if grouped else (0, 1)
    loader = evaluation_loader(
        EvaluationView(dataset, size, rank, processes),
        task.target,
        batch_size=batch_size,
        n_workers=n_workers,
        pin_memory=device.type == "cuda",
        skip_bad=skip_bad,
    )
    was_training = net.training
    net.eval()
    done, bad = 0, []
    try:
        for batch in batches(loader, device):
            if batch.names:
                _score(net, batch, metric, watch)
            bad += batch.skipped
            done += (len(batch.names) + len(batch.skipped)) * processes
            if progress is not None:
                progress(min(done, len(dataset)), len(dataset))
    finally:
        net.train(was_training)
    if grouped:
        bad = _of_all(bad, processes)
    protocol = protocol_of(dataset, metric, size, f"network {net.card.arch}")
    return Evaluation(metric.compute(), protocol | ({"files_bad": bad} if bad else {}))


def _of_all(sentences: list[str], processes: int) -> list[str]:
    gathered: list[list[str]] = [[] for _ in range(processes)]
    dist.all_gather_object(gathered, sentences)
    return [sentence for some in gathered for sentence in some]


def _score(net: Network, batch: Batch, metric: Metric, watch: Watch | None) -> None:
    outputs = net(net.preprocessing(batch.image))
    for name, output, truth in zip(batch.names, outputs, batch.target, strict=True):
        answer = net.decode(resize_output(output[None].float(), truth.shape[-2:]))
        truth = truth.reshape(1, *truth.shape[-2:])
        metric.update(answer, truth)
        if watch is not None:
            watch(name, answer[0], truth[0])
