"""A saliency study by one worker against the same by two at a time, and by a cluster's worker; each with one core.

    python benchmarks/study_processes.py [--arch segnet] [--images 16] [--sample-rate 8] [--rounds 1] [--csv FILE]

NEEDS TWO FREE CORES: whatever else runs takes from the two workers first, and the ratio then says nothing. Wall seconds of
whole commands (``segdepth study eval``: ``--on local:2``; ``--on local:1`` and ``--on ray``, with their parent and Ray's cluster,
held to one core) on a synthetic world of pictures of 256x832 and an untrained network, after a short study that fills the caches.
By default it takes several minutes a study, so that start-up does not decide: the columns ``start`` are of a study of a few
targets in two pictures.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import torch
from machine import describe, write_csv

from segdepth.core.processes import usable_cores
from segdepth.data.synthetic import write_kitti_semantics
from segdepth.networks import save_network
from segdepth.tasks import create_network

SIZE = (256, 832)
#: Of the study that is nearly all start-up.
SPARSE = 64


class Place(NamedTuple):
    """Where a study is carried out.

    Attributes:
        name: for its folder.
        on: as on the command line.
        cores: that the command may use.
    """

    name: str
    on: str
    cores: int


PLACES = ONE, TWO, RAY = Place("one", "local:1", 1), Place("two", "local:2", 2), Place("ray", "ray", 1)


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="segnet")
    parser.add_argument("--images", type=int, default=16, help="pictures")
    parser.add_argument("--sample-rate", type=int, default=8, help="every so many-th pixel is a target")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/study_processes.csv"))
    options = parser.parse_args()
    if usable_cores() < 2:
        sys.exit("two workers need two free cores; this process may use one")
    print(describe())
    print(
        f"{options.arch}, {options.images} pictures, every {options.sample_rate}th pixel; the machine must have two free cores"
    )
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_kitti_semantics(folder / "world", num_images=options.images, height=SIZE[0], width=SIZE[1], seed=0)
        torch.manual_seed(0)
        net = create_network(options.arch)
        net.card = net.card.model_copy(update={"input_size": SIZE})
        save_network(net, folder / "net.safetensors")
        study(folder, "warm", 2, SPARSE, ONE)
        for turn in range(options.rounds):
            seconds = {
                place: study(folder, f"{place.name} {turn}", options.images, options.sample_rate, place)
                for place in (PLACES if turn % 2 == 0 else PLACES[::-1])
            }
            start = {place: study(folder, f"few {place.name} {turn}", 2, SPARSE, place) for place in (ONE, RAY)}
            rows.append({
                "network": options.arch, "pictures": options.images, "sample rate": options.sample_rate,
                "one s": seconds[ONE], "two s": seconds[TWO], "ray s": seconds[RAY],
                "start s": start[ONE], "start ray s": start[RAY],
                "one/two": seconds[ONE] / seconds[TWO], "ray/one": seconds[RAY] / seconds[ONE],
            })  # fmt: skip
            print(
                {name: round(value, 3) if isinstance(value, float) else value for name, value in rows[-1].items()},
                flush=True,
            )
            write_csv(options.csv, rows)
    print(f"two workers: {statistics.median(row['one/two'] for row in rows):.2f} times as fast as one")
    print(f"Ray with one worker: {statistics.median(row['ray/one'] for row in rows):.3f} of the pool's time")
    print(options.csv)


def study(folder: Path, name: str, images: int, sample_rate: int, place: Place) -> float:
    """Wall seconds of a study.

    Raises:
        SystemExit: if it fails, with what it said.
    """
    pictures = folder / "world/training/image_2"
    command = [sys.executable, "-m", "segdepth", "study", "eval", "--checkpoint", str(folder / "net.safetensors"),
               "--data-path", str(pictures), "--num-image", str(images), "--sample-rate", str(sample_rate),
               "--device", "cpu", "--out", str(folder / name), "--on", place.on]  # fmt: skip
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(all_cores)[: place.cores])
    try:
        started = time.monotonic()
        ended = subprocess.run(command, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        seconds = time.monotonic() - started
    finally:
        os.sched_setaffinity(0, all_cores)
    if ended.returncode:
        sys.exit(ended.stderr)
    return seconds


if __name__ == "__main__":
    main()
