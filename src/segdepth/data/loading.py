"""From a data set to batches: resized, augmented, the same on every machine and for any number of workers.

What sample number ``k`` of a training run is, and every random draw for it, follow from the seed and ``k`` alone. So
a run can be stopped anywhere and go on, with another number of workers or processes, and sees the same pictures.
"""

import logging
import signal
import time
import warnings
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from segdepth.core.errors import DataError, SegdepthError
from segdepth.core.processes import start_worker, without_ctrl_c
from segdepth.geometry import resize_image
from segdepth.kinds import KINDS

from .sample import Dataset, Sample
from .transforms import augment

__all__ = [
    "Batch",
    "EvaluationView",
    "StandIn",
    "StreamSampler",
    "Timed",
    "TrainingView",
    "batches",
    "evaluation_loader",
    "training_loader",
]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Batch:
    """Pictures with their truth.

    Attributes:
        image: uint8 [b, 3, h, w], RGB, 0..255, at the network's size.
        target: for training what losses are given (labels int64 ``[b, h, w]``, depth float32 ``[b, 1, h, w]`` in metres), at the
            network's size; for evaluation a list of the truths as they are (uint8 or float32 ``[h', w']``), at their own.
        names: of the samples.
        skipped: what was wrong with samples that others stand in for, or that are left out.
    """

    image: Tensor
    target: Tensor | list[Tensor]
    names: list[str]
    skipped: list[str] = field(default_factory=list)

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device, without waiting for the copy."""
        if isinstance(self.target, list):
            target: Tensor | list[Tensor] = [t.to(device, non_blocking=True) for t in self.target]
        else:
            target = self.target.to(device, non_blocking=True)
        return Batch(self.image.to(device, non_blocking=True), target, self.names, self.skipped)

    def pin_memory(self) -> "Batch":
        """The batch in page-locked memory, from which copies to a GPU are asynchronous."""
        target = [t.pin_memory() for t in self.target] if isinstance(self.target, list) else self.target.pin_memory()
        return Batch(self.image.pin_memory(), target, self.names, self.skipped)


@dataclass(frozen=True, slots=True)
class StandIn:
    """A sample in the place of others that are broken.

    Attributes:
        sample: the next good one.
        skipped: what is wrong with those before it.
    """

    sample: Sample
    skipped: list[str]


Loaded = Sample | StandIn | SegdepthError | OSError


class TrainingView(TorchDataset[Loaded]):
    """Samples of a data set, augmented at their own size, then resized to the network's.

    Args:
        dataset: where the samples come from.
        size: rows and columns of the network's input.
        augmentations: name -> parameter, in order.
        seed: of the run.
        skip_bad: a broken sample is replaced by the next good one, instead of stopping the run.
    """

    def __init__(
        self,
        dataset: Dataset,
        size: tuple[int, int],
        augmentations: Mapping[str, Any] | None,
        seed: int,
        skip_bad: bool = False,
    ) -> None:
        self.dataset = dataset
        self.size = size
        self.augmentations = dict(augmentations or {})
        self.seed = seed
        self.skip_bad = skip_bad

    def __getitem__(self, key: tuple[int, int]) -> Loaded:
        """The sample of a key ``(epoch, index)``, or what is wrong with it."""
        epoch, index = key
        skipped: list[str] = []
        while True:
            try:
                sample = self._sample(epoch, index)
            except SegdepthError as error:
                skipped.append(str(error))
                if not self.skip_bad or len(skipped) == len(self.dataset):
                    return error
                index = (index + 1) % len(self.dataset)
            except OSError as error:  # of a disk, a full one under the cache say, not of a sample
                return error
            else:
                return StandIn(sample, skipped) if skipped else sample

    def _sample(self, epoch: int, index: int) -> Sample:
        rng = np.random.default_rng((self.seed, epoch, index))
        sample = augment(self.dataset[index], self.augmentations, rng)
        return resize_sample(sample, self.size, points=self.dataset.points)


class EvaluationView(TorchDataset[Sample | SegdepthError | OSError]):
    """Samples of a data set with the picture at the network's size and the truth at its own.

    Args:
        dataset: where the samples come from.
        size: rows and columns of the network's input.
        places: which samples; None: all.
    """

    def __init__(self, dataset: Dataset, size: tuple[int, int], places: Sequence[int] | None = None) -> None:
        self.dataset = dataset
        self.size = size
        self._places = range(len(dataset)) if places is None else places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Sample | SegdepthError | OSError:
        """Sample number ``index`` of these, or what is wrong with it."""
        try:
            return resize_sample(self.dataset[self._places[index]], self.size, image_only=True)
        except (SegdepthError, OSError) as error:
            return error


def resize_sample(
    sample: Sample, size: tuple[int, int], *, image_only: bool = False, points: Collection[str] = ()
) -> Sample:
    """A sample at another size: pictures by area or bilinearly, truths by the nearest pixel.

    Metric depth does not change with the picture's size; the focal length in pixels does.

    Args:
        sample: at any size.
        size: rows and columns wanted.
        image_only: truths keep their own size.
        points: kinds of truth that are known at single points only.
    """
    truths = sample.truths
    if not image_only:
        truths = {kind: KINDS[kind].resized(truth, size, points=kind in points) for kind, truth in truths.items()}
    focal = None if sample.focal_px is None else sample.focal_px * size[1] / sample.image.shape[1]
    return Sample(resize_image(sample.image, size), sample.name, truths, focal)


class StreamSampler(Sampler[list[tuple[int, int]]]):
    """Batches of keys ``(epoch, index)`` cut from an endless stream of shuffled epochs; every batch is full.

    Sample number ``k`` of the stream is ``order(seed, k // n)[k % n]`` of its epoch. A batch is cut into equal parts, of
    which each process takes every ``processes``-th: so an update sees the same samples however many share it.

    Args:
        length: n, number of samples in the data set.
        batch_size: samples per update, all parts of all processes together.
        seed: of the run.
        start: number of the first update (updates done so far).
        stop: number of the update before which it ends.
        accumulation: parts per process and update.
        rank: number of this process.
        processes: how many there are.
    """

    def __init__(
        self,
        length: int,
        batch_size: int,
        *,
        seed: int,
        start: int,
        stop: int,
        accumulation: int = 1,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        if length < 1:
            raise DataError("the training split has no sample")
        self.length = length
        self.batch_size = batch_size
        self.seed = seed
        self.start = start
        self.stop = stop
        self.accumulation = accumulation
        self.rank = rank
        self.processes = processes

    def __len__(self) -> int:
        return max(0, self.stop - self.start) * self.accumulation

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        known = -1
        order = np.empty(0, np.int64)
        for batch in range(self.start, self.stop):
            keys = []
            for k in range(batch * self.batch_size, (batch + 1) * self.batch_size):
                epoch, place = divmod(k, self.length)
                if epoch != known:
                    order, known = np.random.default_rng((self.seed, epoch)).permutation(self.length), epoch
                keys.append((epoch, int(order[place])))
            size = self.batch_size // (self.accumulation * self.processes)
            parts = [keys[first : first + size] for first in range(0, self.batch_size, size)]
            yield from parts[self.rank :: self.processes]


@dataclass(frozen=True)
class _Collate:
    """Samples to a batch; a class, because worker processes must be able to receive it."""

    target: str
    stack: bool
    skip_bad: bool = False

    def __call__(self, loaded: Sequence[Loaded]) -> Batch | SegdepthError | OSError:
        # a worker hands an error over as a value: raised there, it would arrive wrapped in a traceback
        samples: list[Sample] = []
        skipped: list[str] = []
        for item in loaded:
            if isinstance(item, SegdepthError | OSError):
                if not self.skip_bad or isinstance(item, OSError):
                    return item
                skipped.append(str(item))
            elif isinstance(item, StandIn):
                samples.append(item.sample)
                skipped += item.skipped
            else:
                samples.append(item)
        if not samples:
            return Batch(torch.empty(0, 3, 1, 1, dtype=torch.uint8), [], [], skipped)
        images = np.stack([sample.image for sample in samples])
        # [b, 3, h, w] by strides alone: the memory stays channels-last, which is what the networks want
        image = torch.from_numpy(images).permute(0, 3, 1, 2)
        names = [sample.name for sample in samples]
        truths = [sample.truth(self.target) for sample in samples]
        if self.stack:
            targets = [torch.from_numpy(KINDS[self.target].target(truth)) for truth in truths]
            return Batch(image, torch.stack(targets), names, skipped)
        return Batch(image, [torch.from_numpy(np.ascontiguousarray(truth)) for truth in truths], names, skipped)


def batches(loader: Iterable[Batch | SegdepthError | OSError], device: torch.device) -> Generator[Batch, None, None]:
    """What a loader yields, on a device. Each broken sample that was skipped is logged once.

    To be closed where an error may keep it: workers end with it, and Python, as it leaves, would wait for them forever.

    Raises:
        SegdepthError: what a worker found wrong with a file.
        OSError: what the system said to a worker, of a disk that is full for example.
    """
    said: set[str] = set()
    with without_ctrl_c():  # workers start
        stream = iter(loader)
    for loaded in stream:
        if isinstance(loaded, SegdepthError | OSError):
            raise loaded
        for sentence in loaded.skipped:
            if sentence not in said:
                said.add(sentence)
                log.warning("skipped: %s", sentence)
        yield loaded.to(device)


class Timed:
    """Batches, and how long they were waited for.

    Args:
        batches: to pass on.

    Attributes:
        seconds: waited since the start, or since the caller set it to 0.
    """

    def __init__(self, batches: Generator[Batch, None, None]) -> None:
        self._batches = batches
        self.seconds = 0.0

    def close(self) -> None:
        """Give no more, and end the workers that read them."""
        self._batches.close()

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        start = time.monotonic()
        try:
            return next(self._batches)
        finally:
            self.seconds += time.monotonic() - start


def _start_worker(_: int) -> None:
    """One thread each, for workers run beside each other; and signals are for the run, which ends its workers itself.

    PyTorch sees that a run was killed by who a worker's parent is now, which does not change where a server forks the
    workers (from Python 3.14 on): they would wait forever.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    start_worker()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a cluster sends it to the whole group


def _loader(*arguments: Any, **options: Any) -> DataLoader[Any]:
    """PyTorch's; it advises against more workers than cores, which who asked for them has decided."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")
        return DataLoader(*arguments, **options)


def training_loader(
    view: TrainingView,
    target: str,
    *,
    batch_size: int,
    n_workers: int,
    start: int,
    stop: int,
    pin_memory: bool,
    accumulation: int = 1,
    rank: int = 0,
    processes: int = 1,
) -> Iterable[Batch | SegdepthError | OSError]:
    """Batches of the updates number ``start`` to ``stop - 1`` of a training run: this process's parts of each."""
    sampler = StreamSampler(
        len(view.dataset), batch_size, seed=view.seed, start=start, stop=stop,
        accumulation=accumulation, rank=rank, processes=processes,
    )  # fmt: skip
    return _loader(
        view,
        batch_sampler=sampler,
        num_workers=n_workers,
        collate_fn=_Collate(target, stack=True),
        worker_init_fn=_start_worker,
        pin_memory=pin_memory,
    )


def evaluation_loader(
    view: EvaluationView,
    target: str,
    *,
    batch_size: int,
    n_workers: int,
    pin_memory: bool,
    skip_bad: bool = False,
) -> Iterable[Batch | SegdepthError | OSError]:
    """All samples once, in order; the last batch may be short, and with ``skip_bad`` any."""
    return _loader(
        view,
        batch_size=batch_size,
        num_workers=n_workers,
        collate_fn=_Collate(target, stack=False, skip_bad=skip_bad),
        worker_init_fn=_start_worker,
        pin_memory=pin_memory,
    )
