from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.data.nyuv2 import NYUv2
from segdepth.drawing import write_png
from segdepth.kinds import IGNORE

BOTH = frozenset({"labels", "depth"})


def write_frame(root: Path, rows: int, cols: int, label: int = 3, depth: int = 2500) -> None:
    write_png(root / "val" / "rgb" / "0001.png", np.zeros((rows, cols, 3), np.uint8))
    write_png(root / "val" / "label" / "0001.png", np.full((rows, cols), label, np.uint8))
    write_png(root / "val" / "depth" / "0001.png", np.full((rows, cols), depth, np.uint16))


@pytest.mark.parametrize(("rows", "cols", "inside"), [(240, 320, (22, 235, 20, 300)), (480, 640, (44, 470, 40, 600))])
def test_the_white_frame_has_no_truth(tmp_path: Path, rows: int, cols: int, inside: tuple[int, int, int, int]) -> None:
    write_frame(tmp_path, rows, cols)
    sample = NYUv2(tmp_path, "val", BOTH)[0]
    expected = np.zeros((rows, cols), bool)
    expected[inside[0] : inside[1] + 1, inside[2] : inside[3] + 1] = True
    np.testing.assert_array_equal(sample.truth("depth"), np.where(expected, np.float32(2.5), 0))
    np.testing.assert_array_equal(sample.truth("labels"), np.where(expected, 3, IGNORE))


def test_the_focal_length_is_that_of_the_size(tmp_path: Path) -> None:
    write_frame(tmp_path, 240, 320)
    assert NYUv2(tmp_path, "val", BOTH)[0].focal_px == pytest.approx(259.4, abs=0.05)


def test_a_missing_depth_file_is_named(tmp_path: Path) -> None:
    write_frame(tmp_path, 24, 32)
    (tmp_path / "val" / "depth" / "0001.png").unlink()
    with pytest.raises(DataError, match=r"depth has no depth for .*0001\.png"):
        NYUv2(tmp_path, "val", BOTH)
    assert len(NYUv2(tmp_path, "val", frozenset({"labels"}))) == 1


def test_other_props_are_ignored_and_more_is_refused(tmp_path: Path) -> None:
    write_frame(tmp_path, 24, 32, label=39)
    assert (NYUv2(tmp_path, "val", BOTH)[0].truth("labels") == IGNORE).all()
    write_frame(tmp_path, 24, 32, label=40)
    with pytest.raises(DataError, match="value 40"):
        NYUv2(tmp_path, "val", BOTH)[0]


@pytest.mark.data
def test_the_real_one(shared_data: Callable[[str], Path]) -> None:
    root = shared_data("rgbd") / "nyuv2"
    assert len(NYUv2(root, "train", BOTH)) == 240
    dataset = NYUv2(root, "val", BOTH)
    assert len(dataset) == 60
    depth = np.stack([dataset[index].truth("depth") for index in range(0, 60, 4)])
    assert 0.7 < depth[depth > 0].min() < depth.max() < 10
    assert 2 < depth[depth > 0].mean() < 4
    assert (depth[:, 22:236, 20:301] > 0).all()
    assert not depth[:, :22].any()
    # The white frame of the pictures is outside what has a truth.
    assert dataset[0].image[:, -2:].mean() > 200
