"""The pixels that all networks explain, and what their maps say on average."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool
from numpy import ndarray

from segdepth.data.sample import Sample
from segdepth.drawing import colour_saliency, mark_pixel
from segdepth.explaining.explanation import THRESHOLDS, answer_text, explain
from segdepth.geometry.crops import crop_window
from segdepth.kinds import KINDS
from segdepth.networks import Network
from segdepth.saliency import Explainer
from segdepth.saliency.measures import activation_distance, activation_ratio, normalise

from .page import ExplainedPixel, Picture
from .pictures import ShownPictures

__all__ = ["Explanations", "explain_network", "explained_pixel", "grid", "pixels_to_explain"]

#: Classes whose pixels are explained, one picture each: where there is none, the next class's.
_CLASSES = ("car", "road", "building", "vegetation", "sidewalk", "person")

#: Fewer pixels are no thing to explain.
_LARGE = 60


def pixels_to_explain(pictures: ShownPictures) -> list[tuple[int, tuple[int, int]]]:
    """The pixels to explain: number of the picture, and row and column."""
    return [
        (number, _central_pixel(pictures[number], pictures.class_names, name))
        for number, name in zip(pictures.numbers, _CLASSES, strict=False)
    ]


@dataclass(frozen=True)
class Explanations:
    """One network's: each pixel's map, coloured, and answer in words; means of the statistics, by title."""

    pixels: Sequence[tuple[Picture, str]]
    statistics: Mapping[str, float]


def explain_network(net: Network, pictures: ShownPictures) -> Explanations:
    """What one network says of the pixels to explain, and of the grid of pixels."""
    pixels = []
    for number, pixel in pixels_to_explain(pictures):
        e = explain(net, pictures[number].image, pixel)
        pixels.append((mark_pixel(colour_saliency(e.saliency), *pixel), answer_text(net, e.answer, pixel)))
    return Explanations(pixels, _statistics(net, pictures))


def explained_pixel(
    pictures: ShownPictures, number: int, pixel: tuple[int, int], by_task: Mapping[str, tuple[Picture, str]]
) -> ExplainedPixel:
    """One pixel as the page shows it.

    Args:
        pictures: on the page.
        number: of the picture.
        pixel: row, column.
        by_task: the pixel's map, coloured, and answer in words.
    """
    sample = pictures[number]
    return ExplainedPixel(
        name=sample.name,
        pixel=pixel,
        image=mark_pixel(sample.image, *pixel),
        maps={name: picture for name, (picture, _) in by_task.items()},
        answers={name: text for name, (_, text) in by_task.items()},
        truths=pictures.words(sample, pixel),
    )


def _central_pixel(sample: Sample, class_names: Sequence[str], preferred: str) -> tuple[int, int]:
    """Of the pixels with every truth: that of the preferred class nearest to the middle of its pixels' positions.

    Where there are few such pixels, or none: that of the next class, or band of distance, or of any kind.
    """
    known = np.all([_known(kind, truth) for kind, truth in sample.truths.items()], axis=0)
    groups = _groups(sample, class_names) | {"anything": np.ones_like(known)}
    for name in sorted(groups, key=lambda name: name != preferred):
        places = np.argwhere(groups[name] & known)
        if len(places) >= _LARGE:
            centre = np.median(places, axis=0)
            row, col = places[np.square(places - centre).sum(1).argmin()]
            return int(row), int(col)
    raise AssertionError("a street without a single surface that all truths know")


def _known(kind: str, truth: ndarray) -> Bool[ndarray, "h w"]:
    there: Bool[ndarray, "h w"] = (truth != KINDS[kind].void).reshape(*truth.shape[:2], -1).any(-1)
    return there


def _groups(sample: Sample, class_names: Sequence[str]) -> dict[str, Bool[ndarray, "h w"]]:
    """Name of a class, or of whatever pixels of other truths are told apart by -> its pixels."""
    return {
        name: where.reshape(truth.shape)
        for kind, truth in ((KINDS[name], truth) for name, truth in sample.truths.items())
        if kind.column is not None
        for name, where in kind.strata(kind.tabled(truth.ravel()), class_names).items()
    }


def grid(size: tuple[int, int]) -> list[tuple[int, int]]:
    """The pixels of the statistics."""
    rows, cols = crop_window("garg", *size)
    return [(r, c) for r in range(rows.start + 12, rows.stop, 24) for c in range(cols.start + 24, cols.stop, 64)]


def _statistics(net: Network, pictures: ShownPictures) -> dict[str, float]:
    """Activation distance and ratio of a grid of pixels of each picture: the mission's question, in small."""
    rows, cols = crop_window("garg", *pictures.size)
    pixels = grid(pictures.size)
    shifted = torch.tensor([(r - rows.start, c - cols.start) for r, c in pixels])
    explainer = Explainer(net)
    distances, ratios = [], []
    for number in pictures.numbers:
        x = net.preprocessing(torch.from_numpy(pictures[number].image).permute(2, 0, 1)[None])[0]
        maps = normalise(explainer.at(x, crop=(rows, cols)).maps(pixels))
        distances.append(activation_distance(maps, shifted, THRESHOLDS))
        ratios.append(activation_ratio(maps, THRESHOLDS))
    return {
        f"{title} at {t}": mean
        for title, values in (("activation distance", distances), ("activation ratio", ratios))
        for t, mean in zip(THRESHOLDS, torch.cat(values).mean(0).tolist(), strict=True)
    }
