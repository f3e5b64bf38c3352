"""Labels and depth of one moment."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.core.errors import ConfigError
from segdepth.data import open_dataset

DATE = "2011_09_26"


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
