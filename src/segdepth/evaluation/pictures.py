"""Answers and explanations of single pictures: computed, coloured, saved."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray

from segdepth.core.errors import InputError
from segdepth.core.files import replacing, write_json
from segdepth.core.tables import did_you_mean
from segdepth.data.files import read_rgb
from segdepth.drawing import (
    colour_depth,
    colour_labels,
    colour_saliency,
    mark_pixel,
    overlay,
    write_depth_png16,
    write_png,
)
from segdepth.geometry.resize import resize_image
from segdepth.networks import Network
from segdepth.saliency import Target, check_pixels, saliency_maps

__all__ = [
    "Explanation",
    "answer_text",
    "colour_prediction",
    "explain",
    "save_label_ids",
    "save_prediction",
    "save_saliency",
]


def colour_prediction(net: Network, answer: ndarray, image: UInt8[ndarray, "h w 3"]) -> UInt8[ndarray, "h w 3"]:
    """A coloured picture of class ids (laid over the image) or of metres."""
    if net.output.kind == "depth":
        return colour_depth(answer)
    return overlay(image, colour_labels(answer, _colours(net)), alpha=0.6)


def _colours(net: Network) -> tuple[tuple[int, int, int], ...]:
    if net.card.classes is not None:
        return net.card.classes.colours
    generator = np.random.default_rng(0)
    return tuple((int(r), int(g), int(b)) for r, g, b in generator.integers(40, 256, (net.out_channels, 3)))


def class_name(net: Network, train_id: int) -> str:
    """The class's name, or its number where the checkpoint does not know names."""
    return net.card.classes.names[train_id] if net.card.classes else f"class {train_id}"


def save_prediction(net: Network, path: Path, folder: Path) -> list[Path]:
    """Predict one picture and save answer and colours; returns the files.

    Raises:
        DataError: if the file is missing, truncated or no picture.
    """
    image = read_rgb(path)
    answer = net.predict(image)
    colours = folder / f"{path.stem}_{net.card.task}.png"
    write_png(colours, colour_prediction(net, answer, image))
    if net.output.kind == "logits":
        ids = folder / f"{path.stem}_trainIds.png"
        write_png(ids, answer)
        return [colours, ids]
    metres, png16 = folder / f"{path.stem}_depth_metres.npy", folder / f"{path.stem}_depth_x256.png"
    _save_array(metres, answer)
    write_depth_png16(png16, answer)
    return [colours, metres, png16]


def save_label_ids(net: Network, path: Path, folder: Path) -> list[Path]:
    """Predict one picture and save ``<picture>.png`` with the data set's own label ids, for a benchmark's server.

    The ``_leftImg8bit`` of Cityscapes' pictures stays in the name; its server looks for city, sequence and frame in it.

    Raises:
        InputError: if the network does not segment, or does not know the label ids of its classes.
        DataError: if the file is missing, truncated or no picture.
    """
    classes = net.card.classes
    if net.output.kind != "logits" or classes is None:
        raise InputError(f"label ids are for segmentation with known classes; this network is for {net.card.task}")
    table = np.array(classes.label_ids, np.uint8)
    file = folder / f"{path.stem}.png"
    write_png(file, table[net.predict(read_rgb(path))])
    return [file]


def _save_array(path: Path, array: ndarray) -> None:
    with replacing(path) as temporary:
        np.save(temporary, array)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One pixel's answer and what it was drawn from.

    Attributes:
        image: the picture at the network's size.
        answer: the network's answer per pixel: train ids or metres.
        saliency: map in output units per unit of the input range.
        text: the answer at the pixel, in words.
    """

    image: UInt8[ndarray, "h w 3"]
    answer: ndarray
    saliency: Float[ndarray, "h w"]
    text: str


def explain(
    net: Network, image: UInt8[ndarray, "h w 3"], pixel: tuple[int, int], target: Target = "predicted"
) -> Explanation:
    """The network's answer to a picture, and the saliency map of one pixel of it.

    Raises:
        InputError: if the pixel is outside the picture at the network's size.
    """
    size = net.card.input_size or (image.shape[0], image.shape[1])
    check_pixels([pixel], size)
    image = resize_image(image, size)
    device = net.preprocessing.scale.device
    x = net.preprocessing(torch.from_numpy(image).permute(2, 0, 1)[None].to(device))
    saliency = saliency_maps(net, x[0], [pixel], target=target)[0].cpu().numpy()
    answer = net.predict(image)
    return Explanation(image, answer, saliency, answer_text(net, answer, pixel))


def answer_text(net: Network, answer: ndarray, pixel: tuple[int, int]) -> str:
    """The answer at a pixel, in words.

    Args:
        net: whose answer it is.
        answer: train ids or metres.
        pixel: row and column.
    """
    value = answer[pixel]
    return f"{value:.2f} m" if net.output.kind == "depth" else class_name(net, int(value))


@dataclass(frozen=True, slots=True)
class SavedSaliency:
    """What :func:`save_saliency` wrote.

    Attributes:
        folder: where.
        files: their names.
        answer: at the pixel, in words.
        peak: largest value of the map.
    """

    folder: Path
    files: list[str]
    answer: str
    peak: float


def save_saliency(net: Network, path: Path, pixel: tuple[int, int], target: str, root: Path) -> SavedSaliency:
    """Explain one pixel of a picture and save all of it to a folder of its own.

    Raises:
        InputError: if the pixel is outside the picture at the network's size, or the target does not exist.
        DataError: if the file is missing, truncated or no picture.
    """
    explanation = explain(net, read_rgb(path), pixel, _parse_target(net, target))
    row, col = pixel
    suffix = "" if target == "predicted" else f"_{target.replace(' ', '-')}"
    folder = root / f"{path.stem}_{net.card.arch}_{net.card.task}_{row}_{col}{suffix}"
    map_colours = mark_pixel(colour_saliency(explanation.saliency), row, col)
    pictures = {
        "image.png": mark_pixel(explanation.image, row, col),
        "saliency.png": map_colours,
        "prediction.png": mark_pixel(colour_prediction(net, explanation.answer, explanation.image), row, col),
    }
    pictures["panel.png"] = np.concatenate(list(pictures.values()), axis=0)
    for name, picture in pictures.items():
        write_png(folder / name, picture)
    _save_array(folder / "saliency.npy", explanation.saliency)
    height, width = explanation.image.shape[:2]
    peak = float(explanation.saliency.max())
    info = {
        "image": str(path),
        "pixel": [row, col],
        "size": [height, width],
        "target": target,
        "answer": explanation.text,
        "peak": peak,
        "card": net.card.model_dump(mode="json", exclude={"config", "provenance"}),
    }
    write_json(folder / "info.json", info)
    what = "" if target == "predicted" else f", explained: {target}"
    answer = f"pixel ({row}, {col}) of {height}x{width}: {explanation.text}{what}"
    return SavedSaliency(folder, [*pictures, "saliency.npy", "info.json"], answer, peak)


def _parse_target(net: Network, target: str) -> Target:
    match target:
        case "predicted" | "depth" | "disparity":
            return target
    if target.isdigit():
        return int(target)
    names = net.card.classes.names if net.card.classes else ()
    if target in names:
        return names.index(target)
    raise InputError(f"no target {target!r} {did_you_mean(target, ['predicted', 'depth', 'disparity', *names])}")
