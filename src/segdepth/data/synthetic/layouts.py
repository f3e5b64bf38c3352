"""Make-believe streets written as the real data sets are, so that their readers can be tried without them.

All writers may be repeated: they write the same bytes, each file whole or not at all.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy import ndarray

from segdepth.core.errors import InputError
from segdepth.core.files import write_bytes, write_json, write_text
from segdepth.core.processes import in_processes

from ..kitti_names import CAMERAS, KittiDrive
from ..labels import CITYSCAPES
from .camera import CITYSCAPES_BASELINE_M, KITTI_BASELINE_M, Camera
from .lidar import R_RECT, T_CAM0_VELO, scan
from .street import Frame, Street, make_street

__all__ = ["write_cityscapes", "write_kitti_raw", "write_kitti_semantics"]

Progress = Callable[[int, int], None]

# Offsets of KITTI's four cameras from camera 0: grey left and right, colour left and right.
_KITTI_RIGHT_M = {0: 0.0, 1: 0.54, 2: -0.06, 3: -0.06 + KITTI_BASELINE_M}
_HERTZ = 10.0
_EARTH_M = 6378137.0
_LATITUDE, _LONGITUDE = 49.0, 8.43
_CITIES = {"train": "asphaltstadt", "val": "kerbfurt", "test": "zebrabach"}


def write_kitti_raw(
    root: Path,
    *,
    date: str = "2011_09_26",
    drives: Sequence[int] = (1, 2),
    frames: int = 4,
    metres_per_frame: float = 1.0,
    seed: int = 0,
    height: int = 375,
    width: int = 1242,
    progress: Progress | None = None,
) -> None:
    """Write drives in the layout of KITTI raw: both colour cameras, laser scans, positions and calibration.

    One drive is one street (number = its index in the "train" split); between two frames the car drives on.

    Args:
        root: the folder that the date's folder is made in.
        date: of the drives, "YYYY_MM_DD".
        drives: their numbers.
        frames: in each drive.
        metres_per_frame: how far the car drives in a tenth of a second; 0 stands still.
        seed: of the streets.
        height: rows of the pictures.
        width: columns of the pictures.
        progress: called with (frames done, frames in all) after each frame.

    Source:
        Geiger et al. 2013, "Vision meets robotics: the KITTI dataset", and the raw development kit's readme.
    """
    day, camera = root / date, Camera.kitti(height, width)
    cameras = {number: camera.moved(right_m=_KITTI_RIGHT_M[number]) for number in CAMERAS}
    _write_kitti_calibration(day, camera)
    for done, index in enumerate(drives):
        drive = KittiDrive(date, f"{index:04d}")
        street = make_street(seed, index, "train", travel_m=frames * metres_per_frame)
        for folder in (*map(drive.images, CAMERAS), drive.scans, drive.positions):
            write_text((root / folder).parent / "timestamps.txt", _timestamps(date, frames))
        for frame in range(frames):
            ahead = [eye.moved(ahead_m=frame * metres_per_frame) for eye in cameras.values()]
            for number, eye in zip(CAMERAS, ahead, strict=True):
                _write_png(root / drive.images(number) / f"{frame:010d}.png", street.render(eye).image)
            points = scan(street, ahead)
            write_bytes(root / drive.scans / f"{frame:010d}.bin", points.astype("<f4").tobytes())
            write_text(root / drive.positions / f"{frame:010d}.txt", _oxts(street, frame, metres_per_frame))
            if progress:
                progress(done * frames + frame + 1, len(drives) * frames)


def write_kitti_semantics(
    root: Path,
    *,
    num_images: int = 10,
    seed: int = 0,
    height: int = 375,
    width: int = 1242,
    progress: Progress | None = None,
) -> None:
    """Write pictures and label ids in the layout of KITTI semantics 2015.

    Args:
        root: the folder that ``training/`` is made in.
        num_images: the streets with the first so many indices of the "train" split.
        seed: of the streets.
        height: rows of the pictures.
        width: columns of the pictures.
        progress: called with (frames done, frames in all) after each frame.
    """
    camera = Camera.kitti(height, width)
    for index in range(num_images):
        frame = make_street(seed, index, "train").render(camera)
        _write_png(root / f"training/image_2/{index:06d}_10.png", frame.image)
        _write_png(root / f"training/semantic/{index:06d}_10.png", CITYSCAPES.to_label_id[frame.labels])
        if progress:
            progress(index + 1, num_images)


def write_cityscapes(
    root: Path,
    *,
    num_images: Mapping[str, int] | None = None,
    seed: int = 0,
    height: int = 1024,
    width: int = 2048,
    workers: int = 1,
    progress: Progress | None = None,
) -> None:
    """Write pictures, label ids, disparity and cameras in the layout of Cityscapes, one made-up city a split.

    Args:
        root: the folder that ``leftImg8bit/``, ``gtFine/``, ``disparity/`` and ``camera/`` are made in.
        num_images: how many for each split; None for 8 train, 4 val, 4 test.
        seed: of the streets.
        height: rows of the pictures.
        width: columns of the pictures.
        workers: processes that draw them.
        progress: called with (frames done, frames in all) after each frame.

    Raises:
        InputError: if there is no such split.

    Source:
        Cordts et al. 2016, arXiv:1604.01685, and the readme of cityscapesScripts.
    """
    counts = {"train": 8, "val": 4, "test": 4} if num_images is None else num_images
    unknown = sorted(set(counts) - set(_CITIES))
    if unknown:
        raise InputError(f"cityscapes has no split {unknown[0]!r} (there are: {', '.join(_CITIES)})")
    todo = [(split, index) for split, count in counts.items() for index in range(count)]
    write = partial(_write_cityscapes_frame, root, Camera.cityscapes(height, width), seed)
    for done, _ in enumerate(in_processes(write, todo, workers), start=1):
        if progress:
            progress(done, len(todo))


def _write_cityscapes_frame(root: Path, camera: Camera, seed: int, which: tuple[str, int]) -> None:
    """The files of a split's frame with this index."""
    split, index = which
    street = make_street(seed, index, split)
    frame = street.render(camera)
    name = f"{_CITIES[split]}_{index:06d}_000019"

    def place(folder: str, ending: str) -> Path:
        return root / folder / split / _CITIES[split] / f"{name}_{ending}"

    _write_png(place("leftImg8bit", "leftImg8bit.png"), frame.image)
    _write_png(place("gtFine", "gtFine_labelIds.png"), CITYSCAPES.to_label_id[frame.labels])
    _write_png(place("disparity", "disparity.png"), _cityscapes_disparity(frame, camera))
    write_json(place("camera", "camera.json"), _cityscapes_camera(street, camera))


