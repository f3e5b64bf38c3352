"""The doctor's page: findings, histograms, samples with their truth laid over."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from segdepth.core.words import counted
from segdepth.data import Dataset, Sample
from segdepth.data.doctor import Facts, Report
from segdepth.data.frames import asked_for
from segdepth.geometry.resize import resize_image
from segdepth.kinds import KINDS

from .page import image_uri, write_page

__all__ = ["draw_sample", "write_data_page"]

_WIDTH = 832


def draw_sample(sample: Sample, dataset: Dataset) -> UInt8[ndarray, "h w 3"]:
    """The picture, and below it each of its truths laid over it."""
    drawn = [KINDS[kind].laid_over(sample.image, truth, dataset.colours) for kind, truth in sample.truths.items()]
    return np.concatenate([sample.image, *drawn])


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
    splits = [_split(name, report.facts[name], dataset, samples.get(name, ())) for name, dataset in datasets.items()]
    places = dict.fromkeys(f"{one.reader} in {one.path}" if one.path else one.reader for one in datasets.values())
    write_page(path, "data.html", {"report": report, "splits": splits, "places": places}, {})


def _split(name: str, facts: Facts, dataset: Dataset, samples: Iterable[Sample]) -> dict[str, Any]:
    examiners = facts.examiners.values()
    return {
        "name": name,
        "samples": counted(facts.samples, "sample"),
        "facts": facts,
        "sentences": [*_origins(dataset), *(said for examiner in examiners for said in examiner.sentences())],
        "tables": [table for examiner in examiners for table in examiner.tables(dataset)],
        "pictures": list(_pictures(samples, dataset)),
    }


def _origins(dataset: Dataset) -> Iterable[str]:
    """Where the truth comes from; of which kind it is, where there are several."""
    for kind, words in asked_for(dataset.targets, dataset.origins).items():
        yield f"Truth of {kind}: {words}." if len(dataset.targets) > 1 else f"Truth: {words}."


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
