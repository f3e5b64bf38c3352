"""The doctor finds what is broken, and says nothing about what is whole."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.data import open_dataset
from segdepth.data.doctor import examine, examine_splits
from segdepth.data.synthetic import Synthetic, write_cityscapes, write_kitti_raw
from segdepth.report import write_data_page

DATE = "2011_09_26"
DRIVE = f"{DATE}_drive_0001_sync"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A training drive (0001) and a validation drive (0005), small."""
    write_kitti_raw(tmp_path / "raw", drives=(1, 5), frames=4, height=94, width=311)
    return tmp_path / "raw"


def opened(raw: Path) -> dict[str, Any]:
    splits: dict[str, Any] = {}
    for split in ("train", "val"):
        try:
            splits[split] = open_dataset("kitti_raw", path=raw, split=split, target="depth")
        except DataError as error:
            splits[split] = error
    return splits


def findings(splits: Any) -> list[str]:
    return [f"{f.severity} {f.where}: {f.what}" for f in examine_splits(splits).findings]


def test_a_healthy_tree_has_no_finding(raw: Path) -> None:
    report = examine_splits(opened(raw))
    assert report.findings == ()
    assert report.healthy
    facts = report.facts["train"]
    assert facts.samples == 8
    assert facts.sizes == {"94x311": 8}
    assert facts.examiners["depth"].depths.sum() == sum(
        (sample.truth("depth") > 0).sum() for sample in opened(raw)["train"]
    )


def test_every_broken_file_is_named(raw: Path) -> None:
    scans = raw / DATE / DRIVE / "velodyne_points/data"
    images = raw / DATE / DRIVE / "image_02/data"
    (scans / "0000000000.bin").write_bytes(b"")
    (scans / "0000000001.bin").write_bytes((scans / "0000000001.bin").read_bytes()[:-7])
    points = np.fromfile(scans / "0000000002.bin", np.float32)
    points[0] = np.nan
    points.tofile(scans / "0000000002.bin")
    (images / "0000000003.png").write_bytes((images / "0000000003.png").read_bytes()[:-500])
    said = findings(opened(raw))
    for words in (
        r"error train: .*0000000000\.bin is empty .*\(2 samples: .*_02/0000000000, .*_03/0000000000\)",
        r"error train: .*0000000001\.bin has .* no multiple of 16",
        r"error train: .*0000000002\.bin: 1 of .* not finite",
        r"error train: .*_02/0000000003: .*image_02.*0000000003\.png is truncated",
    ):
        assert any(re.match(words, line) for line in said), (words, said)
    assert len(said) == 4, "three scans and one picture"
    skipped = examine_splits(opened(raw), skip_bad=True)
    assert skipped.healthy
    assert len(skipped.findings) == 4


def test_missing_scans_and_keys_are_named(raw: Path) -> None:
    (raw / DATE / DRIVE / "velodyne_points/data/0000000001.bin").unlink()
    assert findings(opened(raw)) == [
        f"warning train: 2 incomplete samples: {DRIVE}_02/0000000001, {DRIVE}_03/0000000001"
    ]
    file = raw / DATE / "calib_velo_to_cam.txt"
    file.write_text(file.read_text().replace("R:", "Q:"))
    said = findings(opened(raw))
    broken = [line for line in said if "has no line 'R'" in line]
    assert [re.findall(r"\d+ samples", line) for line in broken] == [["6 samples"], ["8 samples"]], "one for each split"


def test_a_picture_in_two_splits_is_noticed(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, num_images={"train": 2, "val": 1}, height=64, width=128)
    val = next((tmp_path / "leftImg8bit/val").rglob("*.png"))
    train = min((tmp_path / "leftImg8bit/train").rglob("*.png"))
    val.write_bytes(train.read_bytes())
    splits = {s: open_dataset("cityscapes", path=tmp_path, split=s, target="labels") for s in ("train", "val")}
    said = [line for line in findings(splits) if line.startswith("error")]
    assert len(said) == 1
    assert re.search(r"error train, val: 1 picture in both", said[0])


def test_a_split_that_cannot_be_opened_is_a_finding(tmp_path: Path) -> None:
    assert findings({"train": DataError("no folder x")}) == ["error train: no folder x"]


def test_where_another_split_is_there_the_path_is_right(raw: Path) -> None:
    whole = opened(raw)["train"]
    lost, said = DataError("no file x"), DataError("x is empty", "fill it")
    advice = [
        [finding.todo for finding in examine_splits(splits, besides=besides).findings]
        for splits, besides in (
            ({"train": lost}, ()),
            ({"train": lost}, ("test",)),
            ({"train": whole, "val": lost}, ("test",)),
            ({"train": said}, ()),
            ({"train": said}, ("test",)),
        )
    ]
    assert advice == [
        ["put the file or folder where it should be, or mend data.path"],
        ["put the file or folder where it should be; --split test checks what is there"],
        ["put the file or folder where it should be"],
        ["fill it"],
        ["fill it; --split test checks what is there"],
    ]


def test_missing_truth_is_a_warning_where_it_is_allowed_and_nothing_where_all_that_can_be_is_there(raw: Path) -> None:
    (raw / "files.txt").write_text("".join(f"{DATE}/{DRIVE} {frame} l\n" for frame in (0, 1, 7)))
    files = {"files": str(raw / "files.txt"), "allow_missing": True}
    dataset = open_dataset("kitti_eigen", path=raw, split="test", target="depth", **files)
    severities = [
        [finding.severity for finding in examine_splits({"test": dataset}, allow_missing=allowed).findings]
        for allowed in (False, True)
    ]
    assert severities == [["error"], ["warning"]]
    dataset.expected = 2  # as 652 of Eigen's 697 files have an improved truth
    assert examine_splits({"test": dataset}).findings == ()


def test_facts_of_many_processes_are_those_of_one() -> None:
    dataset = Synthetic(None, "train", frozenset({"labels", "depth"}), num_images=20, height=48, width=96)
    alone, together = (examine_splits({"train": dataset}, workers=n).facts["train"] for n in (1, 2))
    assert alone.samples == together.samples == 20
    classes, depths = alone.examiners["labels"].classes, alone.examiners["depth"].depths
    np.testing.assert_array_equal(classes, together.examiners["labels"].classes)
    np.testing.assert_array_equal(depths, together.examiners["depth"].depths)
    np.testing.assert_array_equal(classes, sum(examine(dataset, k).examiners["labels"].classes for k in range(20)))


def test_the_page_stands_alone(raw: Path, tmp_path: Path) -> None:
    (raw / DATE / DRIVE / "velodyne_points/data/0000000000.bin").write_bytes(b"")
    splits = opened(raw)
    page = tmp_path / "page.html"
    write_data_page(examine_splits(splits), splits, {"val": [splits["val"][0]]}, page)
    text = page.read_text()
    assert text.count("data:image/jpeg;base64,") == 1
    assert "0000000000.bin is empty" in text
    assert not re.search(r'(src|href)="http', text)
