"""A laser scan's depth map: ours against a plain loop over shared pixels; and where preparation's time goes.

    python benchmarks/velodyne.py [KITTI raw folder] [--frames N]

Without a folder, synthetic drives are written to a temporary one. One process, one thread.
"""

import argparse
import hashlib
import io
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from machine import describe, write_csv
from numpy import ndarray

from segdepth.core.processes import usable_cores
from segdepth.data.files import read_rgb
from segdepth.data.kitti_plan import Setup
from segdepth.data.kitti_raw import list_drives, list_images, list_scans, read_velodyne
from segdepth.data.prepare_kitti import prepare_kitti
from segdepth.data.synthetic import write_kitti_raw
from segdepth.executing import Local
from segdepth.geometry import Calibration, nearest_point, project_velodyne, read_kitti_calibration, resize_image

SIZE = (256, 832)


def plain(points: ndarray, calibration: Calibration, size: tuple[int, int]) -> ndarray:
    """The usual way: the last point wins, then a Python loop mends each pixel that got several.

    As in most public KITTI code, the ancestor's included: ``Counter`` over the array, ``np.where`` for each pixel.
    """
    ahead = points[points[:, 0] >= 0].astype(np.float64)
    ahead[:, 3] = 1
    projected = ahead @ calibration.P_velo().T
    column = np.round(projected[:, 0] / projected[:, 2]).astype(int) - 1
    row = np.round(projected[:, 1] / projected[:, 2]).astype(int) - 1
    z = projected[:, 2]
    inside = (z > 0) & (row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])
    row, column, z = row[inside], column[inside], z[inside]
    depth = np.zeros(size)
    depth[row, column] = z
    pixel = row * size[1] + column
    for shared in [value for value, count in Counter(pixel).items() if count > 1]:
        points_there = np.where(pixel == shared)[0]
        depth[row[points_there[0]], column[points_there[0]]] = z[points_there].min()
    return depth.astype(np.float32)


def seconds(function: Callable[[], Any], repeats: int) -> float:
    """The median time of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path, nargs="?")
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/velodyne.csv"))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as temporary:
        raw = arguments.raw
        if raw is None:
            raw = Path(temporary) / "raw"
            write_kitti_raw(raw, drives=(1, 5), frames=4)
        print(describe())
        rows = [
            *projection(raw, arguments.frames), *stages(raw, arguments.frames), *whole(raw, Path(temporary))
        ]  # fmt: skip
    write_csv(arguments.csv, rows)
    print(arguments.csv)


def frames_of(raw: Path, count: int) -> list[tuple[Calibration, ndarray, Path]]:
    """Calibration, scan and picture of the frames with the most points."""
    found = []
    for drive in list_drives(raw):
        images = list_images(raw, drive, 2)
        for number, scan in list_scans(raw, drive).items():
            if number in images:
                found.append((scan.stat().st_size, scan, images[number], raw / drive.date))
    largest = sorted(found, key=lambda item: (-item[0], item[1]))[:count]
    return [(read_kitti_calibration(day), read_velodyne(scan), image) for _, scan, image, day in largest]


def projection(raw: Path, count: int) -> Iterator[dict[str, Any]]:
    """Depth maps, ours against the plain loop."""
    print(f"{'points':>8} {'size':>10} {'plain loop':>12} {'ours':>10} {'ratio':>7}   equal")
    for calibration, points, image in frames_of(raw, count):
        full = read_rgb(image).shape[:2]
        for size in (full, SIZE, (128, 416)):
            matrices = calibration.scaled(size[0] / full[0], size[1] / full[1])
            slow = seconds(partial(plain, points, matrices, size), 5)
            fast = seconds(partial(project_velodyne, points, matrices, size), 21)
            same = np.array_equal(plain(points, matrices, size), project_velodyne(points, matrices, size))
            name = f"{size[0]}x{size[1]}"
            print(f"{len(points):8d} {name:>10} {1e3 * slow:9.1f} ms {1e3 * fast:7.2f} ms {slow / fast:6.1f}x   {same}")
            yield {
                "what": f"depth map {name} of {len(points)} points",
                "plain s": slow, "ours s": fast, "plain/ours": slow / fast, "equal": same,
            }  # fmt: skip


def stages(raw: Path, count: int) -> Iterator[dict[str, Any]]:
    """Where the time of preparing a picture goes."""
    totals: Counter[str] = Counter()
    for calibration, points, image in frames_of(raw, count):
        picture = read_rgb(image)
        size = (picture.shape[0], picture.shape[1])
        small = resize_image(picture, SIZE)
        full = project_velodyne(points, calibration, size)
        depth = nearest_point(full, SIZE)

        def save(depth: ndarray = depth) -> bytes:
            buffer = io.BytesIO()
            np.save(buffer, depth)
            return buffer.getvalue()

        data = save()
        steps: dict[str, Callable[[], Any]] = {
            "read and decode PNG": lambda image=image: read_rgb(image),
            "resize picture": lambda picture=picture: resize_image(picture, SIZE),
            "encode JPEG": lambda small=small: cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 95]),
            "project scan": lambda points=points, c=calibration, size=size: project_velodyne(points, c, size),
            "reduce depth": lambda full=full: nearest_point(full, SIZE),
            "encode .npy": save,
            "hash": lambda data=data: hashlib.sha256(data),
        }
        totals.update({name: seconds(step, 7) / count for name, step in steps.items()})
    total = sum(totals.values())
    print(f"\none picture of a scan: {1e3 * total:.1f} ms")
    for name, spent in totals.most_common():
        print(f"  {name:20} {1e3 * spent:6.2f} ms  {100 * spent / total:3.0f} %")
        yield {"what": f"preparing a picture: {name}", "ours s": spent}


def whole(raw: Path, temporary: Path) -> Iterator[dict[str, Any]]:
    """The whole command: pictures per second."""
    print(f"\n{'processes':>10} {'pictures':>9} {'seconds':>8} {'per second':>11}")
    for workers in sorted({1, usable_cores()}):
        start = time.perf_counter()
        made = prepare_kitti(raw, temporary / f"prepared{workers}", Setup(static="none"), place=Local(workers)).made
        spent = time.perf_counter() - start
        print(f"{workers:10d} {made:9d} {spent:8.2f} {made / spent:11.1f}")
        yield {"what": f"the whole command, a picture, {workers} processes", "ours s": spent / made}
    start = time.perf_counter()
    prepare_kitti(raw, temporary / "prepared1", Setup(static="none"))
    spent = time.perf_counter() - start
    print(f"verifying the finished tree: {spent:.2f} s")
    yield {"what": "verifying the finished tree", "ours s": spent}


if __name__ == "__main__":
    main()
