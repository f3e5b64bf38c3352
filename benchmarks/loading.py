"""Loading: decode, resize, augment, batch; ours against a plain OpenCV loop that does the same, and from the cache.

    python benchmarks/loading.py [prepared KITTI folder or Cityscapes folder] [--dataset cityscapes] [--workers N]

Without a folder, a synthetic Cityscapes at 1024x2048 is written to a temporary one. Images per second; one thread unless said.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from machine import describe, write_csv

from segdepth.core.processes import usable_cores
from segdepth.data import Dataset, open_dataset
from segdepth.data.cached import Cached
from segdepth.data.frames import FrameDataset
from segdepth.data.loading import Timed, TrainingView, batches, training_loader
from segdepth.data.synthetic import write_cityscapes
from segdepth.geometry import resize_nearest

SIZE = (256, 832)
BATCH = 4
AUGMENTATIONS = {"hflip": 0.5, "brightness": 0.3, "contrast": 0.3, "gamma": 0.3}
STEP_S = 0.1


def plain_loop(dataset: FrameDataset, count: int) -> None:
    """What one would write by hand with OpenCV: the same decoding, changes, sizes and batches."""
    rng = np.random.default_rng(0)
    for start in range(0, count, BATCH):
        images, depths = [], []
        for k in range(start, start + BATCH):
            frame = dataset.frames[k % len(dataset)]
            image = cv2.cvtColor(cv2.imread(str(frame.image)), cv2.COLOR_BGR2RGB)
            depth = dataset._read_depth(frame.truths["depth"], frame)
            if rng.random() < 0.5:
                image, depth = cv2.flip(image, 1), cv2.flip(depth, 1)
            image = cv2.convertScaleAbs(image, alpha=rng.uniform(0.7, 1.3))
            image = cv2.convertScaleAbs(image, alpha=rng.uniform(0.7, 1.3), beta=rng.uniform(-20, 20))
            table = (255 * (np.arange(256) / 255) ** rng.uniform(1, 1.3)).astype(np.uint8)
            image = cv2.LUT(image, table)
            images.append(cv2.resize(image, SIZE[::-1], interpolation=cv2.INTER_AREA))
            depths.append(resize_nearest(depth, SIZE))
        torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
        torch.from_numpy(np.stack(depths))[:, None]


def ours(dataset: Dataset, count: int, workers: int) -> Iterable[object]:
    """Our batches of the same."""
    view = TrainingView(dataset, SIZE, AUGMENTATIONS, seed=0)
    loader = training_loader(
        view, "depth", batch_size=BATCH, n_workers=workers, start=0, stop=count // BATCH, pin_memory=False
    )
    return batches(loader, torch.device("cpu"))


def rate(work: Callable[[], object], count: int) -> float:
    """Images per second."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


def waiting(dataset: Dataset, count: int, workers: int) -> float:
    """Share of the time that a step which takes a tenth of a second, as on a GPU, waits for its batch; from the second on."""
    stream = Timed(iter(ours(dataset, count, workers)))
    next(stream)
    stream.seconds, start = 0.0, time.monotonic()
    for _ in stream:
        time.sleep(STEP_S)
    return stream.seconds / (time.monotonic() - start)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--dataset", default="kitti")
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--workers", type=int, default=usable_cores())
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/loading.csv"))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder, name = arguments.folder, arguments.dataset
        if folder is None:
            folder, name = Path(temporary) / "cityscapes", "cityscapes"
            write_cityscapes(folder, num_images={"train": 8})
        dataset = open_dataset(name, path=folder, split="train", target="depth")
        assert isinstance(dataset, FrameDataset)
        cached = Cached(dataset, SIZE, Path(temporary) / "cache")
        for index in range(len(cached)):
            cached[index]
        count, workers = arguments.count, arguments.workers
        print(describe())
        print(
            f"{name}, {len(dataset)} pictures of {'x'.join(map(str, dataset[0].image.shape[:2]))} -> {SIZE[0]}x{SIZE[1]}"
        )
        rows: list[dict[str, Any]] = []
        for title, work in (
            ("plain OpenCV loop, one core", lambda: plain_loop(dataset, count)),
            ("ours, one core", lambda: list(ours(dataset, count, 0))),
            ("ours, from the cache, one core", lambda: list(ours(cached, count, 0))),
            (f"ours, {workers} processes", lambda: list(ours(dataset, count, workers))),
            (f"ours, from the cache, {workers} processes", lambda: list(ours(cached, count, workers))),
        ):
            rows.append({"what": title, "images a second": rate(work, count)})
            print(f"{title:44} {rows[-1]['images a second']:8.1f} images/s")
        for title, data in (("files", dataset), ("cache", cached)):
            title = f"a step of {STEP_S} s with {BATCH} pictures from {title}, {workers} processes"
            rows.append({"what": title, "share spent waiting": waiting(data, count, workers)})
            print(f"{title}, waits {rows[-1]['share spent waiting']:.0%} of its time")
    write_csv(arguments.csv, rows)
    print(arguments.csv)


if __name__ == "__main__":
    main()
