"""Whether long runs stay as small as they begin: memory, descriptors, threads and files left over 5,000 pictures.

    python benchmarks/long_runs.py                 # half an hour
    python benchmarks/long_runs.py --pictures 500 --sizes 50

``predict`` and ``study eval`` are run as anybody runs them, on pictures of which every tenth has a size of its own, and ``maps``
explains one pixel of pictures through one ``Explainer``, those sizes included. Each is watched from outside. The first fifth is
warming up; over the rest ``MiB per 1000`` is the slope of resident memory over a thousand pictures, by least squares through the
means of twenty blocks, and ``+-`` its 95 % interval. ``files left`` are temporary files that are left at the end.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from machine import describe, write_csv
from scipy import stats

from segdepth.drawing import write_png
from segdepth.networks import save_network
from segdepth.tasks import create_network

SIZE = (64, 96)
BLOCKS = 20
#: Seconds between two looks.
PAUSE = 0.2

#: One Explainer over pictures of many sizes; writes a file a picture, so that the watcher sees how far it is.
MAPS = """
import sys
from pathlib import Path
import torch
from segdepth.networks import load_network
from segdepth.saliency import Explainer
net, sizes, out = load_network(sys.argv[1]), Path(sys.argv[2]).read_text().split(), Path(sys.argv[3])
explainer = Explainer(net)
for number, size in enumerate(sizes):
    rows, columns = map(int, size.split("x"))
    at = explainer.at(torch.rand(3, rows, columns, generator=torch.Generator().manual_seed(number)))
    at.maps([(rows // 2, columns // 2)], zeros=lambda _: None)
    (out / f"{number}.done").touch()
"""


class Look(NamedTuple):
    """What a process took when so many pictures were done."""

    done: int
    mebibytes: float
    descriptors: int
    threads: int


def look(number: int, done: int) -> Look | None:
    """At a process; None: it has ended."""
    try:
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{number}/status").read_text().splitlines())
        descriptors = len(os.listdir(f"/proc/{number}/fd"))  # noqa: PTH208  a folder of links that come and go
    except (OSError, ValueError):
        return None
    if "VmRSS" not in status:
        return None
    return Look(done, int(status["VmRSS"].split()[0]) / 1024, descriptors, int(status["Threads"]))


def watched(command: Sequence[str], done: Callable[[], int]) -> tuple[list[Look], float]:
    """Run a command and look at it now and then; also its seconds."""
    looks, begun = [], time.perf_counter()
    quiet = {**os.environ, "OMP_WAIT_POLICY": "passive"}  # as the command line has it: threads that wait do not spin
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=quiet) as process:
        while process.poll() is None:
            if (found := look(process.pid, done())) is not None:
                looks.append(found)
            time.sleep(PAUSE)
        assert process.stderr is not None
        if process.returncode:
            sys.exit(f"{' '.join(command[:4])} failed: {process.stderr.read()[-2000:]}")
    return looks, time.perf_counter() - begun


def slope(looks: Sequence[Look], pictures: int) -> tuple[float, float]:
    """MiB a thousand pictures after a fifth of them, and half of the 95 % interval."""
    edges = np.linspace(pictures / 5, pictures, BLOCKS + 1)
    done, memory = (np.array([getattr(one, name) for one in looks]) for name in ("done", "mebibytes"))
    blocks = [(done >= low) & (done < high) for low, high in pairwise(edges)]
    means = np.array([(done[inside].mean(), memory[inside].mean()) for inside in blocks if inside.any()])
    found = stats.linregress(means[:, 0] / 1000, means[:, 1])
    return float(found.slope), float(found.stderr * stats.t.ppf(0.975, len(means) - 2))


def case(name: str, command: Sequence[str], out: Path, suffix: str, pictures: int) -> dict[str, Any]:
    """One row."""
    looks, seconds = watched(command, lambda: sum(1 for _ in out.rglob(f"*{suffix}")))
    after = [one for one in looks if pictures / 5 <= one.done < pictures]
    most = max(one.mebibytes for one in looks)
    mebibytes, half = slope(looks, pictures)
    return {
        "run": name, "pictures": pictures, "run s": seconds, "MiB": after[0].mebibytes, "most MiB": most,
        "MiB per 1000": mebibytes, "+-": half,
        "descriptors": after[0].descriptors, "descriptors at the end": after[-1].descriptors,
        "threads": after[0].threads, "threads at the end": after[-1].threads,
        "files left": sum(1 for path in out.rglob("*") if path.suffix in (".part", ".tmp") or path.name.startswith(".")),
    }  # fmt: skip


def sizes_of(pictures: int, own: int) -> list[tuple[int, int]]:
    """Of all pictures; so many have one of their own, spread evenly."""
    every = max(1, pictures // own)
    rng = np.random.default_rng(0)
    strange = rng.permutation([(r, c) for r in range(40, 100) for c in range(48, 140)])[: pictures // every]
    sizes = [SIZE] * pictures
    for number, (rows, columns) in enumerate(strange):
        sizes[number * every] = (int(rows), int(columns))
    return sizes


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--sizes", type=int, default=500, help="pictures that have a size of their own")
    parser.add_argument("--arch", default="dispnet")
    parser.add_argument("--runs", nargs="+", choices=("predict", "study", "maps"), default=("predict", "study", "maps"))
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/long_runs.csv"))
    options = parser.parse_args()
    print(describe())
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        torch.manual_seed(0)
        save_network(create_network(options.arch, "depth", width=0.125).eval(), folder / "net.safetensors")
        sizes = sizes_of(options.pictures, options.sizes)
        for number, size in enumerate(sizes):
            image = np.random.default_rng(number).integers(0, 256, (*size, 3), dtype=np.uint8)
            write_png(folder / "pictures" / f"{number:05d}.png", image)
        (folder / "sizes.txt").write_text(" ".join(f"{r}x{c}" for r, c in sizes))
        outs = {name: folder / name for name in ("predict", "study", "maps")}
        outs["maps"].mkdir()
        segdepth = (sys.executable, "-m", "segdepth")
        checkpoint = ("--checkpoint", str(folder / "net.safetensors"))
        pictures = str(folder / "pictures")
        commands = {
            "predict": ((*segdepth, "predict", *checkpoint, pictures, "--out", str(outs["predict"])), ".npy"),
            "study": (
                (*segdepth, "study", "eval", *checkpoint, "--data-path", pictures, "--num-image", str(options.pictures),
                 "--sample-rate", "24", "--height", str(SIZE[0]), "--width", str(SIZE[1]), "--out", str(outs["study"])),
                ".parquet",
            ),
            "maps": (
                (sys.executable, "-c", MAPS, str(folder / "net.safetensors"), str(folder / "sizes.txt"), str(outs["maps"])),
                ".done",
            ),
        }  # fmt: skip
        for name in options.runs:
            command, suffix = commands[name]
            rows.append(case(name, command, outs[name], suffix, options.pictures))
            words = (
                f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                for key, value in rows[-1].items()
            )
            print("  ".join(words), flush=True)
            write_csv(options.csv, rows)
    print(options.csv)


if __name__ == "__main__":
    main()
