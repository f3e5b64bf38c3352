"""KITTI from raw drives to scores, as a user types it, on a make-believe tree in the official layout."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from segdepth.cli import main
from segdepth.data.synthetic import write_kitti_raw

REPOSITORY = Path(__file__).resolve().parents[2]
DRIVES = {"train": 1, "test": 2, "val": 5}


def drive(part: str) -> str:
    return f"2011_09_26_drive_{DRIVES[part]:04d}_sync"


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("raw")
    write_kitti_raw(root, drives=tuple(DRIVES.values()), frames=3, height=94, width=311)
    lines = (f"2011_09_26/{drive('test')}/image_02/data/{k:010d}.png" for k in range(3))
    (root / "files.txt").write_text("\n".join(lines))
    return root


@pytest.fixture(scope="module")
def prepared(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    arguments = ["--dataset_dir", str(raw), "--dump-root", str(folder), "--width", "104", "--height", "32"]
    assert main(["prepare", "kitti", *arguments, "--num-threads", "1", "--static-frames", "none"]) == 0
    return folder


@pytest.fixture(scope="module")
def run_folder(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    values = {
        "model": {"arch": "dispnet", "width": 0.125},
        "task": "depth",
        "data": {"dataset": "kitti", "path": str(prepared), "img_rows": 32, "img_cols": 104},
        "training": {"train_iters": 2, "batch_size": 2, "val_interval": 2, "print_interval": 1, "n_workers": 0},
    }
    config = root / "tiny.yml"
    config.write_text(yaml.safe_dump(values))
    assert main(["train", "--config", str(config), "--runs", str(root / "runs"), "--device", "cpu"]) == 0
    return root / "runs/tiny"


def test_preparing_again_verifies(raw: Path, prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--dataset_dir", str(raw), "--dump-root", str(prepared), "--width", "104", "--height", "32"]
    assert main(["prepare", "kitti", *arguments, "--num-threads", "1", "--static-frames", "none"]) == 0
    printed = capsys.readouterr().out
    assert "0 pictures made, 12 verified" in printed
    assert "train folders 2, val folders 2, test drives left out 1" in printed
    assert f"left out, test scene: 1 ({drive('test')})" in printed


def test_a_tree_without_validation_is_said(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--dataset_dir", str(raw), "--dump-root", str(tmp_path), "--width", "104", "--height", "32"]
    assert main(["prepare", "kitti", *arguments, "--num-threads", "1", "--val-share", "0"]) == 0
    assert "no folder is for validation" in capsys.readouterr().err


def test_a_test_scene_is_prepared_where_it_is_named(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--dataset_dir", str(raw), "--dump-root", str(tmp_path), "--width", "104", "--height", "32",
                 "--num-threads", "1", "--static-frames", "none"]  # fmt: skip
    assert main(["prepare", "kitti", *arguments, "--drive", drive("test").removesuffix("_sync")]) == 0
    printed = capsys.readouterr()
    assert f"warning: {drive('test')} is a test scene" in printed.err
    assert "no folder is for validation" not in printed.err
    assert "test folders 2, test drives left out 0" in printed.out
    assert (tmp_path / "test.txt").read_text() == f"{drive('test')}_02\n{drive('test')}_03\n"
    assert main(["prepare", "kitti", *arguments, "--drive", "drive 2"]) == 2
    assert "--drive is 'drive 2'; it must look like 2011_09_26_drive_0001_sync" in capsys.readouterr().err


def test_torchrun_decides_the_shard(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["prepare", "kitti", "--dataset_dir", str(raw), "--dump-root", str(tmp_path), "--num-threads", "1",
                 "--width", "104", "--height", "32"]  # fmt: skip
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in ("1", "0"):
        assert not (tmp_path / "manifest.json").exists()
        monkeypatch.setenv("RANK", rank)
        assert main(arguments) == 0
    assert (tmp_path / "manifest.json").exists()


def test_the_eigen_protocol_from_a_checkpoint(
    raw: Path, run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    arguments = ["--model_path", str(run_folder), "--model_name", "dispnet", "--img_height", "32", "--img_width", "104",
                 "--dataset_dir", str(raw), "--dataset_list", str(raw / "files.txt"), "--min-depth", "0.001",
                 "--max-depth", "80", "--pred_disp", "--worst", "2", "--pictures", str(tmp_path / "worst"),
                 "--out", str(report)]  # fmt: skip
    assert main(["evaluate", "--task", "depth", "--dataset", "kitti_eigen", *arguments]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "3 files expected, 3 found, 3 scored" in printed
    assert "metres along the camera's axis; crop garg, 0.001-80 m, scaling none" in printed
    assert "10-20 m" in printed
    stored = json.loads(report.read_text())
    assert stored["protocol"]["name"] == "eigen-raw-garg"
    assert "laser scan" in stored["protocol"]["ground_truth"]
    assert stored["protocol"]["files_missing"] == []
    assert 0 < stored["scores"]["dispnet"]["abs_rel"] < 10
    assert len(stored["images"]) == 3
    mean = np.mean([scores["abs_rel"] for scores in stored["images"].values()])
    assert stored["scores"]["dispnet"]["abs_rel"] == pytest.approx(mean)
    assert len(stored["worst"]) == 2
    rows, columns = cv2.imread(stored["worst"][0]).shape[:2]
    assert rows > 4 * 94, "a title above each of four panels"
    assert columns == 311


def test_all_protocols_whose_truth_is_there(
    raw: Path, run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    arguments = ["--checkpoint", str(run_folder), "--dataset", "kitti_eigen", "--dataset_dir", str(raw),
                 "--dataset_list", str(raw / "files.txt"), "--all-protocols", "--out", str(report)]  # fmt: skip
    assert main(["evaluate", *arguments]) == 0
    said = capsys.readouterr()
    stored = json.loads(report.read_text())
    scores = stored["scores"]
    axes = {name: protocol["ground_truth"] for name, protocol in stored["protocols"].items()}
    assert all(("laser's forward axis" if "monodepth2" in name else "camera's axis") in axes[name] for name in axes)
    assert set(scores) == {
        "eigen-raw-garg",
        "eigen-raw-garg-median",
        "eigen-raw-garg-50m",
        "eigen-raw-eigen",
        "eigen-raw-nocrop",
        "eigen-monodepth2-garg",
        "eigen-monodepth2-garg-median",
    }
    assert len({one["abs_rel"] for one in scores.values()}) == 7, "each is another number"
    assert "improved" in said.err


def test_another_models_files(raw: Path, tmp_path: Path) -> None:
    for k in range(3):
        np.save(tmp_path / f"{k:04d}.npy", np.full((94, 311), 12.0))
    report = tmp_path / "report.json"
    arguments = ["--predictions", str(tmp_path), "--task", "depth", "--dataset", "kitti_eigen", "--dataset_dir", str(raw),
                 "--dataset_list", str(raw / "files.txt"), "--out", str(report)]  # fmt: skip
    assert main(["evaluate", *arguments]) == 0
    stored = json.loads(report.read_text())
    assert stored["protocol"]["network_size"] is None
    assert 0.1 < stored["scores"][tmp_path.name]["abs_rel"] < 3


def test_what_predict_wrote_is_scored(
    raw: Path, run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = raw / "2011_09_26" / drive("test") / "image_02/data"
    assert main(["predict", "--checkpoint", str(run_folder), str(folder), "--out", str(tmp_path / "p")]) == 0
    report = tmp_path / "report.json"
    where = ["--dataset", "kitti_eigen", "--dataset_dir", str(raw), "--dataset_list", str(raw / "files.txt"),
             "--max-depth", "50", "--out", str(report)]  # fmt: skip
    assert main(["evaluate", "--predictions", str(tmp_path / "p"), *where]) == 0
    files = json.loads(report.read_text())
    assert main(["evaluate", "--checkpoint", str(run_folder), *where]) == 0
    network = json.loads(report.read_text())
    assert files["protocol"]["name"] == network["protocol"]["name"] == "eigen-raw-garg, 0.001-50 m"
    assert files["scores"]["p"]["abs_rel"] == pytest.approx(network["scores"]["dispnet"]["abs_rel"], rel=1e-4)
    for file in (tmp_path / "p").glob("0000000001_depth*"):
        file.unlink()
    assert main(["evaluate", "--predictions", str(tmp_path / "p"), *where]) == 2
    capsys.readouterr()
    assert main(["evaluate", "--predictions", str(tmp_path / "p"), *where, "--allow-missing"]) == 0
    assert f"without a prediction: {drive('test')}_02/0000000001" in " ".join(capsys.readouterr().out.split())
    assert json.loads(report.read_text())["protocol"]["files_scored"] == 2


def test_a_named_data_set_takes_its_options(shared_data: Any, run_folder: Path, tmp_path: Path) -> None:
    root, raw_path = shared_data("kitti_semantics"), shared_data("kitti_raw")
    report = tmp_path / "report.json"
    arguments = ["--dataset", "kitti_joint", "--dataset_dir", str(root), "--split", "all", f"data.raw_path={raw_path}"]
    assert main(["evaluate", "--checkpoint", str(run_folder), *arguments, "--out", str(report)]) == 0
    assert json.loads(report.read_text())["protocol"]["files_scored"] == 2


def test_a_leak_is_said_aloud(raw: Path, run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = tmp_path / "files.txt"
    for part, leak in (("train", True), ("test", False)):
        # which of the two other drives is for training follows from their names; so both are asked for
        drives = [drive(p) for p in ("train", "val")] if leak else [drive(part)]
        files.write_text("\n".join(f"2011_09_26/{d}/image_02/data/0000000000.png" for d in drives))
        arguments = ["--checkpoint", str(run_folder), "--dataset", "kitti_eigen", "--dataset_dir", str(raw)]
        assert main(["evaluate", *arguments, "--dataset_list", str(files)]) == 0
        assert ("LEAK: 1 of 2" in " ".join(capsys.readouterr().err.split())) == leak


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--checkpoint", "{run}", "--dataset", "kitti_eigen", "--dataset_dir", "{raw}"],
            ["1 of the 697 files", "--allow-missing"],
        ),
        (["--checkpoint", "{run}", "--protocol", "eigen-raw-garg"], ["kitti_eigen"]),
        (
            ["--checkpoint", "{run}", "--dataset", "kitti_eigen", "--protocol", "eigen-raw-grag"],
            ["did you mean 'eigen-raw-garg'"],
        ),
        (["--predictions", "{raw}", "--dataset", "kitti"], ["--task"]),
        (
            [
                "--checkpoint",
                "{run}",
                "--dataset",
                "kitti_eigen",
                "--dataset_dir",
                "{raw}",
                "--all-protocols",
                "--dataset_list",
                "{raw}/files.txt.md5",
            ],
            ["no file", "files.txt.md5"],
        ),
        (["--predictions", "{raw}", "--task", "depth"], ["--dataset"]),
        (["--checkpoint", "{run}", "--img_height", "99"], ["--height", "32x104"]),
    ],
)
def test_mistakes_are_one_sentence(
    arguments: list[str], words: list[str], raw: Path, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *(word.format(raw=raw, run=run_folder) for word in arguments)]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("segdepth: ")
    for word in words:
        assert word in last


@pytest.mark.parametrize(
    ("door", "verb"),
    [
        ("kitti_train_depth_prepare/prepare_train_data.py", "segdepth prepare kitti"),
        ("test_depth_kitti.py", "segdepth evaluate"),
        ("test_depth_cityscapes.py", "segdepth evaluate"),
        ("test_seg_cityscapes.py", "segdepth predict"),
    ],
)
def test_doors_say_their_verbs_help(door: str, verb: str) -> None:
    done = subprocess.run([sys.executable, door, "--help"], capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert done.returncode == 0
    assert verb in done.stdout


def test_the_doctor_has_an_exit_code(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    arguments = [
        "data",
        "check",
        "--dataset",
        "kitti_raw",
        "--split",
        "train",
        "--num-threads",
        "1",
        "--page",
        str(page),
    ]
    assert main([*arguments, "--dataset_dir", str(raw)]) == 0
    assert "6 good samples, 0 bad" in capsys.readouterr().out
    assert page.stat().st_size > 10_000
    broken = tmp_path / "raw"
    write_kitti_raw(broken, drives=(DRIVES["train"], DRIVES["val"]), frames=1, height=32, width=64)
    next(broken.rglob("*.bin")).write_bytes(b"")
    assert main([*arguments, "--split", "val", "--dataset_dir", str(broken)]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "is empty (0 bytes)" in said
    assert "--skip-bad" in said


def test_skip_bad_makes_broken_samples_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "raw"
    write_kitti_raw(broken, drives=(DRIVES["train"], DRIVES["val"]), frames=2, height=32, width=64)
    min(broken.rglob("*.bin")).write_bytes(b"")
    arguments = ["--dataset", "kitti_raw", "--dataset_dir", str(broken)]
    check = ["data", "check", *arguments, "--num-threads", "1", "--page", str(tmp_path / "page.html")]
    assert main(check) == 1
    assert main([*check, "--skip-bad"]) == 0
    assert main([*check, "data.skip_bad=true"]) == 0
    assert "warning" in capsys.readouterr().out
    assert main([*check, "data.skip_bed=true"]) == 2
    assert main(["data", "show", *arguments, "--skip-bad", "--out", str(tmp_path / "drawn")]) == 0
    said = capsys.readouterr()
    assert "is empty (0 bytes)" in said.err
    assert len(list((tmp_path / "drawn").rglob("*.png"))) == 6


def test_samples_are_drawn(prepared: Path, run_folder: Path, tmp_path: Path) -> None:
    arguments = ["data", "show", "--dataset", "kitti", "--target", "depth", "--dataset_dir", str(prepared)]
    assert main([*arguments, "--number", "2", "--out", str(tmp_path)]) == 0
    drawn = sorted((tmp_path / "train").glob("*.png"))
    assert len(drawn) == 2
    assert cv2.imread(str(drawn[0])).shape == (64, 104, 3)
    config = run_folder.parent.parent / "tiny.yml"
    flipped = "training.augmentations.hflip=1"
    assert (
        main(["data", "show", "--config", str(config), "--augmented", flipped, "--out", str(tmp_path / "f"), "-n", "2"])
        == 0
    )
    for one, other in zip(drawn, sorted((tmp_path / "f/train").glob("*.png")), strict=True):
        image, mirrored = (cv2.imread(str(file))[:32] for file in (one, other))
        np.testing.assert_array_equal(image, mirrored[:, ::-1])
