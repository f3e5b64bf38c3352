"""Cityscapes' doors: depth of the test split, and label ids for the server."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from segdepth.cli import main
from segdepth.data.labels import CITYSCAPES
from segdepth.data.synthetic import write_cityscapes


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Task -> configuration and run, on a make-believe Cityscapes with a test split."""
    world = tmp_path_factory.mktemp("world")
    write_cityscapes(world, num_images={"train": 2, "val": 1, "test": 2}, height=64, width=128)
    result = {}
    for task in ("seg", "depth"):
        config = world / f"tiny_{task}.yml"
        values = {
            "model": {"arch": "segnet", "width": 0.125},
            "task": task,
            "data": {"dataset": "cityscapes", "path": str(world), "img_rows": 48, "img_cols": 96},
            "training": {"train_iters": 1, "batch_size": 2, "val_interval": 1, "print_interval": 1, "n_workers": 0},
        }
        config.write_text(yaml.safe_dump(values))
        assert main(["train", "--config", str(config), "--runs", str(world / "runs"), "--device", "cpu"]) == 0
        values["testing"] = {"trained_model": str(world / f"runs/tiny_{task}")}
        config.write_text(yaml.safe_dump(values))
        result[task] = (config, world / f"runs/tiny_{task}")
    return result


def test_submission_files_hold_label_ids_at_the_pictures_size(
    trained: dict[str, tuple[Path, Path]], tmp_path: Path
) -> None:
    config, _ = trained["seg"]
    assert main(["predict", "--task", "seg", "--label-ids", "--config", str(config), "--out_path", str(tmp_path)]) == 0
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [f"zebrabach_{k:06d}_000019_leftImg8bit.png" for k in range(2)]
    ids = cv2.imread(str(files[0]), cv2.IMREAD_UNCHANGED)
    assert ids.shape == (64, 128)
    assert ids.dtype == np.uint8
    assert set(np.unique(ids)) <= set(CITYSCAPES.label_ids)


def test_label_ids_of_depth_are_refused(
    trained: dict[str, tuple[Path, Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, _ = trained["depth"]
    assert main(["predict", "--label-ids", "--config", str(config), "--out", str(tmp_path)]) == 2
    assert "label ids are for segmentation" in capsys.readouterr().err


def test_depth_is_scored_on_the_test_split(trained: dict[str, tuple[Path, Path]], tmp_path: Path) -> None:
    config, _ = trained["depth"]
    report = tmp_path / "report.json"
    assert main(["evaluate", "--task", "depth", "--test", "--config", str(config), "--out", str(report)]) == 0
    protocol = json.loads(report.read_text())["protocol"]
    assert (protocol["split"], protocol["files_scored"], protocol["crop"]) == ("test", 2, "cityscapes")
    assert "disparity" in protocol["ground_truth"]
