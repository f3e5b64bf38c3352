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
    assert facts.depths.sum() == sum((sample.truth("depth") > 0).sum() for sample in opened(raw)["train"])


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


@pytest.mark.parametrize(
    ("metres", "unit", "max_depth", "words"),
    [
        # a street in millimetres, whose farthest points do not fit into 16 bits
        (np.geomspace(4, 60, 240), 0.001, 80.0, None),
        (np.geomspace(4, 60, 240), 1 / 256, 80.0, "warning.* % of the depth is left out, because it is beyond 80 m"),
        (np.geomspace(4, 60, 240), 1 / 256, 256.0, "warning.*median depth is 60.* far for a street"),
        (np.geomspace(4, 90, 240), 1 / 256, 256.0, "error.* % of the depth is 256 m, the largest number of a 16-bit"),
        (np.geomspace(4, 60, 240) * 0.256, 0.001, 80.0, "warning.*median depth is 3.9.* m, which is near"),
        (np.full(240, 2.5), 0.001, 10.0, None),
        (np.full(240, 2.5), 0.1, 1000.0, "error.*median depth is 250 m"),
        (np.full(240, 2.5), 0.1, 10.0, "warning.*100 % of the depth is left out"),
    ],
)
def test_the_wrong_unit_is_noticed(
    metres: np.ndarray, unit: float, max_depth: float, words: str | None, tmp_path: Path
) -> None:
    stored = np.clip(np.rint(metres * 1000), 0, 65535).astype(np.uint16).reshape(12, 20)
    write_png(tmp_path / "rgb/0.png", np.random.default_rng(0).integers(0, 255, (12, 20, 3)).astype(np.uint8))
    write_png(tmp_path / "depth/0.png", stored)
    dataset = open_dataset("folder", path=tmp_path, split="train", target="depth", images="rgb/*.png",
                           depths="depth/*.png", depth_unit=unit, max_depth=max_depth)  # fmt: skip
    said = [line for line in findings({"train": dataset}) if "(almost) no depth" not in line]
    assert len(said) == (words is not None), said
    assert words is None or re.match(words, said[0]), said


def test_the_wrong_unit_of_prepared_kitti_is_noticed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_png(tmp_path / "drive_02/0.png", rng.integers(0, 255, (32, 64, 3)).astype(np.uint8))
    write_png(tmp_path / "drive_02/0.depth.png", np.geomspace(4000, 60000, 32 * 64).astype(np.uint16).reshape(32, 64))
    (tmp_path / "train.txt").write_text("drive_02")
    said = findings({"train": open_dataset("kitti", path=tmp_path, split="train", target="depth")})
    assert re.match("error train: 2[0-9] % of the depth is beyond 120 m .*scored up to 80 m", said[0]), said


def test_a_label_file_without_any_class_is_named(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, num_images={"train": 3, "val": 1}, height=64, width=128)
    labels = min((tmp_path / "gtFine/train").rglob("*_labelIds.png"))
    write_png(labels, np.zeros((64, 128), np.uint8))
    said = findings({"train": open_dataset("cityscapes", path=tmp_path, split="train", target="labels")})
    assert f"every pixel is ignored: {labels.name.removesuffix('_gtFine_labelIds.png')}" in said[0]


def test_a_picture_in_two_splits_is_noticed(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, num_images={"train": 2, "val": 1}, height=64, width=128)
    val = next((tmp_path / "leftImg8bit/val").rglob("*.png"))
    train = min((tmp_path / "leftImg8bit/train").rglob("*.png"))
    val.write_bytes(train.read_bytes())
    splits = {s: open_dataset("cityscapes", path=tmp_path, split=s, target="labels") for s in ("train", "val")}
    said = [line for line in findings(splits) if line.startswith("error")]
    assert len(said) == 1
    assert re.search(r"error train, val: 1 picture in both", said[0])


def test_labels_that_are_no_class_and_classes_that_never_occur(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, num_images={"train": 2, "val": 1}, height=64, width=128)
    labels = min((tmp_path / "gtFine/train").rglob("*.png"))
    write_png(labels, np.full((64, 128), 77, np.uint8))
    said = findings({"train": open_dataset("cityscapes", path=tmp_path, split="train", target="labels")})
    assert re.search(r"error train: .*labelIds\.png has 8192 pixels of value 77", said[0])
    assert any("classes that never occur" in line for line in said)


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
        assert sample.truth("labels").shape == sample.truth("depth").shape == sample.image.shape[:2]
        measured = sample.truth("depth") > 0
        assert measured.mean() > 0.03
        assert (measured & (sample.truth("labels") == 10)).sum() < 0.01 * measured.sum(), (
            "there is no laser point in the sky"
        )
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
    assert sample.truth("labels").shape == sample.truth("depth").shape
