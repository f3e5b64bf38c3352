"""The doctor finds what is broken, and says nothing about what is whole."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.core.errors import ConfigError, DataError
from segdepth.data import open_dataset
from segdepth.data.doctor import examine, examine_splits
from segdepth.data.synthetic import Synthetic, write_cityscapes, write_kitti_raw
from segdepth.drawing import write_png
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
    assert facts.depths.sum() == sum((sample.depth > 0).sum() for sample in opened(raw)["train"])


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
        r"error train: .*_02/0000000000: .*0000000000\.bin is empty",
        r"error train: .*_03/0000000001: .*0000000001\.bin has .* no multiple of 16",
        r"error train: .*_02/0000000002: .*0000000002\.bin: 1 of .* not finite",
        r"error train: .*_02/0000000003: .*image_02.*0000000003\.png is truncated",
    ):
        assert any(re.match(words, line) for line in said), (words, said)
    assert len(said) == 7, "three scans of two pictures, and one picture"


def test_missing_scans_and_keys_are_named(raw: Path) -> None:
    (raw / DATE / DRIVE / "velodyne_points/data/0000000001.bin").unlink()
    assert findings(opened(raw)) == [
        f"warning train: 2 samples are incomplete: {DRIVE}_02/0000000001, {DRIVE}_03/0000000001"
    ]
    file = raw / DATE / "calib_velo_to_cam.txt"
    file.write_text(file.read_text().replace("R:", "Q:"))
    said = findings(opened(raw))
    assert sum("has no line 'R'" in line for line in said) == 14


def test_real_calibrations_fit_and_a_wrong_one_is_noticed(shared_data: Any, tmp_path: Path) -> None:
    real = shared_data("kitti_raw") / DATE
    drive = f"{DATE}_drive_0005_sync"
    (tmp_path / DATE).mkdir()
    (tmp_path / DATE / drive).symlink_to(real / drive)
    text = {name: (real / name).read_text() for name in ("calib_cam_to_cam.txt", "calib_velo_to_cam.txt")}
    for name, content in text.items():
        (tmp_path / DATE / name).write_text(content)
    dataset = open_dataset("kitti_raw", path=tmp_path, split="train", target="depth")
    report = examine_splits({"train": dataset})
    assert report.findings == ()
    shift, clarity = report.facts["train"].shifts()[DATE]
    assert abs(shift) <= 2
    assert clarity > 1.2
    moved = []
    for line in text["calib_cam_to_cam.txt"].splitlines():
        words = line.split()
        if words[0] == "P_rect_02:":  # the principal point, 12 columns to the right
            words[3] = str(float(words[3]) + 12)
        moved.append(" ".join(words))
    (tmp_path / DATE / "calib_cam_to_cam.txt").write_text("\n".join(moved))
    said = findings({"train": open_dataset("kitti_raw", path=tmp_path, split="train", target="depth")})
    assert len(said) == 1
    assert re.search(r"error train 2011_09_26: jumps in depth .* moved by -1[0-4] columns", said[0]), said


def test_the_wrong_unit_is_noticed(tmp_path: Path) -> None:
    for index in range(2):
        write_png(
            tmp_path / f"rgb/{index}.png", np.random.default_rng(index).integers(0, 255, (12, 20, 3)).astype(np.uint8)
        )
        write_png(tmp_path / f"depth/{index}.png", np.full((12, 20), 2500, np.uint16))
    for unit, wrong in ((0.001, False), (0.1, True)):
        dataset = open_dataset("folder", path=tmp_path, split="train", target="depth", images="rgb/*.png",
                               depths="depth/*.png", depth_unit=unit, max_depth=1000.0)  # fmt: skip
        said = findings({"train": dataset})
        assert bool(said) == wrong
        assert not wrong or "median depth is 250 m" in said[0]


def test_a_picture_in_two_splits_is_noticed(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, num_images={"train": 2, "val": 1}, height=64, width=128)
    val = next((tmp_path / "leftImg8bit/val").rglob("*.png"))
    train = min((tmp_path / "leftImg8bit/train").rglob("*.png"))
    val.write_bytes(train.read_bytes())
    splits = {s: open_dataset("cityscapes", path=tmp_path, split=s, target="labels") for s in ("train", "val")}
    said = [line for line in findings(splits) if line.startswith("error")]
    assert len(said) == 1
    assert re.search(r"error train, val: 1 pictures are in both", said[0])


def test_labels_that_are_no_class_and_classes_that_never_occur(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, num_images={"train": 2, "val": 1}, height=64, width=128)
    labels = min((tmp_path / "gtFine/train").rglob("*.png"))
    write_png(labels, np.full((64, 128), 77, np.uint8))
    said = findings({"train": open_dataset("cityscapes", path=tmp_path, split="train", target="labels")})
    assert re.search(r"error train: .*labelIds\.png has 8192 pixels of value 77", said[0])
    assert any("classes that never occur" in line for line in said)


def test_a_split_that_cannot_be_opened_is_a_finding(tmp_path: Path) -> None:
    assert findings({"train": DataError("no folder x")}) == ["error train: no folder x"]


def test_facts_of_many_processes_are_those_of_one() -> None:
    dataset = Synthetic(None, "train", frozenset({"labels", "depth"}), num_images=20, height=48, width=96)
    alone, together = (examine_splits({"train": dataset}, workers=n).facts["train"] for n in (1, 2))
    assert alone.samples == together.samples == 20
    np.testing.assert_array_equal(alone.classes, together.classes)
    np.testing.assert_array_equal(alone.depths, together.depths)
    np.testing.assert_array_equal(alone.classes, sum(examine(dataset[k]).classes for k in range(20)))


def test_the_page_stands_alone(raw: Path, tmp_path: Path) -> None:
    (raw / DATE / DRIVE / "velodyne_points/data/0000000000.bin").write_bytes(b"")
    splits = opened(raw)
    page = tmp_path / "page.html"
    write_data_page(examine_splits(splits), splits, {"val": [splits["val"][0]]}, page)
    text = page.read_text()
    assert text.count("data:image/jpeg;base64,") == 1
    assert "0000000000.bin is empty" in text
    assert not re.search(r'(src|href)="http', text)


def test_labels_and_depth_of_one_frame(shared_data: Any, tmp_path: Path) -> None:
    root, raw = shared_data("kitti_semantics"), shared_data("kitti_raw")
    both = frozenset({"labels", "depth"})
    dataset = open_dataset("kitti_joint", path=root, split="all", target=both, raw_path=str(raw))
    assert dataset.names == ("000002_10", "000003_10")
    for sample in dataset:
        assert sample.labels.shape == sample.depth.shape == sample.image.shape[:2]
        measured = sample.depth > 0
        assert measured.mean() > 0.03
        assert (measured & (sample.labels == 10)).sum() < 0.01 * measured.sum(), "there is no laser point in the sky"
        np.testing.assert_array_equal(
            sample.image,
            open_dataset("kitti_raw", path=raw, split="val", target="depth")[
                {"000002_10": 2, "000003_10": 7}[sample.name]
            ].image,
        )
    mapping = tmp_path / "train_mapping.txt"
    mapping.write_text(f"\n\n\n{DATE} {DATE}_drive_0005_sync 0000000059\n")
    listed = open_dataset("kitti_joint", path=root, split="all", target=both, raw_path=str(raw), mapping=str(mapping))
    assert listed.names == ("000003_10",)
    with pytest.raises(ConfigError, match="raw_path is needed"):
        open_dataset("kitti_joint", path=root, split="all", target=both)


def test_truths_of_different_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not together"):
        open_dataset("kitti", path=tmp_path, split="train", target=frozenset({"labels", "depth"}))
    sample = open_dataset(
        "synthetic", path=None, split="train", target=frozenset({"labels", "depth"}), height=32, width=64
    )[0]
    assert sample.labels.shape == sample.depth.shape
