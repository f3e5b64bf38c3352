from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.data.camvid import CamVid
from segdepth.drawing import write_png
from segdepth.kinds import IGNORE

LABELS = frozenset({"labels"})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for index in range(3):
        write_png(tmp_path / "train" / f"{index}.png", np.full((2, 3, 3), index, np.uint8))
        write_png(tmp_path / "trainannot" / f"{index}.png", np.array([[0, 10, 11], [5, 255, 3]], np.uint8))
    return tmp_path


def test_void_is_ignored(tree: Path) -> None:
    np.testing.assert_array_equal(CamVid(tree, "train", LABELS)[0].truth("labels"), [[0, 10, IGNORE], [5, IGNORE, 3]])


@pytest.mark.parametrize(
    "line", ["train/1.png trainannot/1.png", "/SegNet/CamVid/train/1.png /SegNet/CamVid/trainannot/1.png\n"]
)
def test_a_list_decides_what_is_read(tree: Path, line: str) -> None:
    (tree / "train.txt").write_text(line)
    dataset = CamVid(tree, "train", LABELS)
    assert list(dataset.names) == ["1"]
    assert (dataset[0].image == 1).all()


def test_without_a_list_folders_are_paired(tree: Path) -> None:
    assert list(CamVid(tree, "train", LABELS).names) == ["0", "1", "2"]
    (tree / "trainannot" / "1.png").unlink()
    with pytest.raises(DataError, match=r"trainannot has no label for .*1\.png \(1 of 3"):
        CamVid(tree, "train", LABELS)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("train/0.png", '"<image> <label>"'), ("train/0.png trainannot/7.png", r"7\.png, which .*train\.txt lists")],
)
def test_a_wrong_line_is_named(tree: Path, text: str, complaint: str) -> None:
    (tree / "train.txt").write_text(text)
    with pytest.raises(DataError, match=complaint):
        CamVid(tree, "train", LABELS)


def test_two_frames_of_one_name_are_refused(tree: Path) -> None:
    (tree / "train.txt").write_text("train/0.png trainannot/0.png\n" * 2)
    with pytest.raises(DataError, match=r"2 frames .*'0'"):
        CamVid(tree, "train", LABELS)


def test_it_has_no_depth(tree: Path) -> None:
    with pytest.raises(DataError, match=r"camvid has no depth \(it has: labels\)"):
        CamVid(tree, "train", frozenset({"depth"}))


def test_pictures_can_be_read_alone(tree: Path) -> None:
    (tree / "trainannot" / "0.png").write_bytes(b"broken")
    assert "labels" not in CamVid(tree, "train", frozenset())[0].truths


@pytest.mark.data
def test_the_real_one(shared_data: Callable[[str], Path]) -> None:
    root = shared_data("camvid")
    counts = {split: len(CamVid(root, split, LABELS)) for split in ("train", "val", "test")}
    assert counts == {"train": 367, "val": 101, "test": 117}
    dataset = CamVid(root, "train", LABELS)
    labels = np.stack([dataset[index].truth("labels") for index in range(0, 367, 8)])
    shares = np.bincount(labels.ravel(), minlength=256) / labels.size
    assert dataset.classes.names[3] == "road"
    assert abs(shares[3] - 0.317) < 0.02
    assert abs(shares[0] - 0.169) < 0.02
    assert abs(shares[IGNORE] - 0.040) < 0.01
