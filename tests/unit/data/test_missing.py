"""Pictures whose truth is missing: named and refused, or left out when that is asked for, by every reader of files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.data import open_dataset
from segdepth.data.doctor import examine_splits
from segdepth.drawing import write_png


def picture(path: Path, channels: int = 3) -> None:
    shape = (8, 12, 3) if channels == 3 else (8, 12)
    write_png(path, np.ones(shape, np.uint8))


def camvid(root: Path) -> tuple[dict[str, Any], Path]:
    for name in "abc":
        picture(root / f"train/{name}.png")
        picture(root / f"trainannot/{name}.png", 1)
    return {"name": "camvid", "target": "labels"}, root / "trainannot/b.png"


def camvid_list(root: Path) -> tuple[dict[str, Any], Path]:
    found = camvid(root)
    (root / "train.txt").write_text("".join(f"train/{name}.png trainannot/{name}.png\n" for name in "abc"))
    return found


def cityscapes(root: Path) -> tuple[dict[str, Any], Path]:
    for name in "abc":
        picture(root / f"leftImg8bit/train/city/{name}_leftImg8bit.png")
        picture(root / f"gtFine/train/city/{name}_gtFine_labelIds.png", 1)
    return {"name": "cityscapes", "target": "labels"}, root / "gtFine/train/city/b_gtFine_labelIds.png"


def kitti_semantics(root: Path) -> tuple[dict[str, Any], Path]:
    for name in "abcd":
        picture(root / f"training/image_2/{name}.png")
        picture(root / f"training/semantic/{name}.png", 1)
    return {"name": "kitti", "target": "labels"}, root / "training/semantic/c.png"


def kitti_depth(root: Path) -> tuple[dict[str, Any], Path]:
    for name in "abc":
        picture(root / f"drive/{name}.jpg.png")
        (root / f"drive/{name}.jpg.png").rename(root / f"drive/{name}.jpg")
        np.save(root / f"drive/{name}.npy", np.ones((8, 12), np.float32))
    (root / "train.txt").write_text("drive\n")
    return {"name": "kitti", "target": "depth"}, root / "drive/b.npy"


def nyuv2(root: Path) -> tuple[dict[str, Any], Path]:
    for name in "abc":
        picture(root / f"train/rgb/{name}.png")
        picture(root / f"train/label/{name}.png", 1)
    return {"name": "nyuv2", "target": "labels"}, root / "train/label/b.png"


def folder(root: Path) -> tuple[dict[str, Any], Path]:
    for name in "abc":
        picture(root / f"train/{name}.png")
        picture(root / f"train/labels/{name}.png", 1)
    return {"name": "folder", "target": "labels", "images": "{split}/*.png", "labels": "{split}/labels/*.png",
            "classes": ["x", "y"]}, root / "train/labels/b.png"  # fmt: skip


def folder_csv(root: Path) -> tuple[dict[str, Any], Path]:
    _, lost = folder(root)
    lines = ["image,label", *(f"train/{name}.png,train/labels/{name}.png" for name in "abc")]
    (root / "train.csv").write_text("\n".join(lines))
    return {"name": "folder", "target": "labels", "csv": "{split}.csv", "classes": ["x", "y"]}, lost


Make = Callable[[Path], tuple[dict[str, Any], Path]]


@pytest.mark.parametrize(
    "make", [camvid, camvid_list, cityscapes, kitti_semantics, kitti_depth, nyuv2, folder, folder_csv]
)
def test_a_picture_without_truth(make: Make, tmp_path: Path) -> None:
    arguments, lost = make(tmp_path)
    arguments |= {"path": tmp_path, "split": "train"}
    whole = open_dataset(**arguments)
    assert whole.missing == ()
    lost.unlink()
    with pytest.raises(DataError, match=lost.stem[0]):
        open_dataset(**arguments)
    part = open_dataset(**arguments, allow_missing=True)
    assert len(part) == len(whole) - 1
    assert len(part.missing) == 1
    assert set(part.names) | set(part.missing) == set(whole.names)
    report = examine_splits({"train": part})
    assert any(finding.severity == "error" and "incomplete" in finding.what for finding in report.findings)


@pytest.mark.parametrize("make", [camvid, cityscapes, kitti_semantics, kitti_depth, nyuv2])
def test_nothing_but_missing_truth_is_refused_all_the_same(make: Make, tmp_path: Path) -> None:
    arguments, lost = make(tmp_path)
    for file in lost.parent.iterdir():
        if file.suffix == lost.suffix:
            file.unlink()
    with pytest.raises(DataError):
        open_dataset(**arguments, path=tmp_path, split="train", allow_missing=True)
