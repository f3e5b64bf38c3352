"""What `segdepth evaluate` makes of another model's files of labels."""

import json
from pathlib import Path

import numpy as np
import pytest

from segdepth.cli import main
from segdepth.data.synthetic import write_kitti_raw, write_kitti_semantics
from segdepth.drawing import write_png

ROAD = 7  # as a label id; the train id 7 is a traffic sign


def test_label_ids_that_may_be_train_ids_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, predictions, report = tmp_path / "data", tmp_path / "predictions", tmp_path / "report.json"
    write_kitti_semantics(root, num_images=3, height=48, width=96)
    for image in (root / "training/image_2").iterdir():
        write_png(predictions / image.name, np.full((48, 96), ROAD, np.uint8))
    command = ["evaluate", "--predictions", str(predictions), "--task", "seg", "--dataset", "kitti", "--dataset_dir", str(root),
               "--out", str(report)]  # fmt: skip
    assert main(command) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert (
        "the values in the predicted labels (7) may be train ids or label ids; say which: --train-ids or --label-ids"
        in said
    )
    scores = {}
    for ids in ("--label-ids", "--train-ids"):
        assert main([*command, ids]) == 0
        scores[ids] = json.loads(report.read_text())["scores"]["predictions"]
    assert scores["--label-ids"]["IoU.road"] > 0.1
    assert scores["--train-ids"]["IoU.road"] == 0
    for image in (root / "training/image_2").iterdir():
        (predictions / image.name).rename(predictions / f"{image.stem}_labelIds.png")
    assert main(command) == 0
    assert json.loads(report.read_text())["scores"]["predictions"] == scores["--label-ids"]


def test_ids_are_for_files_of_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--checkpoint", str(tmp_path), "--label-ids", "--dataset", "kitti"]) == 2
    assert "--label-ids and --train-ids are for the files of --predictions" in capsys.readouterr().err
    write_kitti_raw(tmp_path / "raw", drives=(2,), frames=1, height=32, width=64)
    np.save(tmp_path / "0.npy", np.ones((1, 32, 64)))
    (tmp_path / "files.txt").write_text("2011_09_26/2011_09_26_drive_0002_sync 0 l")
    depth = [
        "--dataset",
        "kitti_eigen",
        "--dataset_dir",
        str(tmp_path / "raw"),
        "--dataset_list",
        str(tmp_path / "files.txt"),
    ]
    assert main(["evaluate", "--predictions", str(tmp_path / "0.npy"), *depth]) == 0
    assert main(["evaluate", "--predictions", str(tmp_path / "0.npy"), *depth, "--train-ids"]) == 2
