"""What holds for every kind of truth, and what a page shows of a kind that it has never heard of."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from segdepth.data import examination
from segdepth.data.doctor import examine_splits
from segdepth.data.examination import EXAMINERS, Examiner, Shares, examiners_of
from segdepth.data.sample import Dataset, Sample
from segdepth.kinds import KINDS
from segdepth.report import write_data_page

UP = np.array([0, -1, 0], np.float32)


class Surfaces(Dataset):
    """Pictures with normals, of which some have none and some know none."""

    names = ("all", "held_back", "none", "one")

    def __init__(self) -> None:
        super().__init__(None, "odd", frozenset({"normals"}))

    def __getitem__(self, index: int) -> Sample:
        image = np.full((4, 6, 3), index, np.uint8)
        normals = np.zeros((4, 6, 3), np.float32)
        normals[: 4 if index == 0 else int(index == 3)] = UP
        return Sample(image, self.names[index], {} if index == 1 else {"normals": normals})


def test_every_entry_is_a_kind() -> None:
    assert EXAMINERS.keys() <= KINDS.keys()
    assert list(examiners_of(frozenset(KINDS))) == list(KINDS)


def test_a_kind_without_an_entry_is_there_and_not_void_everywhere(tmp_path: Path) -> None:
    assert "normals" not in EXAMINERS
    data = Surfaces()
    report = examine_splits({"odd": data})
    assert [(found.severity, found.where, found.what) for found in report.findings] == [
        ("error", "odd", "1 sample with normals that are known in no pixel: none"),
        ("warning", "odd", "1 sample without normals: held_back"),
    ]
    write_data_page(report, {"odd": data}, {"odd": [data[0]]}, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert text.count("data:image/jpeg;base64,") == 1
    assert "share of" not in text


@dataclass
class Upwards(Examiner):
    """Counts pixels that face up."""

    upwards: int = 0
    pixels: int = 0

    def _look(self, sample: Sample, dataset: Dataset, index: int) -> None:
        truth = sample.truth(self.kind)
        self.upwards += int((truth == UP).all(-1).sum())
        self.pixels += truth.shape[0] * truth.shape[1]

    def add(self, other: "Upwards") -> None:
        super().add(other)
        self.upwards += other.upwards
        self.pixels += other.pixels

    def sentences(self) -> Iterable[str]:
        yield f"{self.upwards} pixels face up."

    def tables(self, dataset: Dataset) -> Iterable[Shares]:
        yield Shares("share of directions", {"up": self.upwards / self.pixels})


def test_one_more_entry_is_examined_and_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "EXAMINERS", {**EXAMINERS, "normals": Upwards})
    data = Surfaces()
    report = examine_splits({"odd": data})
    write_data_page(report, {"odd": data}, {}, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "30 pixels face up." in text
    assert "share of directions" in text
    assert "41.7 %" in text, "30 of 72 pixels"
