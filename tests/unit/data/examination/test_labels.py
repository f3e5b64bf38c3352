"""Label files that say too little, and what people are told of the others."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.data import open_dataset
from segdepth.data.doctor import examine_splits
from segdepth.data.examination import Shares
from segdepth.data.examination.labels import LabelExaminer
from segdepth.data.synthetic import Synthetic, write_cityscapes
from segdepth.drawing import write_png


@pytest.fixture
def streets() -> Synthetic:
    return Synthetic(None, "train", frozenset({"labels"}), num_images=1, height=48, width=96)


def findings(splits: Any) -> list[str]:
    return [f"{f.severity} {f.where}: {f.what}" for f in examine_splits(splits).findings]


def test_a_label_file_without_any_class_is_named(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, num_images={"train": 3, "val": 1}, height=64, width=128)
    labels = min((tmp_path / "gtFine/train").rglob("*_labelIds.png"))
    write_png(labels, np.zeros((64, 128), np.uint8))
    said = findings({"train": open_dataset("cityscapes", path=tmp_path, split="train", target="labels")})
    assert f"every pixel is ignored: {labels.name.removesuffix('_gtFine_labelIds.png')}" in said[0]


def test_labels_that_are_no_class_and_classes_that_never_occur(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, num_images={"train": 2, "val": 1}, height=64, width=128)
    labels = min((tmp_path / "gtFine/train").rglob("*.png"))
    write_png(labels, np.full((64, 128), 77, np.uint8))
    said = findings({"train": open_dataset("cityscapes", path=tmp_path, split="train", target="labels")})
    assert re.search(r"error train: .*labelIds\.png has 8192 pixels of value 77", said[0])
    assert any("classes that never occur" in line for line in said)


def test_many_ignored_pixels_are_noticed(streets: Synthetic) -> None:
    examiner = LabelExaminer("labels")
    examiner.classes[:19] = 1
    for ignored, said in ((19, []), (20, ["51 % of the pixels are ignored"])):
        examiner.classes[255] = ignored
        assert [finding.what for finding in examiner.findings("train", streets)] == said


def test_shares_of_classes_are_of_labelled_pixels_and_what_is_ignored_is_of_all(streets: Synthetic) -> None:
    examiner = LabelExaminer("labels")
    examiner.classes[[0, 1, 255]] = 30, 10, 60
    (shares,) = examiner.tables(streets)
    assert shares.title == "share of labelled pixels"
    assert (shares.rows["road"], shares.rows["sidewalk"]) == (0.75, 0.25)
    assert sum(shares.rows.values()) == pytest.approx(1), "under one heading, of one whole"
    assert list(examiner.sentences()) == ["Ignored: 60.0 % of all pixels."]
    seen = examine_splits({"train": streets}).facts["train"].examiners["labels"]
    assert seen.ignored() == np.mean(streets[0].truth("labels") == 255)


def test_without_labels_nothing_is_ignored(streets: Synthetic) -> None:
    examiner = LabelExaminer("labels")
    assert list(examiner.tables(streets)) == list(examiner.sentences()) == []
    examiner.classes[255] = 7
    assert list(examiner.tables(streets)) == [
        Shares("share of labelled pixels", dict.fromkeys(streets.classes.names, 0), streets.colours)
    ]
