"""Truths that are computed from others come with whatever has those, and need a camera."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contract.test_datasets import BUILDERS
from segdepth.core.errors import ConfigError, DataError
from segdepth.data import DATASETS, Sample, open_dataset, stored_kinds
from segdepth.data.derived import Derived
from segdepth.data.doctor import examine_splits
from segdepth.data.synthetic import Synthetic
from segdepth.kinds import KINDS

pytestmark = pytest.mark.usefixtures("frames_drawn_once")
SIZE = {"height": 61, "width": 127}


def opened(*targets: str) -> Synthetic:
    return open_dataset("synthetic", path=None, split="val", target=frozenset(targets), num_images=2, **SIZE)  # type: ignore[return-value]


def test_normals_are_what_the_depth_and_the_camera_say() -> None:
    dataset, depth = opened("normals"), opened("depth")
    assert isinstance(dataset, Derived)
    assert set(dataset[0].truths) == {"normals"}
    camera = depth.camera
    expected = KINDS["normals"].derive(depth[0].truth("depth"), camera.fx, (camera.cx, camera.cy))
    np.testing.assert_array_equal(dataset[0].truth("normals"), expected)
    ground = expected[-10:][expected[-10:].any(-1)]
    assert np.median(ground[:, 1]) < -0.95, "what is before the car faces up"


def test_it_says_what_the_reader_says() -> None:
    dataset = opened("normals", "depth")
    assert (dataset.reader, dataset.depth_range, dataset.names) == (
        "Synthetic",
        opened("depth").depth_range,
        ["val/000000", "val/000001"],
    )
    assert dataset.targets == {"normals", "depth"}
    assert set(dataset[1].truths) == {"normals", "depth"}


def test_where_the_source_comes_from_is_said() -> None:
    depth = opened("depth")
    assert Derived(depth, frozenset({"normals"})).origins == {"normals": "computed from depth of Synthetic"}
    depth.origins = {"depth": "two eyes", "labels": "people"}
    both = Derived(depth, frozenset({"normals", "depth"}))
    assert both.origins == {"normals": "computed from depth: two eyes", "depth": "two eyes"}


def test_the_doctor_says_of_them_what_it_says_of_their_source(tmp_path: Path) -> None:
    BUILDERS["nyuv2"](tmp_path, "depth")
    next((tmp_path / "train/depth").iterdir()).unlink()
    said = {}
    for target in ("depth", "normals"):
        dataset = open_dataset("nyuv2", path=tmp_path, split="train", target=target, allow_missing=True)
        found = examine_splits({"train": dataset}).findings
        said[target] = [finding for finding in found if "incomplete" in finding.what]
    assert said["normals"] == said["depth"]
    assert said["depth"][0].severity == "error"


def test_nothing_is_computed_from_single_points() -> None:
    assert "normals" in DATASETS["nyuv2"]
    assert "normals" not in DATASETS["kitti_raw"]
    with pytest.raises(ConfigError, match="has no normals"):
        open_dataset("kitti_raw", path=Path(), split="val", target="normals")


def test_without_a_camera_it_is_said() -> None:
    class Blind(Synthetic):
        def __getitem__(self, index: int) -> Sample:
            return replace(super().__getitem__(index), focal_px=None)

    blind = Blind(split="val", targets=frozenset({"depth"}), num_images=1, **SIZE)
    with pytest.raises(DataError, match="the camera of 'val/000000' is not known"):
        Derived(blind, frozenset({"normals"}))[0]


def test_what_files_hold_is_told_from_what_is_computed() -> None:
    assert stored_kinds("nyuv2") == {"labels", "depth"}
    assert stored_kinds("kitti", together_with="labels") == {"labels"}
    assert stored_kinds("synthetic", together_with="normals") == {"labels", "depth", "normals"}
