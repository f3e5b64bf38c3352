"""The validation pictures that the page shows, with the truth of every task, and their colours."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy import ndarray

from segdepth.config import Config
from segdepth.config.splits import open_split
from segdepth.data.loading import resize_sample
from segdepth.data.sample import Sample
from segdepth.kinds import KINDS, Kind, LegendEntry
from segdepth.tasks import TASKS

from .page import Picture

__all__ = ["ShownPictures"]

#: Validation pictures on the page.
_SHOWN = 6


class ShownPictures:
    """The pictures on the page, spread over the validation split, at the networks' size.

    Args:
        configs: by task; of one world, so that the same number is the same picture for each.

    Attributes:
        kinds: task -> what its network answers.
        size: of the networks' input, rows and columns.
        numbers: of the pictures in the split.
        class_names: of the world's classes, where it has classes.
    """

    def __init__(self, configs: Mapping[str, Config]) -> None:
        self.kinds: dict[str, Kind] = {name: KINDS[TASKS[config.task].target] for name, config in configs.items()}
        self._datasets = [open_split(config, config.data.val_split) for config in configs.values()]
        any_data = next(iter(configs.values())).data
        self.size = (any_data.img_rows, any_data.img_cols)
        self.numbers = [int(k) for k in np.linspace(0, len(self._datasets[0]) - 1, _SHOWN)]
        classes = next((dataset.classes for dataset in self._datasets if dataset.classes is not None), None)
        self.class_names: Sequence[str] = classes.names if classes else ()
        self._colours = classes.colours if classes else ()

    def __getitem__(self, number: int) -> Sample:
        """A picture with every truth.

        Args:
            number: in the split.
        """
        samples = [resize_sample(dataset[number], self.size) for dataset in self._datasets]
        truths = dict(chain.from_iterable(sample.truths.items() for sample in samples))
        return Sample(samples[0].image, samples[0].name, truths)

    def paint(self, task: str, answer: ndarray) -> Picture:
        """Colours of one scale for truths of and answers to all pictures."""
        painter: Callable[[ndarray], Picture] = self.kinds[task].painter(None, self._colours)
        return painter(answer)

    @property
    def legend(self) -> list[LegendEntry]:
        """What the colours mean, of one task after the other."""
        return [entry for kind in self.kinds.values() for entry in kind.legend(self.class_names, self._colours)]

    def words(self, sample: Sample, pixel: tuple[int, int]) -> dict[str, str]:
        """Task -> what is at a pixel."""
        return {task: kind.words(sample.truth(kind.name)[pixel], self.class_names) for task, kind in self.kinds.items()}
