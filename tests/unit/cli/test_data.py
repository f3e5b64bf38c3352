"""The doctor's advice, in the corners where the plain one would be wrong."""

import re
from pathlib import Path

import numpy as np
import pytest

from segdepth.cli import main
from segdepth.data.synthetic import write_cityscapes, write_kitti_raw
from segdepth.drawing import write_png


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """``check(dataset, folder, ...)`` -> exit code, and what is printed."""

    def run(dataset: str, folder: Path, *more: str) -> tuple[int, str]:
        page = ["--num-threads", "1", "--samples", "0", "--page", str(tmp_path / "page.html")]
        code = main(["data", "check", "--dataset", dataset, "--dataset_dir", str(folder), *page, *more])
        return code, " ".join(capsys.readouterr().out.split())

    return run


def prepared(root: Path, *drives: str, pictures: int = 2) -> Path:
    """KITTI as `prepare` leaves it, all drives for training, none for validation."""
    rng = np.random.default_rng(0)
    for drive in drives:
        for number in range(pictures):
            write_png(root / drive / f"{number}.png", rng.integers(0, 255, (32, 64, 3)).astype(np.uint8))
            (root / drive / f"{number}.png").rename(root / drive / f"{number}.jpg")
            np.save(root / drive / f"{number}.npy", np.geomspace(4, 60, 32 * 64).astype(np.float32).reshape(32, 64))
    (root / "train.txt").write_text("\n".join(drives))
    (root / "val.txt").write_text("")
    return root


def test_raw_drives_of_test_scenes_only(check, tmp_path: Path) -> None:
    write_kitti_raw(tmp_path / "raw", drives=(2,), frames=1, height=32, width=64)
    code, said = check("kitti_raw", tmp_path / "raw")
    assert code == 1
    assert "no drive in" in said
    assert "is of the split 'train' (drives that are there: 1 of test)" in said
    assert "(fetch drives of other scenes, none of which is one of Eigen's 28 test scenes; --split test checks" in said
    assert "data.path" not in said
    assert check("kitti_raw", tmp_path / "raw", "--split", "test")[0] == 0


def test_a_set_that_has_only_test(check, tmp_path: Path) -> None:
    write_kitti_raw(tmp_path, drives=(2,), frames=1, height=32, width=64)
    (tmp_path / "files.txt").write_text("2011_09_26/2011_09_26_drive_0002_sync 0 l")
    code, said = check("kitti_eigen", tmp_path, f"data.files={tmp_path / 'files.txt'}")
    assert code == 1
    assert (
        "no split 'train' (there is only: test) (name a split that there is; --split test checks what is there)" in said
    )
    assert "data.path" not in said


def test_a_layout_of_which_only_test_is_there(check, tmp_path: Path) -> None:
    write_cityscapes(tmp_path, num_images={"test": 1}, height=64, width=128)
    said = check("cityscapes", tmp_path, "--target", "depth")[1]
    assert "(put the file or folder where it should be; --split test checks what is there)" in said
    assert "data.path" not in said


def test_an_empty_list(check, tmp_path: Path) -> None:
    code, said = check("kitti", prepared(tmp_path, "a_02"), "--target", "depth")
    assert code == 1
    assert re.search(
        r"error val: \S*val\.txt is empty, but should be a list .* \(name folders in it, a line each;", said
    )
    assert "data.path" not in said
    assert "--split" not in said, "train is there, and was checked"


def test_a_folder_that_is_nowhere(check, tmp_path: Path) -> None:
    code, said = check("kitti", tmp_path / "nowhere", "--target", "depth")
    assert code == 1
    assert "(put the file or folder where it should be, or mend data.path)" in said


def test_missing_truth_that_is_allowed_is_a_warning(check, tmp_path: Path) -> None:
    root = prepared(tmp_path, "a_02")
    (root / "a_02/0.npy").unlink()
    arguments = ("kitti", root, "--target", "depth", "--split", "train")
    code, said = check(*arguments)
    assert code == 1
    assert (
        "error train: 1 incomplete sample: a_02/0 (fetch them, or leave them out with data.allow_missing=true)" in said
    )
    code, said = check(*arguments, "data.allow_missing=true")
    assert code == 0
    assert "warning train: 1 incomplete sample: a_02/0 (they are left out; fetch them if you can)" in said
    (root / "a_02/1.npy").unlink()
    code, said = check(*arguments, "data.allow_missing=true")
    assert code == 1
    assert "2 of 2 images have none" in said
    assert "allow_missing" not in said, "that would leave nothing"


def test_a_configuration_does_not_hide_what_is_missing(check, tmp_path: Path) -> None:
    root = prepared(tmp_path, "a_02")
    (root / "a_02/0.npy").unlink()
    config = tmp_path / "some.yml"
    config.write_text(
        f"model: {{arch: dispnet}}\ntask: depth\ndata: {{dataset: kitti, path: {root}, img_rows: 32, img_cols: 64}}\n"
        "training: {train_iters: 1, batch_size: 1, val_interval: 1, print_interval: 1}\n"
    )
    page = ["--page", str(tmp_path / "page.html"), "--split", "train", "--samples", "0", "--num-threads", "1"]
    assert main(["data", "check", "--config", str(config), *page]) == 1
    assert main(["data", "check", "--config", str(config), "data.allow_missing=true", *page]) == 0


def test_every_size_is_counted(check, tmp_path: Path) -> None:
    for columns in range(40, 45):
        write_png(
            tmp_path / f"{columns}.png",
            np.random.default_rng(columns).integers(0, 255, (12, columns, 3)).astype(np.uint8),
        )
        write_png(tmp_path / f"depth/{columns}.png", np.full((12, columns), 2500, np.uint16))
    options = ("data.images=*.png", "data.depths=depth/*.png", "data.depth_unit=0.001", "data.max_depth=10")
    code, said = check("folder", tmp_path, "--target", "depth", "--split", "all", *options)
    assert code == 0
    assert "sizes 12x40 (1), 12x41 (1), 12x42 (1), 2 samples of 2 other sizes (the page has all)" in said
    assert all(f"12x{columns} (1)" in (tmp_path / "page.html").read_text() for columns in range(40, 45))
