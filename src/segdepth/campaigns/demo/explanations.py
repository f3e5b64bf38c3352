"""The pixels that both networks explain, and what their maps say on average."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from segdepth.data import Dataset
from segdepth.data.labels import CITYSCAPES
from segdepth.data.loading import resize_sample
from segdepth.data.sample import Sample
from segdepth.drawing import colour_saliency, mark_pixel
from segdepth.explaining.explanation import THRESHOLDS, answer_text, explain
from segdepth.geometry.crops import crop_window
from segdepth.networks import Network
from segdepth.saliency import Explainer
from segdepth.saliency.measures import activation_distance, activation_ratio, normalise

from .page import ExplainedPixel, Picture
from .pictures import both_truths, shown_pictures

__all__ = ["Explanations", "explain_network", "explained_pixel", "grid", "pixels_to_explain"]

#: Classes whose pixels are explained, one picture each: where there is none, the next class's.
_CLASSES = ("car", "road", "building", "vegetation", "sidewalk", "person")


def pixels_to_explain(
    datasets: Mapping[str, Dataset], shown: Sequence[int], size: tuple[int, int]
) -> list[tuple[int, tuple[int, int]]]:
    """The pixels to explain: number of the picture, and row and column."""
    names = CITYSCAPES.names
    return [
        (index, _central_pixel(both_truths(datasets, index, size), [names.index(name), *range(len(names))]))
        for index, name in zip(shown, _CLASSES, strict=False)
    ]


@dataclass(frozen=True)
class Explanations:
    """One network's: each pixel's map, coloured, and answer in words; means of the statistics, by title."""

    pixels: Sequence[tuple[Picture, str]]
    statistics: Mapping[str, float]


def explain_network(net: Network, datasets: Mapping[str, Dataset], size: tuple[int, int]) -> Explanations:
    """What one network says of the pixels to explain, and of the grid of pixels.

    Args:
        net: of either task.
        datasets: validation pictures, by task.
        size: of the network's input, rows and columns.
    """
    shown = shown_pictures(datasets["seg"])
    pixels = []
    for index, pixel in pixels_to_explain(datasets, shown, size):
        e = explain(net, both_truths(datasets, index, size).image, pixel)
        pixels.append((mark_pixel(colour_saliency(e.saliency), *pixel), answer_text(net, e.answer, pixel)))
    return Explanations(pixels, _statistics(net, datasets["seg"], shown, size))


def explained_pixel(
    datasets: Mapping[str, Dataset],
    index: int,
    size: tuple[int, int],
    pixel: tuple[int, int],
    by_task: Mapping[str, tuple[Picture, str]],
) -> ExplainedPixel:
    """One pixel as the page shows it.

    Args:
        datasets: validation pictures, by task.
        index: of the picture.
        size: of the networks' input, rows and columns.
        pixel: row, column.
        by_task: the pixel's map, coloured, and answer in words.
    """
    sample = both_truths(datasets, index, size)
    labels, depth = sample.truth("labels"), sample.truth("depth")
    return ExplainedPixel(
        name=sample.name,
        pixel=pixel,
        image=mark_pixel(sample.image, *pixel),
        maps={name: picture for name, (picture, _) in by_task.items()},
        answers={name: text for name, (_, text) in by_task.items()},
        truths={"seg": CITYSCAPES.names[int(labels[pixel])], "depth": f"{depth[pixel]:.2f} m"},
    )


def _central_pixel(sample: Sample, preferred: Sequence[int]) -> tuple[int, int]:
    """The pixel of the first preferred class (that has depth) nearest to the middle of its pixels' positions."""
    labels, depth = sample.truth("labels"), sample.truth("depth")
    for train_id in preferred:
        places = np.argwhere((labels == train_id) & (depth > 0))
        if len(places) >= 60:
            centre = np.median(places, axis=0)
            row, col = places[np.square(places - centre).sum(1).argmin()]
            return int(row), int(col)
    raise AssertionError("a street without a single measured and labelled surface")


def grid(size: tuple[int, int]) -> list[tuple[int, int]]:
    """The pixels of the statistics."""
    rows, cols = crop_window("garg", *size)
    return [(r, c) for r in range(rows.start + 12, rows.stop, 24) for c in range(cols.start + 24, cols.stop, 64)]


def _statistics(net: Network, dataset: Dataset, indices: Sequence[int], size: tuple[int, int]) -> dict[str, float]:
    """Activation distance and ratio of a grid of pixels on some pictures: the mission's question, in small."""
    rows, cols = crop_window("garg", *size)
    pixels = grid(size)
    shifted = torch.tensor([(r - rows.start, c - cols.start) for r, c in pixels])
    explainer = Explainer(net)
    distances, ratios = [], []
    for index in indices:
        image = resize_sample(dataset[index], size, image_only=True).image
        x = net.preprocessing(torch.from_numpy(image).permute(2, 0, 1)[None])[0]
        maps = normalise(explainer.at(x, crop=(rows, cols)).maps(pixels))
        distances.append(activation_distance(maps, shifted, THRESHOLDS))
        ratios.append(activation_ratio(maps, THRESHOLDS))
    return {
        f"{title} at {t}": mean
        for title, values in (("activation distance", distances), ("activation ratio", ratios))
        for t, mean in zip(THRESHOLDS, torch.cat(values).mean(0).tolist(), strict=True)
    }
