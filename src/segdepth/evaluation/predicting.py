"""Answers to single pictures: computed, coloured, saved."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from segdepth.core.errors import InputError
from segdepth.data.files import read_rgb
from segdepth.drawing import write_png
from segdepth.networks import Network

__all__ = ["colour_prediction", "colours_of", "save_label_ids", "save_prediction"]


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
