"""What `segdepth evaluate` makes of another model's files of labels."""

import json
from pathlib import Path

import numpy as np
import pytest

from segdepth.cli import main
from segdepth.data import open_dataset
from segdepth.data.labels import CITYSCAPES
from segdepth.data.synthetic import write_kitti_raw, write_kitti_semantics
from segdepth.drawing import write_png
from segdepth.networks import Classes, save_network
from segdepth.tasks import create_network

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


def test_relative_answers_are_scored_once_they_are_aligned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--task", "depth", "--dataset", "synthetic", "data.num_images=2", "data.height=48", "data.width=96"]
    frames = open_dataset("synthetic", path=None, split="val", target="depth", num_images=2, height=48, width=96)
    near = np.stack([5 / np.maximum(frames[k].truth("depth"), 1) - 2 for k in range(2)])
    np.save(tmp_path / "near.npy", near.astype(np.float32))
    command = ["evaluate", "--predictions", str(tmp_path / "near.npy"), *data, "--relative", "--inverse"]
    assert main(command) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "these answers are relative inverse depth" in said
    assert "--align median or --align least-squares" in said
    report = tmp_path / "report.json"
    assert (
        main([*command, "--align", "least-squares", "--out", str(report), "--worst", "1", "--pictures", str(tmp_path)])
        == 0
    )
    printed = " ".join(capsys.readouterr().out.split())
    assert "protocol the data set's own, least-squares" in printed
    assert "factor and shift of each image's inverse depth fitted" in printed
    written = json.loads(report.read_text())
    assert written["protocol"]["scaling"] == "least-squares"
    assert written["scores"]["near.npy"]["abs_rel"] < 1e-3
    assert main([*command, "--align", "nearest"]) == 2
    assert "no alignment named 'nearest'" in capsys.readouterr().err
    assert main(["evaluate", "--checkpoint", str(tmp_path), "--relative"]) == 2
    assert "--relative is for the files of --predictions" in capsys.readouterr().err


def test_other_classes_are_scored_by_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = CITYSCAPES.names
    net = create_network("segnet", num_classes=len(theirs), width=0.0625)
    names = (*theirs[1:], "street")
    net.card = net.card.model_copy(update={"classes": Classes.named(names), "input_size": (32, 64)})
    save_network(net, tmp_path / "net.safetensors")
    data = ["--dataset", "synthetic", "data.num_images=1", "data.height=48", "data.width=96"]
    command = ["evaluate", "--checkpoint", str(tmp_path / "net.safetensors"), *data]
    assert main(command) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert (
        f"19 classes ({', '.join(names)}) are not the data set's 19 ({', '.join(theirs)}): say which is which" in said
    )
    table = tmp_path / "map.yml"
    table.write_text("".join(f"{name}: {name}\n" for name in names[:-1]) + "street: null\n")
    report = tmp_path / "report.json"
    assert main([*command, "--class-map", str(table), "--out", str(report)]) == 0
    assert "classes mapped by the table that was given (never right: street)" in " ".join(
        capsys.readouterr().out.split()
    )
    assert json.loads(report.read_text())["protocol"]["class_map"]["street"] is None
    assert main(["evaluate", "--predictions", str(tmp_path), *data, "--task", "seg", "--class-map", str(table)]) == 2
    assert "--class-map is for a network's classes" in capsys.readouterr().err
