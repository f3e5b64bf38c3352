"""Clicks: how long somebody waits for one pixel's map, the first time, the next time, and at another picture.

    python benchmarks/latency.py                       # six networks, two threads; some minutes
    python benchmarks/latency.py --archs dispnet fcrn --clicks 5
    python benchmarks/latency.py --device cuda

Wall seconds of whole maps, segmentation, random weights, the engine that `auto` takes. The first click is of a fresh network,
step by step: ``at`` (the network's own forward pass and what is noted of it), ``apart`` (the network traced and held against
autograd), ``again`` (the graph's forward pass at the picture), ``engine`` (which one, and made ready) and ``back`` (the map).
Next clicks are at random pixels with all of that ready. ``tile`` is a tile of 24 neighbours that is computed and kept before it
is asked for, ``kept`` a click at one of these. Another picture of the size is asked for by the same explainer: ``at`` alone, then
with its first click. ``passes`` counts forward passes, the network's own and the graph's; one of a fresh network's is the trace,
which computes no numbers. ``forward`` is the plain network's forward pass without gradients. What a process does only once
(imports, compilation) is done before, by a network of two layers. With fewer free cores than threads, wall seconds say nothing:
see ``next CPU``. A device other than the CPU is waited for before and after each step, and has no goal.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from machine import describe, wall_seconds, write_csv
from saliency import ARCHS
from torch import Tensor, fx, nn

from segdepth.core.tables import pick
from segdepth.saliency import ExplainedPicture, Explainer, Pixel
from segdepth.saliency.modes import undisturbed
from segdepth.tasks import create_network

#: Seconds that a next click may take on two cores with AVX2, at 256x832.
GOALS = {"fcn8s": 0.7, "segnet": 0.5, "frrnA": 1.1, "deeplab": 1.5, "dispnet": 0.25, "fcrn": 0.4}


@dataclass
class Passes:
    """Forward passes that were made."""

    count: int = 0


@contextmanager
def counting(net: nn.Module) -> Iterator[Passes]:
    """Count a network's forward passes, and those of graphs, inside; not by a hook, which would be a change of the network."""
    passes = Passes()

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: Any, *inputs: Any, **options: Any) -> Any:
            passes.count += 1
            return original(self, *inputs, **options)

        return run

    with ExitStack() as stack:
        for kind, name in ((type(net), "forward"), (fx.Interpreter, "run")):
            stack.enter_context(mock.patch.object(kind, name, watched(getattr(kind, name))))
        yield passes


def timed(work: Callable[[], object], device: torch.device) -> tuple[float, float]:
    """CPU seconds of this process, and wall seconds."""
    begin = time.process_time()
    wall = wall_seconds(work, device)
    return time.process_time() - begin, wall


def first_click(explainer: Explainer, image: Tensor, pixel: Pixel) -> tuple[ExplainedPicture, dict[str, float]]:
    """A fresh network's first click, step by step; each keeps for the next one what a single call would make."""
    found: list[ExplainedPicture] = []

    def wall(work: Callable[[], object]) -> float:
        return wall_seconds(work, image.device)

    seconds = {"first at s": wall(lambda: found.append(explainer.at(image)))}
    (at,) = found
    prepared = at._prepared[""]
    with undisturbed(explainer.net):
        seconds["first apart s"] = wall(lambda: prepared.function.graph(prepared.image))
    seconds["first again s"] = wall(lambda: prepared.traced)
    seconds["first engine s"] = wall(lambda: prepared.fastest("auto", [pixel]))
    seconds["first back s"] = wall(lambda: click(at, pixel))
    return at, {"first click s": sum(seconds.values()), **seconds}


def neighbours(size: tuple[int, int]) -> list[Pixel]:
    """A tile in the middle."""
    return [(size[0] // 2 + row, size[1] // 2 + column) for row in range(4) for column in range(6)]


def click(at: ExplainedPicture, pixel: Pixel) -> Tensor:
    """One map."""
    return at.maps([pixel], zeros=lambda _: None)


def case(arch: str, size: tuple[int, int], clicks: int, device: torch.device) -> dict[str, Any]:
    """One network's row."""
    torch.manual_seed(0)
    net = create_network(arch).eval().to(device)
    image, other = (torch.randn(3, *size).to(device) for _ in range(2))
    generator = np.random.default_rng(0)
    pixels: list[Pixel] = [tuple(generator.integers(0, size).tolist()) for _ in range(clicks + 1)]
    with torch.no_grad():
        forward = statistics.median(wall_seconds(lambda: net(image[None]), device) for _ in range(3))
    explainer = Explainer(net)
    with counting(net) as passes:
        at, first = first_click(explainer, image, pixels[0])
        first_passes = passes.count
        taken = [timed(lambda p=pixel: click(at, p), device) for pixel in pixels[1:]]
        tile = neighbours(size)
        kept = wall_seconds(lambda: at.keep(tile), device)
        from_kept = [wall_seconds(lambda p=pixel: click(at, p), device) for pixel in tile]
        before, another = passes.count, list[ExplainedPicture]()
        other_at = wall_seconds(lambda: another.append(explainer.at(other)), device)
        at_passes = passes.count - before
        other_click = other_at + wall_seconds(lambda: click(another[0], pixels[0]), device)
        click_passes = passes.count - before
    return {
        "network": arch, "size": f"{size[0]}x{size[1]}", "threads": torch.get_num_threads(), "engine": at.engine_for(1),
        "forward s": forward, **first, "first passes": first_passes,
        "next s": statistics.median(seconds for _, seconds in taken), "next worst s": max(seconds for _, seconds in taken),
        "next CPU s": statistics.median(cpu for cpu, _ in taken), **({"goal s": GOALS[arch]} if device.type == "cpu" else {}),
        "tile s": kept, "kept s": statistics.median(from_kept), "kept worst s": max(from_kept),
        "other at s": other_at, "other at passes": at_passes, "other click s": other_click, "other click passes": click_passes,
    }  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archs", nargs="+", default=list(ARCHS))
    parser.add_argument("--size", type=int, nargs=2, default=(256, 832), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/latency.csv"))
    options = parser.parse_args()
    for arch in options.archs:
        pick(GOALS, arch, kind="network")
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    small = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 2, 3)).to(device)
    click(Explainer(small).at(torch.randn(3, 16, 16).to(device)), (4, 4))
    print(describe(device))
    rows: list[dict[str, Any]] = []
    for arch in options.archs:
        rows.append(case(arch, tuple(options.size), options.clicks, device))
        shown = {key: f"{value:.3f}" if isinstance(value, float) else value for key, value in rows[-1].items()}
        print("  ".join(f"{key} {value}" for key, value in shown.items()), flush=True)
        write_csv(options.csv, rows, device)
    print(options.csv)


if __name__ == "__main__":
    main()
