"""Answers to single pictures: computed, coloured, saved."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray

from segdepth.core.errors import InputError
from segdepth.data.files import read_rgb
from segdepth.drawing import write_png
from segdepth.executing import Job
from segdepth.networks import Network

__all__ = ["PredictionJob", "colour_prediction", "colours_of", "save_label_ids", "save_prediction"]


def colour_prediction(net: Network, answer: ndarray, image: UInt8[ndarray, "h w 3"]) -> UInt8[ndarray, "h w 3"]:
    """A coloured picture of class ids (laid over the image) or of metres."""
    return net.output.answers.answer_over(image, answer, colours_of(net))


def colours_of(net: Network) -> tuple[tuple[int, int, int], ...]:
    """RGB of each class; drawn, always the same ones, where nobody knows them."""
    if net.card.classes is not None:
        return net.card.classes.colours
    generator = np.random.default_rng(0)
    return tuple((int(r), int(g), int(b)) for r, g, b in generator.integers(40, 256, (net.out_channels, 3)))


def save_prediction(net: Network, path: Path, folder: Path) -> list[Path]:
    """Predict one picture and save answer and colours; returns the files.

    Raises:
        DataError: if the file is missing, truncated or no picture.
    """
    image = read_rgb(path)
    answer = net.predict(image)
    colours = folder / f"{path.stem}_{net.card.task}.png"
    write_png(colours, colour_prediction(net, answer, image))
    return [colours, *net.output.answers.save(answer, folder / path.stem)]


def save_label_ids(net: Network, path: Path, folder: Path) -> list[Path]:
    """Predict one picture and save ``<picture>.png`` with the data set's own label ids, for a benchmark's server.

    The ``_leftImg8bit`` of Cityscapes' pictures stays in the name; its server looks for city, sequence and frame in it.

    Raises:
        InputError: if the network does not segment, or does not know the label ids of its classes.
        DataError: if the file is missing, truncated or no picture.
    """
    classes = net.card.classes
    if classes is None:
        raise InputError(f"label ids are for segmentation with known classes; this network is for {net.card.task}")
    table = np.array(classes.label_ids, np.uint8)
    file = folder / f"{path.stem}.png"
    write_png(file, table[net.predict(read_rgb(path))])
    return [file]


@dataclass(frozen=True)
class PredictionJob(Job[tuple[Path, Path], list[Path]]):
    """Predicts pictures. A key is a picture and the folder for its files, which are the result.

    Attributes:
        load: gives the network; picklable where the work is done elsewhere.
        label_ids: whether files are for a benchmark's server.
        threads: that PyTorch uses, in whose order it adds up; None: as it comes.
        gpus: see :class:`~segdepth.executing.Job`.
    """

    load: Callable[[], Network]
    label_ids: bool = False
    threads: int | None = None
    gpus: int = 0
    name: str = "predict"

    def worker(self) -> "_Predictor":
        """See :meth:`~segdepth.executing.Job.worker`."""
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        return _Predictor(self.load(), self.label_ids)

    def label(self, key: tuple[Path, Path]) -> str:
        """By its path."""
        return repr(str(key[0]))


class _Predictor:
    """One picture after the other."""

    def __init__(self, net: Network, label_ids: bool) -> None:
        self._net = net
        self._label_ids = label_ids

    def do(self, key: tuple[Path, Path]) -> list[Path]:
        """Predict and save; returns the files."""
        save = save_label_ids if self._label_ids else save_prediction
        return save(self._net, *key)