def _write_png(path: Path, picture: ndarray) -> None:
    """RGB or one channel, 8 or 16 bits."""
    stored = picture[..., ::-1] if picture.ndim == 3 else picture
    _, data = cv2.imencode(".png", stored)
    write_bytes(path, data.tobytes())


def _cityscapes_disparity(frame: Frame, camera: Camera) -> ndarray:
    """Disparity in the file's units: 256 a pixel, plus 1; 0 = none."""
    near = frame.depth > camera.fx * CITYSCAPES_BASELINE_M / 255  # nearer ones do not fit into 16 bits
    disparity = camera.fx * CITYSCAPES_BASELINE_M / np.where(near, frame.depth, 1.0)
    return np.where(near, np.rint(disparity * 256) + 1, 0).astype(np.uint16)


def _cityscapes_camera(street: Street, camera: Camera) -> dict[str, Any]:
    yaw, pitch, roll = street.tilt
    extrinsic = {
        "baseline": CITYSCAPES_BASELINE_M, "pitch": pitch, "roll": roll, "x": 1.7, "y": -0.1, "yaw": yaw,
        "z": camera.above_m + street.lift,
    }  # fmt: skip
    return {
        "extrinsic": extrinsic,
        "intrinsic": {"fx": camera.fx, "fy": camera.fy, "u0": camera.cx, "v0": camera.cy},
    }


def _line(name: str, values: ndarray | Sequence[float]) -> str:
    return f"{name}: " + " ".join(f"{value:.6e}" for value in np.ravel(values)) + "\n"


def _write_kitti_calibration(day: Path, camera: Camera) -> None:
    size = (camera.width, camera.height)
    # In these files the first pixel is number 1.
    matrix = np.array([[camera.fx, 0, camera.cx + 1], [0, camera.fy, camera.cy + 1], [0, 0, 1]])
    text = "calib_time: 09-Jan-2012 13:57:47\n" + _line("corner_dist", [0.0995])
    for number, right_m in _KITTI_RIGHT_M.items():
        # The cameras have no distortion and hang straight; only the rectifying rotation is not the identity.
        projection = matrix @ np.column_stack([np.eye(3), (-right_m, 0.0, 0.0)])
        for name, values in (
            ("S", size), ("K", matrix), ("D", (0.0,) * 5), ("R", np.eye(3)), ("T", R_RECT.T @ (-right_m, 0.0, 0.0)),
            ("S_rect", size), ("R_rect", R_RECT), ("P_rect", projection),
        ):  # fmt: skip
            text += _line(f"{name}_{number:02d}", values)
    write_text(day / "calib_cam_to_cam.txt", text)
    text = "calib_time: 15-Mar-2012 11:37:16\n"
    text += _line("R", T_CAM0_VELO[:3, :3]) + _line("T", T_CAM0_VELO[:3, 3])
    text += _line("delta_f", (0.0, 0.0)) + _line("delta_c", (0.0, 0.0))
    write_text(day / "calib_velo_to_cam.txt", text)
    text = "calib_time: 25-May-2012 16:47:16\n" + _line("R", np.eye(3)) + _line("T", (-0.81, 0.32, -0.8))
    write_text(day / "calib_imu_to_velo.txt", text)


def _timestamps(date: str, frames: int) -> str:
    start = datetime.strptime(date, "%Y_%m_%d") + timedelta(hours=13, minutes=2)
    times = (start + timedelta(seconds=frame / _HERTZ) for frame in range(frames))
    return "".join(f"{time:%Y-%m-%d %H:%M:%S.%f}000\n" for time in times)


def _oxts(street: Street, frame: int, metres_per_frame: float) -> str:
    """One line of the GPS: position, angles, speeds, accelerations, rates, accuracies, status; x is east, z north."""
    rig = street.road.pose(street.lane, frame * metres_per_frame)
    speed = metres_per_frame * _HERTZ
    north, east = math.cos(rig.yaw) * speed, math.sin(rig.yaw) * speed
    latitude = _LATITUDE + math.degrees(rig.z / _EARTH_M)
    longitude = _LONGITUDE + math.degrees(rig.x / (_EARTH_M * math.cos(math.radians(_LATITUDE))))
    values = [latitude, longitude, 115.0, 0.0, 0.0, math.pi / 2 - rig.yaw, north, east, speed, 0.0, 0.0]
    values += [0.0, 0.0, 9.81, 0.0, 0.0, 9.81] + [0.0] * 6 + [0.5, 0.05]
    return " ".join(f"{value:.14g}" for value in values) + " 4 10 4 4 0\n"
