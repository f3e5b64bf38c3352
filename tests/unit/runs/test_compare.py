"""What differs between runs, and how they are called beside each other."""

from pathlib import Path

import pytest

from segdepth.core.errors import InputError
from segdepth.runs import RunFolder, compare, find_run, read_run
from segdepth.runs.compare import shown
from written_runs import FIRST, SECOND, write_run


def test_a_comparison_names_what_differs(root: Path) -> None:
    comparison = compare([find_run("a", root), find_run("b", root), find_run("deep/c", root)])
    assert comparison.labels == ("a", "b", "deep/c")
    assert comparison.config == {
        "task": ("seg", "seg", "depth"),
        "training.optimizer.lr": ("0.01", "0.02", "0.01"),
        "training.early_stop_patience": ("", "", "1"),
    }
    assert comparison.provenance == {}
    assert comparison.scores["seg"]["mIoU", "best"] == (0.5, 0.7, None)
    assert comparison.scores["seg"]["mIoU", "last"] == (0.3, 0.7, None)
    assert comparison.scores["depth"]["abs_rel", "best"] == (None, None, 0.1)


def test_runs_of_one_configuration_are_told_apart_by_time(root: Path) -> None:
    again = write_run(root / "a" / SECOND, "seg", [0.1], augmentations={"hflip": None})
    comparison = compare([find_run(f"a/{FIRST}", root), find_run(str(again), root)])
    assert comparison.labels == (f"a/{FIRST}", f"a/{SECOND}")
    assert comparison.config == {"training.augmentations.hflip": ("", "null")}
    with pytest.raises(InputError, match="did you mean"):
        find_run(f"a/{SECOND}x", root)


def test_runs_of_several_folders_are_named_after_what_differs(tmp_path: Path) -> None:
    networks = ["deeplab", "fcn8s", "segnet"]
    runs = [
        read_run(RunFolder(write_run(tmp_path / name / "camvid_seg" / FIRST, "seg", [0.1])), tmp_path / name)
        for name in networks
    ]
    assert compare(runs).labels == ("deeplab", "fcn8s", "segnet")
    other = read_run(RunFolder(write_run(tmp_path / "segnet/camvid_b" / FIRST, "seg", [0.1])), tmp_path / "segnet")
    assert compare([*runs, other]).labels == (
        "deeplab/camvid_seg", "fcn8s/camvid_seg", "segnet/camvid_seg", "segnet/camvid_b"
    )  # fmt: skip


def test_values_are_shown_as_a_file_has_them() -> None:
    assert [shown(value) for value in (None, True, 0.1, [1, 2], "sgd")] == ["null", "true", "0.1", "[1, 2]", "sgd"]
