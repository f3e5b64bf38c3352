"""Saliency engines against the plain loop and Captum: seconds per map, interleaved in one run.

    python benchmarks/saliency.py            # all cases; about an hour on one core
    python benchmarks/saliency.py --quick    # fewer maps and rounds
    python benchmarks/saliency.py --whole    # whole maps instead of the crop that the statistics read
    python benchmarks/saliency.py --grid --archs deeplab   # our engines take the full grid: half an hour a case
    python benchmarks/saliency.py --device cuda

CPU seconds on a CPU, wall seconds on another device.
The plain loop is what the research code did: parameters' gradients on, the graph retained, one backward pass per pixel,
statistics in Python loops. Beside it stands the same loop with frozen parameters, the least that anybody should write: where a
ratio is quoted, both are. Loops are timed on 8 targets, `auto` on blocks of 16x16, `windowed` on 4. Targets stand on the
``sample_rate`` 4 grid of the Garg crop. The time of getting an engine ready for a picture (tracing, forward pass, lists of live
units) is listed by itself and added to each map as its share of the full grid, 7,141 targets at 256x832. Captum is left out
where it is not installed (``pip install segdepth[bench]``). `live` and `of peak` count the targets that lanes are filled with:
what the sparse engine does, which is of CPUs; elsewhere `of peak` is of the windowed engine, by all that its windows hold.
All compute in float32, also where PyTorch would take TF32. Every time and ratio is written to a CSV file, with the processor.
"""

import argparse
import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from machine import describe, peak_flops, seconds, write_csv
from torch import Tensor, nn

from segdepth.core.tables import pick
from segdepth.geometry.crops import crop_window
from segdepth.networks import Network
from segdepth.saliency import Explainer, Pixel
from segdepth.saliency.apart import take_apart
from segdepth.saliency.boxes import Boxes, Reach
from segdepth.saliency.engines import Prepared
from segdepth.saliency.graph import Box
from segdepth.saliency.graphs import Function
from segdepth.saliency.measuring import measure_maps
from segdepth.saliency.modes import arithmetic
from segdepth.saliency.target import fixed_targets
from segdepth.saliency.windowed import GraphEngine, WindowedPass
from segdepth.tasks import create_network

ARCHS = ("fcn8s", "segnet", "frrnA", "deeplab", "dispnet", "fcrn")
THRESHOLDS = (0.1, 0.5, 0.9)
RATE = 4


@dataclass
class Times:
    """Seconds per map, seconds of preparation per picture, and the share of the former that measuring takes."""

    maps: list[float] = field(default_factory=list)
    ready: float = 0.0
    measuring: float = 0.0

    def per_map(self, targets: int) -> float:
        """Seconds, with the share of the preparation if that many targets are asked for."""
        return statistics.median(self.maps) + self.ready / targets


