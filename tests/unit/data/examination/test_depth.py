"""Depth in another unit than metres, and depth that does not lie on its pictures, are noticed."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.data import open_dataset
from segdepth.data.doctor import examine_splits
from segdepth.drawing import write_png

DATE = "2011_09_26"


def findings(splits: Any) -> list[str]:
    return [f"{f.severity} {f.where}: {f.what}" for f in examine_splits(splits).findings]


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
    shift, clarity = report.facts["train"].examiners["depth"].shifts()[DATE]
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
