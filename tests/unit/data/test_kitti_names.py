"""KITTI's names are written as the data set has them, and read back; what is no name is none."""

import re
from pathlib import Path

import pytest

import segdepth
from segdepth.data.kitti_names import CAMERAS, KittiDrive, KittiFrame, read_moment

DRIVE = KittiDrive("2011_09_26", "0005")
FRAME = KittiFrame(DRIVE, 2, "0000000010")


def test_paths_are_those_of_kitti() -> None:
    folder = "2011_09_26/2011_09_26_drive_0005_sync"
    assert (FRAME.name, FRAME.image, FRAME.scan) == (
        "2011_09_26_drive_0005_sync_02/0000000010",
        f"{folder}/image_02/data/0000000010",
        f"{folder}/velodyne_points/data/0000000010.bin",
    )
    assert DRIVE.positions == f"{folder}/oxts/data"
    assert FRAME.improved("val") == ("val/2011_09_26_drive_0005_sync/proj_depth/groundtruth/image_02/0000000010.png")
    assert FRAME.prepared("jpg", "npy") == (f"{FRAME.name}.jpg", f"{FRAME.name}.npy")
    assert FRAME.prepared("png", "png") == (f"{FRAME.name}.png", f"{FRAME.name}.depth.png")


@pytest.mark.parametrize("camera", CAMERAS)
def test_what_is_written_is_read_back(camera: int) -> None:
    frame = KittiFrame(DRIVE, camera, "0000000010")
    assert KittiDrive.read(str(DRIVE)) == KittiDrive.read(DRIVE.scene) == DRIVE
    assert KittiFrame.read_name(frame.name) == frame
    for text in (frame.name, frame.image, frame.scan, frame.improved("train"), f"a_{DRIVE.scene}"):
        assert KittiDrive.find(text) == DRIVE
    for before in ("", "/data/", "a b/"):
        for ending in ("png", "jpg", "jpeg"):
            assert KittiFrame.read_line(f"{before}{frame.image}.{ending}") == frame
    for number in ("10", "0000000010"):
        assert KittiFrame.read_line(f"{DRIVE.folder}  {number} {'lr'[camera - 2]}") == frame
    assert read_moment(f"{DRIVE.date} {DRIVE} {frame.number}") == (DRIVE, frame.number)


@pytest.mark.parametrize(
    "text", ["", "drive", "2011_09_26", f"{DRIVE}_02", f"a{DRIVE}", f"{DRIVE}/", "2011_9_26_drive_0005"]
)
def test_what_is_no_drive(text: str) -> None:
    assert KittiDrive.read(text) is None


@pytest.mark.parametrize(
    "name", ["000002_10", str(DRIVE), f"{DRIVE}/0000000010", f"{DRIVE}_01/1", f"{DRIVE}_02/a", "a/b"]
)
def test_what_is_no_frame(name: str) -> None:
    assert KittiFrame.read_name(name) is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        FRAME.image,
        f"{FRAME.image}.bmp",
        f"{FRAME.image}.png.png",
        f"a{FRAME.image}.png",
        f"{FRAME.image}.png l",
        FRAME.image.replace("image_02", "image_01") + ".png",
        f"{DRIVE}/image_02/data/0000000010.png",
        f"2011_09_28/{DRIVE}/image_02/data/0000000010.png",
        f"2011_09_26/{DRIVE.scene}/image_02/data/0000000010.png",
        f"{DRIVE} 10 l",
        f"a/{DRIVE.folder} 10 l",
        f"{DRIVE.folder} 10",
        f"{DRIVE.folder} 10 m",
        f"{DRIVE.folder} ten l",
        f"{DRIVE.folder} 00000000010 l",
    ],
)
def test_what_is_no_line_of_a_list(line: str) -> None:
    assert KittiFrame.read_line(line) is None


@pytest.mark.parametrize(
    "line", ["", f"{DRIVE} 1", f"2011_09_28 {DRIVE} 1", f"2011_09_26 {DRIVE} 1 2", "2011_09_26 drive 0000000001"]
)
def test_what_is_no_moment(line: str) -> None:
    with pytest.raises(ValueError, match="is not '<date> <drive> <frame>'"):
        read_moment(line)


def test_drives_are_sorted_as_their_folders() -> None:
    drives = [KittiDrive("2011_09_28", "0001"), KittiDrive("2011_09_26", "0100"), KittiDrive("2011_09_26", "10")]
    assert list(map(str, sorted(drives))) == sorted(map(str, drives))


def test_no_other_module_takes_kittis_names_apart() -> None:
    root = Path(segdepth.__file__).parent
    patterns = re.compile(
        r"_drive_(?!0)|_sync[\"'/]|image_0[{\[]|image_0[23][\"'/]|\\d\{4\}_|velodyne_points|proj_depth/"
    )
    code = {file: file.read_text() for file in root.rglob("*.py") if file.name != "kitti_names.py"}
    # docstrings and messages say what the names look like; code that makes or reads them is what is looked for
    found = {
        (file.name, line.strip())
        for file, text in code.items()
        for line in re.sub(r'""".*?"""', "", text, flags=re.DOTALL).splitlines()
        if patterns.search(line) and 'f"{file}: {line!r} is neither' not in line
    }
    assert not found
