from pathlib import Path

import cv2
import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.data.kitti_depth import KittiDepth
from segdepth.drawing import write_depth_png16, write_png

DEPTH = frozenset({"depth"})
METRES = np.array([[0, 1.5, 80.25], [3, 4, 5]], np.float32)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for drive in ("b_02", "a_03"):
        (tmp_path / drive).mkdir()
        for index in range(2):
            jpeg = cv2.imencode(".jpg", np.full((2, 3, 3), 99, np.uint8))[1]
            (tmp_path / drive / f"{index:010}.jpg").write_bytes(bytes(jpeg))
            np.save(tmp_path / drive / f"{index:010}.npy", METRES)
    (tmp_path / "train.txt").write_text("b_02\na_03")  # the last line has no end, and must keep its last letter
    (tmp_path / "val.txt").write_text("a_03\n")
    return tmp_path


def test_the_lists_decide(tree: Path) -> None:
    assert list(KittiDepth(tree, "val", DEPTH).names) == ["a_03/0000000000", "a_03/0000000001"]
    assert [name[0] for name in KittiDepth(tree, "train", DEPTH).names] == ["a", "a", "b", "b"]


def test_depth_is_as_stored(tree: Path) -> None:
    np.testing.assert_array_equal(KittiDepth(tree, "train", DEPTH)[3].truth("depth"), METRES)


def test_depth_may_be_a_png_beside_a_jpeg(tree: Path) -> None:
    for file in (tree / "a_03").glob("*.npy"):
        file.unlink()
        write_depth_png16(file.with_suffix(".png"), METRES)
    np.testing.assert_array_equal(KittiDepth(tree, "val", DEPTH)[1].truth("depth"), METRES)


def test_pictures_may_be_png(tree: Path) -> None:
    for file in (tree / "a_03").glob("*.jpg"):
        file.unlink()
        write_png(file.with_suffix(".png"), np.full((2, 3, 3), 7, np.uint8))
    sample = KittiDepth(tree, "val", DEPTH)[0]
    assert (sample.image == 7).all()
    np.testing.assert_array_equal(sample.truth("depth"), METRES)


@pytest.mark.parametrize("text", ["241.7 0 104\n0 246 59\n0 0 1", "241.7, 0, 104, 0, 246, 59, 0, 0, 1"])
def test_the_focal_length_is_that_of_the_drive(tree: Path, text: str) -> None:
    assert KittiDepth(tree, "val", DEPTH)[0].focal_px is None
    (tree / "a_03" / "cam.txt").write_text(text)
    dataset = KittiDepth(tree, "train", DEPTH)
    assert dataset[0].focal_px == 241.7
    assert dataset[3].focal_px is None


def test_a_wrong_matrix_is_named(tree: Path) -> None:
    (tree / "a_03" / "cam.txt").write_text("1 2 3")
    with pytest.raises(DataError, match=r"cam\.txt is not a 3x3 matrix"):
        KittiDepth(tree, "val", DEPTH)


def test_a_picture_without_depth_is_named(tree: Path) -> None:
    (tree / "a_03" / "0000000001.npy").unlink()
    with pytest.raises(DataError, match=r"a_03 has no depth for .*0000000001\.jpg"):
        KittiDepth(tree, "val", DEPTH)


def test_a_listed_folder_that_is_missing_is_named(tree: Path) -> None:
    (tree / "val.txt").write_text("a_03\nc_02\n")
    with pytest.raises(DataError, match=r"no folder .*c_02 for the images that .*val\.txt lists"):
        KittiDepth(tree, "val", DEPTH)


def test_a_listed_folder_without_pictures_is_named(tree: Path) -> None:
    (tree / "c_02").mkdir()
    (tree / "val.txt").write_text("c_02")
    with pytest.raises(DataError, match=r"no images in .*c_02"):
        KittiDepth(tree, "val", DEPTH)


def test_a_missing_list_is_named_with_what_makes_it(tree: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*test\.txt.*segdepth prepare"):
        KittiDepth(tree, "test", DEPTH)
