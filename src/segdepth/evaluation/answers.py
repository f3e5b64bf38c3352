"""Answers to the samples of a data set, one after another, whoever gives them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor

from segdepth.data.loading import Batch, EvaluationView, batches, evaluation_loader
from segdepth.data.sample import Dataset
from segdepth.kinds import KINDS, Kind
from segdepth.networks import Network, resize_output
from segdepth.tasks import Task

from .class_maps import map_classes

__all__ = ["Answer", "Answers", "NetworkAnswers", "Progress"]

#: Called with (samples done, samples in all).
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one sample beside its truth, at the truth's size.

    Attributes:
        name: of the sample.
        answer: train ids, metres, or what the kind of the answers holds.
        truth: of the same kind, on the same device.
    """

    name: str
    answer: Shaped[Tensor, "h w *values"]
    truth: Shaped[Tensor, "h w *values"]


class Answers(ABC):
    """Answers to a data set, in its order. Each walk gives them anew.

    Attributes:
        dataset: that is answered, with the task's truth.
        task: what is answered.
        kind: of the answers; its name is that of the truths'.
        device: where answers and truths are.
        bad: what is wrong with the samples that the last walk left out because they are broken.
        missing: names of the samples that have no answer.
    """

    device: torch.device = torch.device("cpu")
    missing: Sequence[str] = ()

    def __init__(self, dataset: Dataset, task: Task) -> None:
        self.dataset = dataset
        self.task = task
        self.kind: Kind = KINDS[task.target]
        self.bad: list[str] = []

    @abstractmethod
    def __iter__(self) -> Iterator[Answer]:
        """One walk over the samples that have an answer."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Who answers, and how answers come to the truth's size, as plain data to be stored beside scores."""


class NetworkAnswers(Answers):
    """A network's. Its mode is left as it was.

    Where a group of processes was started (``torch.distributed``), all must walk to the end: each answers its share of the
    samples, and every sample is answered once.

    Args:
        net: on the device where the work is to be done.
        dataset: see :class:`Answers`.
        task: see there.
        size: rows and columns that pictures are resized to.
        batch_size: pictures per forward pass.
        n_workers: processes that load pictures.
        skip_bad: leave out broken samples and say so, instead of stopping.
        progress: of the walk.
        class_map: the network's class by its name -> the data set's, or None (see
            :func:`~segdepth.evaluation.class_maps.map_classes`).

    Raises:
        InputError: if the network's classes are not the data set's, and no table says which is which.
        ConfigError: if the table does not fit them.
    """

    def __init__(
        self,
        net: Network,
        dataset: Dataset,
        task: Task,
        *,
        size: tuple[int, int],
        batch_size: int = 4,
        n_workers: int = 0,
        skip_bad: bool = False,
        progress: Progress | None = None,
        class_map: Mapping[str, str | None] | None = None,
    ) -> None:
        super().__init__(dataset, task)
        self.kind = net.output.answers
        self.device = net.preprocessing.scale.device
        self._net = net
        self._size = size
        self._loading: dict[str, Any] = {"batch_size": batch_size, "n_workers": n_workers, "skip_bad": skip_bad}
        self._progress = progress
        self._classes = map_classes(net, dataset, self.kind, class_map)

    def __iter__(self) -> Iterator[Answer]:
        """See :meth:`Answers.__iter__`."""
        grouped = dist.is_available() and dist.is_initialized()
        rank, processes = (dist.get_rank(), dist.get_world_size()) if grouped else (0, 1)
        bad: list[str] = []
        done, count = 0, len(self.dataset)
        for some, skipped in self._walk(range(rank, count, processes), **self._loading):
            yield from some
            bad += skipped
            done += (len(some) + len(skipped)) * processes
            if self._progress is not None:
                self._progress(min(done, count), count)
        self.bad = _of_all(bad, processes) if grouped else bad

    @property
    def batch_size(self) -> int:
        """Pictures per forward pass."""
        return int(self._loading["batch_size"])

    def batch(self, number: int) -> tuple[list[Answer], list[str]]:
        """The answers to one of the batches that a walk by one process makes, and what is wrong with samples that are left out.

        Args:
            number: of the batch, from 0.
        """
        places = range(len(self.dataset))[number * self.batch_size : (number + 1) * self.batch_size]
        ((some, skipped),) = self._walk(places, **self._loading | {"n_workers": 0})
        return some, skipped

    def _walk(self, places: Sequence[int], **loading: Any) -> Iterator[tuple[list[Answer], list[str]]]:
        """Batch by batch."""
        view = EvaluationView(self.dataset, self._size, places)
        loader = evaluation_loader(view, self.task.target, pin_memory=self.device.type == "cuda", **loading)
        was_training = self._net.training
        self._net.eval()
        try:
            with closing(batches(loader, self.device)) as loaded:
                for batch in loaded:
                    yield list(self._answered(batch)), batch.skipped
        finally:
            self._net.train(was_training)

    def _answered(self, batch: Batch) -> Iterator[Answer]:
        if not batch.names:
            return
        with torch.no_grad():
            outputs = self._net(self._net.preprocessing(batch.image))
        for name, output, truth in zip(batch.names, outputs, batch.target, strict=True):
            with torch.no_grad():
                answer = self._net.decode(resize_output(output[None].float(), (truth.shape[0], truth.shape[1])))[0]
            yield Answer(name, self._classes(answer) if self._classes else answer, truth)

    def describe(self) -> dict[str, Any]:
        """See :meth:`Answers.describe`."""
        return {
            "answers": f"network {self._net.card.arch}",
            "network_size": list(self._size),
            "resize": f"{self._net.output.name} resized bilinearly to the truth's size",
            **self._mapping(),
        }

    def _mapping(self) -> dict[str, Any]:
        if self._classes is None:
            return {}
        return {"classes": f"classes mapped {self._classes.words}", "class_map": dict(self._classes.names)}


def _of_all(sentences: list[str], processes: int) -> list[str]:
    gathered: list[list[str]] = [[] for _ in range(processes)]
    dist.all_gather_object(gathered, sentences)
    return [sentence for some in gathered for sentence in some]
