"""A saliency study by one process against the same by two at a time, each with one thread.

    python benchmarks/study_processes.py [--arch segnet] [--images 16] [--sample-rate 8] [--rounds 1] [--csv FILE]

NEEDS TWO FREE CORES: whatever else runs takes from the two processes first, and the ratio then says nothing. Wall seconds of
whole commands (``segdepth study eval``, for the two with ``--shard 0/2`` and ``1/2``) on a synthetic world of pictures of 256x832
and an untrained network, after a short study that fills the caches. By default it takes several minutes a study, so that start-up
does not decide: compare the column ``start s``, a study of a few targets in two pictures.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from machine import describe, write_csv

from segdepth.core.processes import usable_cores
from segdepth.data.synthetic import write_kitti_semantics
from segdepth.networks import save_network
from segdepth.tasks import create_network

SIZE = (256, 832)
#: Of the study that is nearly all start-up.
SPARSE = 64


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="segnet")
    parser.add_argument("--images", type=int, default=16, help="pictures, an even number")
    parser.add_argument("--sample-rate", type=int, default=8, help="every so many-th pixel is a target")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/study_processes.csv"))
    options = parser.parse_args()
    if usable_cores() < 2:
        sys.exit("two processes at a time need two free cores; this process may use one")
    if options.images < 2 or options.images % 2:
        parser.error("--images must be even, or one of two processes has more to do")
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
        study(folder, "warm", 2, SPARSE, 1)
        for turn in range(options.rounds):
            seconds = {
                count: study(folder, f"{count} {turn}", options.images, options.sample_rate, count)
                for count in ((1, 2) if turn % 2 == 0 else (2, 1))
            }
            few = study(folder, f"few {turn}", 2, SPARSE, 1)
            rows.append({
                "network": options.arch, "pictures": options.images, "sample rate": options.sample_rate,
                "one s": seconds[1], "two s": seconds[2], "start s": few, "one/two": seconds[1] / seconds[2],
            })  # fmt: skip
            print(
                f"one {seconds[1]:.1f} s, two {seconds[2]:.1f} s, start {few:.1f} s: {rows[-1]['one/two']:.2f}x",
                flush=True,
            )
            write_csv(options.csv, rows)
    print(f"two processes at a time: {statistics.median(row['one/two'] for row in rows):.2f} times one")
    print(options.csv)


def study(folder: Path, name: str, images: int, sample_rate: int, processes: int) -> float:
    """Wall seconds of a study by so many processes at the same time.

    Raises:
        SystemExit: if one of them fails, with what it said.
    """
    pictures = folder / "world/training/image_2"
    command = [sys.executable, "-m", "segdepth", "study", "eval", "--checkpoint", str(folder / "net.safetensors"),
               "--data-path", str(pictures), "--num-image", str(images), "--sample-rate", str(sample_rate),
               "--device", "cpu", "--out", str(folder / name)]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    started = time.monotonic()
    running = [
        subprocess.Popen([*command, "--shard", f"{index}/{processes}"], env=environment, text=True,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for index in range(processes)
    ]  # fmt: skip
    said = [process.communicate()[1] for process in running]
    seconds = time.monotonic() - started
    for process, text in zip(running, said, strict=True):
        if process.returncode:
            sys.exit(text)
    return seconds


if __name__ == "__main__":
    main()
