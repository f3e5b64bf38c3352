"""Drives are known by samples' names, and those that are in training and in what is scored are counted."""

from segdepth.data.kitti_names import KittiDrive
from segdepth.data.leakage import RAW_FRAMES_OF_SEMANTICS, drive_of, shared_scenes
from segdepth.data.splits import eigen_test_files


def test_drives_are_known_by_names() -> None:
    for name in (
        "2011_09_26_drive_0002_sync_02/0000000001",
        "2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000069",
        "train/2011_09_26_drive_0002_0000000001",
    ):
        assert drive_of(name) == KittiDrive("2011_09_26", "0002")
    assert drive_of("train/000001") is None
    assert drive_of("000002_10") == RAW_FRAMES_OF_SEMANTICS["000002_10"].drive


def test_leaks_are_counted() -> None:
    training = ["2011_09_26_drive_0005_sync_02/0000000010", "2011_09_28_drive_0001_sync_03/0000000000", "train/000001"]
    assert shared_scenes(training, ["000002_10", "000003_10", "000004_10"]) == {"2011_09_26_drive_0005": 2}
    assert shared_scenes(training, ["train/000001"]) == {}, "what is of no drive is shared with nothing"
    assert shared_scenes(training, [frame.name for frame in eigen_test_files()]) == {}
