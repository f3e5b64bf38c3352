"""The doctor's page: findings, histograms, samples with their truth laid over."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from segdepth.data import Dataset, Sample
from segdepth.data.doctor import DEPTH_EDGES_M, Facts, Report
from segdepth.data.frames import asked_for
from segdepth.geometry.resize import resize_image
from segdepth.kinds import IGNORE, KINDS

from .page import image_uri, write_page

__all__ = ["class_shares", "depth_shares", "draw_sample", "ignored_share", "write_data_page"]

_WIDTH = 832
_FAR_M = 1000.0


def draw_sample(sample: Sample, dataset: Dataset) -> UInt8[ndarray, "h w 3"]:
    """The picture, and below it each of its truths laid over it."""
    drawn = [KINDS[kind].laid_over(sample.image, truth, dataset.colours) for kind, truth in sample.truths.items()]
    return np.concatenate([sample.image, *drawn])


def class_shares(facts: Facts, dataset: Dataset) -> dict[str, float]:
    """Share of the labelled pixels of each class."""
    if dataset.classes is None or not facts.classes.any():
        return {}
    counts = facts.classes[: len(dataset.classes)]
    return {name: float(n / max(counts.sum(), 1)) for name, n in zip(dataset.classes.names, counts, strict=True)}


def ignored_share(facts: Facts) -> float | None:
    """Share of all pixels that belong to no class; None where nothing has labels."""
    return float(facts.classes[IGNORE] / facts.classes.sum()) if facts.classes.any() else None


def depth_shares(facts: Facts) -> dict[str, float]:
    """Share of the measurements in each interval of distance."""
    total = facts.depths.sum()
    if total == 0:
        return {}
    edges = pairwise(DEPTH_EDGES_M)
    names = (f"{low:g}-{high:g} m" if high < _FAR_M else f"over {low:g} m" for low, high in edges)
    return {name: float(count / total) for name, count in zip(names, facts.depths, strict=True)}


def write_data_page(
    report: Report, datasets: Mapping[str, Dataset], samples: Mapping[str, Sequence[Sample]], path: Path
) -> None:
    """Write one HTML file that needs nothing else.

    Args:
        report: the doctor's.
        datasets: the splits that could be opened.
        samples: some of each split, to be drawn.
        path: of the page.
    """
    splits = [
        {
            "name": name,
            "facts": report.facts[name],
            "origins": asked_for(dataset.targets, dataset.origins),
            "several": len(dataset.targets) > 1,
            "classes": class_shares(report.facts[name], dataset),
            "ignored": ignored_share(report.facts[name]),
            "depths": depth_shares(report.facts[name]),
            "shifts": report.facts[name].shifts(),
            "pictures": list(_pictures(samples.get(name, ()), dataset)),
        }
        for name, dataset in datasets.items()
    ]
    write_page(path, "data.html", {"report": report, "splits": splits}, {})


def _pictures(samples: Iterable[Sample], dataset: Dataset) -> Iterable[tuple[str, str]]:
    """Names and data URIs."""
    for sample in samples:
        drawn = draw_sample(sample, dataset)
        width = min(_WIDTH, drawn.shape[1])
        yield sample.name, _jpeg_data_uri(resize_image(drawn, (round(drawn.shape[0] * width / drawn.shape[1]), width)))


def _jpeg_data_uri(picture: UInt8[ndarray, "h w 3"]) -> str:
    """Photographs with points on them: a tenth of the size of a PNG."""
    data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return image_uri(bytes(data), "jpeg")