@dataclass(frozen=True)
class Case:
    """One network at one picture."""

    name: str
    net: Network
    image: Tensor
    window: Box
    targets: list[Pixel]

    def block(self, side: int, generator: np.random.Generator) -> list[Pixel]:
        """A square of neighbouring targets somewhere on the grid."""
        (top, bottom), (left, right) = crop_box(self.image)
        side_rows, side_columns = (min(side, (b - a - 1) // RATE) for a, b in ((top, bottom), (left, right)))
        row = top + RATE * int(generator.integers(1, (bottom - top - 1) // RATE - side_rows + 2))
        column = left + RATE * int(generator.integers(1, (right - left - 1) // RATE - side_columns + 2))
        return [(row + RATE * i, column + RATE * j) for i in range(side_rows) for j in range(side_columns)]


def crop_box(image: Tensor) -> Box:
    """The Garg crop."""
    rows, columns = crop_window("garg", image.shape[-2], image.shape[-1])
    return (rows.start, rows.stop), (columns.start, columns.stop)


def cases(
    archs: list[str], tasks: list[str], size: tuple[int, int], whole: bool, device: torch.device
) -> Iterator[Case]:
    """Networks with random weights, made one at a time."""
    for arch in archs:
        for task in tasks:
            torch.manual_seed(0)
            net = create_network(arch, task=task).eval().to(device)
            image = torch.randn(3, *size).to(device)
            _calm(net, image)
            window = ((0, size[0]), (0, size[1])) if whole else crop_box(image)
            (top, bottom), (left, right) = crop_box(image)
            grid = [(r, c) for r in range(top + RATE, bottom, RATE) for c in range(left + RATE, right, RATE)]
            yield Case(f"{arch} {task}", net, image, window, grid)


def _calm(net: Network, image: Tensor) -> None:
    """Depth answers of random weights can saturate, and then there is nothing to compute: scale them down."""
    with torch.no_grad():
        largest = net.raw(image[None]).abs().amax()
        for module in net.modules():
            if net.output.name == "depth" and isinstance(module, nn.Conv2d) and module.out_channels == 1:
                module.weight /= largest.clamp_min(1)


class Plain:
    """The obvious loop.

    Args:
        case: what is explained.
        frozen: without gradients of the parameters.
    """

    def __init__(self, case: Case, *, frozen: bool = False) -> None:
        self.case = case
        case.net.requires_grad_(not frozen)
        self.x = case.image[None].clone().requires_grad_()
        self.y = case.net(self.x)

    def maps(self, pixels: list[Pixel]) -> None:
        """Maps and statistics."""
        rows, columns = (slice(*span) for span in crop_box(self.case.image))
        for row, column in pixels:
            self.case.net.zero_grad()
            self.x.grad = None
            here = self.y[0, :, row, column]
            here[here.argmax()].backward(retain_graph=True)
            assert self.x.grad is not None
            saliency = self.x.grad[0].abs().amax(0)[rows, columns]
            python_statistics(saliency, (row - rows.start, column - columns.start))


def python_statistics(saliency: Tensor, pixel: Pixel) -> list[tuple[float, float]]:
    """Activation distance and ratio as a Python loop over the active pixels."""
    peak = saliency.max()
    unit = (saliency - saliency.min()) / torch.where(peak > 0, peak, 1)
    found = []
    for threshold in THRESHOLDS:
        active = (unit >= threshold).nonzero().tolist()
        distance = max((math.hypot(r - pixel[0], c - pixel[1]) for r, c in active), default=0.0)
        found.append((distance, len(active) / unit.numel()))
    return found


class Ours:
    """One of our engines, statistics included."""

    def __init__(self, case: Case, name: str) -> None:
        self.case = case
        self.ready = seconds(lambda: self._prepare(name), case.image.device)
        self.measuring = 0.0

    def _prepare(self, name: str) -> None:
        crop = tuple(slice(*span) for span in self.case.window)
        self.at = Explainer(self.case.net, engine=name).at(self.case.image, crop=crop)
        self.at.chunks(self.case.targets)  # gets the engine ready

    def maps(self, pixels: list[Pixel]) -> None:
        """Maps and statistics."""
        (top, _), (left, _) = self.case.window
        rows, columns = crop_box(self.case.image)
        relative = torch.tensor([(row - rows[0], column - columns[0]) for row, column in pixels])
        self.measuring, done = 0.0, 0
        for maps in self.at.blocks(pixels):
            cut = maps[:, rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]
            own = relative[done : done + len(maps)]
            self.measuring += seconds(lambda c=cut, p=own: measure_maps(c, p, THRESHOLDS), maps.device)
            done += len(maps)


class CaptumSaliency:
    """Captum, one target at a time, as it wants it."""

    def __init__(self, case: Case) -> None:
        from captum.attr import Saliency

        self.case = case
        case.net.requires_grad_(True)
        self.saliency = Saliency(case.net)

    def maps(self, pixels: list[Pixel]) -> None:
        """Maps; statistics as the plain loop has them."""
        rows, columns = (slice(*span) for span in crop_box(self.case.image))
        for row, column in pixels:
            target = (0, row, column)
            found = self.saliency.attribute(self.case.image[None].clone().requires_grad_(), target=target)
            python_statistics(found[0].amax(0)[rows, columns], (row - rows.start, column - columns.start))


def run_case(
    case: Case, rounds: int, side: int | None, loop_targets: int, engines: list[str], captum: bool
) -> dict[str, Times]:
    """All ways in turn, round after round; "auto" with blocks of side x side targets, or with all of the grid."""
    generator = np.random.default_rng(0)
    loops: dict[str, Callable[[], Plain | CaptumSaliency]] = {
        "plain": lambda: Plain(case), "frozen": lambda: Plain(case, frozen=True)
    }  # fmt: skip
    if captum:
        loops["captum"] = lambda: CaptumSaliency(case)
    times = {name: Times() for name in [*loops, *engines]}
    ours = {name: Ours(case, name) for name in engines}
    for name, engine in ours.items():
        times[name].ready = engine.ready
        engine.maps(case.block(2 if name == "windowed" else 8, generator))  # compiles native code, claims memory
    for _ in range(rounds):
        for name in times:
            few = 3 if name in loops else 2 if name == "windowed" else side
            block = case.targets if few is None else case.block(few, generator)
            if name in loops:
                block = block[: -(-loop_targets // rounds)]
            worker = loops[name]() if name in loops else ours[name]
            taken = seconds(lambda w=worker, b=block: w.maps(b), case.image.device)
            times[name].maps.append(taken / len(block))
            if isinstance(worker, Ours):
                times[name].measuring += worker.measuring / taken / rounds
            del worker  # a loop holds its graph
    return times


def work_done(case: Case) -> tuple[float, float]:
    """GMAC of the data gradient per map: everything, and inside windows."""
    height, width = case.image.shape[-2:]
    graph = take_apart(case.net, case.net, case.image)
    everything = Reach(graph, ((0, height), (0, width)))
    full = multiply_adds(everything, ((0, height), (0, width)))
    reach = Reach(graph, case.window)
    generator = np.random.default_rng(1)
    boxes = [((r, r + 1), (c, c + 1)) for (r, c), *_ in (case.block(1, generator) for _ in range(8))]
    least = statistics.mean(multiply_adds(reach, box) for box in boxes)
    return full / 1e9, least / 1e9


def multiply_adds(reach: Reach, box: Box) -> float:
    """Of the data gradient behind a box of the answer, per target."""
    return sum(work.multiply_adds for work in reach.works(reach.back(box)))


def peak_of_maps(device: torch.device) -> float:
    """GFLOP/s of one thread, or of another device, in the arithmetic in which maps are computed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with arithmetic("full"):
        peak = peak_flops(device)
    torch.set_num_threads(threads)
    return peak / 1e9


def geometric_mean(values: list[float]) -> float:
    """Of positive numbers."""
    return math.exp(statistics.mean(map(math.log, values)))


def has_captum() -> bool:
    """Whether Captum is installed."""
    try:
        import captum  # noqa: F401 (only whether it is there)
    except ImportError:
        return False
    return True


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, blocks of 8x8 targets")
    parser.add_argument("--whole", action="store_true", help="whole maps, not the crop's")
    parser.add_argument("--grid", action="store_true", help="one round of all targets of the grid at once")
    parser.add_argument(
        "--loop-targets", type=int, default=8, help="on which the loops are timed (default: 8; quick: 1)"
    )
    parser.add_argument("--rounds", type=int, help="in which all ways take turns (default: 3; quick and grid: 1)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", type=int, nargs=2, default=(256, 832), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--archs", nargs="+", default=list(ARCHS))
    parser.add_argument("--tasks", nargs="+", choices=["seg", "depth"], default=["seg", "depth"])
    parser.add_argument("--engines", nargs="+", default=["windowed", "auto"])
    parser.add_argument("--no-captum", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/saliency.csv"))
    options = parser.parse_args()
    for arch in options.archs:
        pick(dict.fromkeys(ARCHS), arch, kind="network")
    torch.set_num_threads(options.threads)
    rounds, side = (1, None) if options.grid else (1, 8) if options.quick else (3, 16)
    rounds, loop_targets = options.rounds or rounds, 1 if options.quick else options.loop_targets
    captum = has_captum() and not options.no_captum
    device = torch.device(options.device)
    peak = peak_of_maps(device)
    asked = "all targets of the grid" if side is None else f"blocks of {side}x{side} targets"
    print(describe(device))
    of_what = " a thread" if device.type == "cpu" else ""
    print(f"{options.threads} thread(s); peak {peak:.0f} GFLOP/s{of_what}; {rounds} round(s); {asked}")
    loops = ["plain", "frozen", *(["captum"] if captum else [])]
    ours = options.engines
    print(f"{'case':15} " + " ".join(f"{name + ' s':>10}" for name in [*loops, *ours]) + "  "
          + " ".join(f"{f'{a}/{b}':>15}" for b in ours for a in loops)
          + "  ready s  measures  GMAC all  window    live  of peak")  # fmt: skip
    rows = []
    for case in cases(options.archs, options.tasks, tuple(options.size), options.whole, device):
        with arithmetic("full"):
            rows.append(row_of(case, run_case(case, rounds, side, loop_targets, ours, captum), loops, ours, peak))
        print_row(rows[-1], loops, ours)
        write_csv(options.csv, rows, device)
    for b in ours:
        for a in loops:
            ratios = [row[f"{a}/{b}"] for row in rows]
            print(f"{b} against {a}: geometric mean x{geometric_mean(ratios):.1f}, least x{min(ratios):.1f}")
    print(options.csv)


def row_of(case: Case, times: dict[str, Times], loops: list[str], ours: list[str], peak: float) -> dict[str, Any]:
    """One case's figures by name."""
    per_map = {name: taken.per_map(len(case.targets)) for name, taken in times.items()}
    fastest = times.get("auto") or times[ours[0]]
    live, share = live_work(case, peak) if case.image.device.type == "cpu" else (None, windowed_share(case, peak))
    everything, window = work_done(case)
    return {
        "case": case.name,
        **{f"{name} s": value for name, value in per_map.items()},
        **{f"{a}/{b}": per_map[a] / per_map[b] for b in ours for a in loops},
        "ready s": fastest.ready, "measures": fastest.measuring,
        "GMAC all": everything, "window": window, "live": live, "of peak": share,
    }  # fmt: skip


def print_row(row: dict[str, Any], loops: list[str], ours: list[str]) -> None:
    """One case's line."""
    live = "" if row["live"] is None else f"{row['live']:.1f}"
    print(f"{row['case']:15} " + " ".join(f"{row[f'{name} s']:10.4f}" for name in [*loops, *ours]) + "  "
          + " ".join(f"{row[f'{a}/{b}']:15.1f}" for b in ours for a in loops)
          + f" {row['ready s']:8.1f} {row['measures']:9.1%} {row['GMAC all']:9.1f} {row['window']:7.1f} {live:>7}"
          f" {row['of peak']:8.0%}", flush=True)  # fmt: skip


def live_work(case: Case, peak: float) -> tuple[float, float]:
    """GMAC per target that the sparse engine did for a block, and its share of the machine's peak."""
    engine = Prepared(Function(case.net, case.net), case.image, case.window).engine("sparse")
    assert isinstance(engine, GraphEngine)
    tile = case.block(8, np.random.default_rng(2))
    targets = fixed_targets(engine.output, tile, "predicted")
    list(engine.gradients(tile, targets))
    before = engine.backward.multiply_adds
    taken = seconds(lambda: list(engine.gradients(tile, targets)))
    done = engine.backward.multiply_adds - before
    return done / len(tile) / 1e9, 2 * done / taken / 1e9 / peak


def windowed_share(case: Case, peak: float) -> float:
    """Of the device's peak, what the windowed engine reaches for a block by the arithmetic inside its windows."""
    engine = Prepared(Function(case.net, case.net), case.image, case.window).engine("windowed")
    tile = case.block(8, np.random.default_rng(2))
    done, original = 0.0, WindowedPass.gradients

    def counted(self: WindowedPass, seeds: Tensor, boxes: Boxes) -> Tensor:
        nonlocal done
        done += len(seeds) * sum(work.multiply_adds for work in Reach(self.graph, case.window).works(boxes))
        return original(self, seeds, boxes)

    targets = fixed_targets(engine.output, tile, "predicted")
    with mock.patch.object(WindowedPass, "gradients", counted):
        list(engine.gradients(tile, targets))
    taken = seconds(lambda: list(engine.gradients(tile, targets)), case.image.device)
    return 2 * done / taken / 1e9 / peak


if __name__ == "__main__":
    main()
