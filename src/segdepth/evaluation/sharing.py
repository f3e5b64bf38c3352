"""A network's answers from several workers: they come as files, and are scored here in the data set's order.

So scores, tables and pictures are those of one process, whatever looks on: the same numbers are added in the same order.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from segdepth.core.files import write_bytes
from segdepth.core.own_name import unlike_any
from segdepth.core.reading import parse_json
from segdepth.core.weights import opened_weights
from segdepth.executing import Job, Place

from .answers import Answer, Answers, NetworkAnswers, Progress

__all__ = ["AnswerJob", "SharedAnswers"]

_SAID = "said"


@dataclass(frozen=True)
class AnswerJob(Job[int, None]):
    """Answers batches of a data set, a file for each. A key is a batch's number.

    Attributes:
        answers: opens network and data; picklable.
        folder: for the files.
        threads: that PyTorch uses, in whose order it adds up.
        gpus: see :class:`~segdepth.executing.Job`.
    """

    answers: Callable[[], NetworkAnswers]
    folder: Path
    threads: int
    gpus: int = 0
    name: str = "evaluate"

    def worker(self) -> "_Answering":
        """See :meth:`~segdepth.executing.Job.worker`."""
        torch.set_num_threads(self.threads)
        return _Answering(self.answers(), self.folder)

    def done(self, key: int) -> bool:
        """Whether the file is there."""
        return _path(self.folder, key).exists()

    def label(self, key: int) -> str:
        """By its number."""
        return f"batch {key}"


class _Answering:
    """One batch after the other."""

    def __init__(self, answers: NetworkAnswers, folder: Path) -> None:
        self._answers = answers
        self._folder = folder

    def do(self, key: int) -> None:
        """Answer and write."""
        some, bad = self._answers.batch(key)
        tensors: dict[str, Tensor] = {}
        for place, one in enumerate(some):
            tensors |= {
                f"answer {place}": one.answer.cpu().contiguous(),
                f"truth {place}": one.truth.cpu().contiguous(),
            }
        said = json.dumps({"names": [one.name for one in some], "bad": bad})
        write_bytes(_path(self._folder, key), save(tensors, metadata={_SAID: said}))


class SharedAnswers(Answers):
    """A network's answers, given by workers.

    Args:
        like: the same answers by this process, for what is said of them.
        answers: opens network and data in a worker; picklable.
        place: of the workers.
        folder: in which the files lie for a while; all workers must see it.
        gpus: of this machine, that workers on it can have.
        progress: of the walk.
    """

    def __init__(
        self, like: NetworkAnswers, answers: Callable[[], NetworkAnswers], place: Place, folder: Path, gpus: int = 0,
        progress: Progress | None = None,
    ) -> None:  # fmt: skip
        super().__init__(like.dataset, like.task)
        self.kind = like.kind
        self.device = like.device
        self._like = like
        self._answers = answers
        self._place = place
        self._folder = folder / f".answers-{unlike_any()}"
        self._gpus = gpus
        self._progress = progress

    def __iter__(self) -> Iterator[Answer]:
        """See :meth:`Answers.__iter__`."""
        count = -(-len(self.dataset) // self._like.batch_size)
        self._folder.mkdir(parents=True)
        try:
            yield from self._in_order(count)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _in_order(self, count: int) -> Iterator[Answer]:
        self.bad = []
        job = AnswerJob(self._answers, self._folder, torch.get_num_threads(), self._gpus)
        outcomes = self._place.carry_out(job, range(count))
        there: set[int] = set()
        following = 0
        with closing(outcomes):
            for key, _ in outcomes:
                there.add(key)
                while following in there:
                    yield from self._read(following)
                    following += 1
                    if self._progress is not None:
                        self._progress(min(following * self._like.batch_size, len(self.dataset)), len(self.dataset))

    def _read(self, key: int) -> Iterator[Answer]:
        path = _path(self._folder, key)
        with opened_weights(path, "pt") as file:
            said = parse_json(file.metadata()[_SAID], str(path))
            self.bad += said["bad"]
            for place, name in enumerate(said["names"]):
                both = (file.get_tensor(f"{what} {place}").to(self.device) for what in ("answer", "truth"))
                yield Answer(name, *both)
        path.unlink()

    def describe(self) -> dict[str, Any]:
        """See :meth:`Answers.describe`."""
        return self._like.describe()


def _path(folder: Path, key: int) -> Path:
    return folder / f"{key:06d}.safetensors"
