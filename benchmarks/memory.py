"""Peak memory of a first explanation over that of the network, beside autograd's with frozen parameters.

    python benchmarks/memory.py                        # all networks of gallery.py that are installed
    python benchmarks/memory.py --networks "smp Unet"  # those whose names begin so
    python benchmarks/memory.py --engine windowed      # one that is named
    python benchmarks/memory.py --device cuda

Each network in processes of its own, one thread: made, its batch norms given a picture's statistics, what is free handed back to
the system; then the process's peak (what Linux calls VmHWM) while 64 neighbouring targets at 256x320 are explained, a fresh
network's first call, which takes it apart and compares it with autograd. ``frozen`` is one forward pass and backward passes of
four of these targets. MB are 2^20 bytes; what Numba and its compiler take for themselves is there before. On an NVIDIA GPU it is
the peak of what PyTorch holds there; what the driver and the kernels take is not counted.
"""

import argparse
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from machine import describe, peak_megabytes, write_csv

from gallery import NETWORKS, block, frozen, load, networks, spread
from segdepth.saliency import ExplainedPicture, Explainer

#: MB that a network of the gallery may take at 256x320.
GOAL = 700


def peak(
    name: str, engine: str, size: tuple[int, int], targets: int, device: torch.device
) -> tuple[float, float, str] | None:
    """MB of a network's parameters; of the peak over the network; the engine that was taken. None: it is not installed."""
    torch.set_num_threads(1)
    found = next(networks([name]), None)
    if found is None:
        return None
    net, image, pixels = found[1].to(device), torch.randn(3, *size).to(device), block(size, targets)
    spread(net, image)
    load(device)
    at: list[ExplainedPicture] = []

    def explain() -> None:
        at.append(Explainer(net, engine=engine).at(image))  # type: ignore[arg-type]
        at[0].maps(pixels, zeros=lambda _: None)

    most = peak_megabytes((lambda: frozen(net, image, pixels)) if engine == "frozen" else explain, device)
    assert most is not None, "needs Linux, or an NVIDIA GPU"
    taken = at[0].engine_for(targets) if at else engine
    return sum(p.numel() * p.element_size() for p in net.parameters()) / 2**20, most, taken


def alone(*arguments: Any) -> tuple[float, float, str] | None:
    """See :func:`peak`; in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(peak, *arguments).result()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=[""], help="beginnings of names")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 320), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--targets", type=int, default=64)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/memory.csv"))
    options = parser.parse_args()
    device = torch.device(options.device)
    print(describe(device))
    rows: list[dict[str, Any]] = []
    for name in NETWORKS:
        if not name.startswith(tuple(options.networks)):
            continue
        found, loops = (
            alone(name, engine, options.size, options.targets, device) for engine in (options.engine, "frozen")
        )
        if found is None or loops is None:
            continue  # why was said
        (parameters, ours, taken), (_, loop, _) = found, loops
        rows.append(
            {"network": name, "targets": options.targets, "engine": taken, "parameters MB": parameters, "ours MB": ours,
             "frozen MB": loop, "goal MB": GOAL}
        )  # fmt: skip
        print(
            f"{name:40} {taken:9} parameters {parameters:5.0f} MB  ours {ours:5.0f} MB  frozen {loop:5.0f} MB",
            flush=True,
        )
        write_csv(options.csv, rows, device)
    if rows:
        print(f"most: {max(row['ours MB'] for row in rows):.0f} MB; {options.csv}")


if __name__ == "__main__":
    main()
