"""Forward pass and training step of our networks against the plain way of writing them (``plain_networks.py``).

    python benchmarks/networks.py [--arch fcrn ...] [--task seg depth] [--form default legacy] [--size 256 832] [--batch 2]

Both run in one process, in turns, so that whatever else the machine does hits both. Times are CPU time (of all threads) on a
CPU and wall time on another device; a ratio is the median of the rounds' ratios, above 1 where ours is faster. ``legacy`` is
the same structure with the same weights, whose answers are compared first (column ``error``, of the largest answer);
``default`` is what a user gets, whose structure differs from the ancestor's where docs/differences.md says so. A step is
forward, loss, backward and SGD. The peak is what a large matrix product or convolution reaches on
the same device, measured at the start. Memory
is the highest use during a step beyond what was there before it: resident pages on a CPU, allocations on a GPU.
"""

import argparse
import itertools
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from machine import describe, peak_flops, peak_megabytes, seconds, write_csv
from plain_networks import PLAIN
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from segdepth.networks import Network, load_reference_state
from segdepth.tasks import create_network

CLASSES = 19


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", nargs="+", choices=list(PLAIN), default=list(PLAIN))
    parser.add_argument("--task", nargs="+", choices=["seg", "depth"], default=["seg", "depth"])
    parser.add_argument("--form", nargs="+", choices=["default", "legacy"], default=["default", "legacy"])
    parser.add_argument("--size", nargs=2, type=int, default=[256, 832], metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/networks.csv"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    peak = peak_flops(device)
    rows, cols = arguments.size
    print(describe(device))
    print(f"{device}, {arguments.threads} threads, batch {arguments.batch} of {rows}x{cols}, float32")
    print(f"peak {peak / 1e9:.1f} GFLOP/s\n")
    print(
        f"{'network':8} {'task':5} {'form':8} {'':8} {'plain ms':>9} {'ours ms':>9} {'ratio':>6} {'GFLOP':>8} {'% peak':>7}"
        f" {'plain MB':>9} {'ours MB':>8} {'error':>8}"
    )
    x = torch.randn(arguments.batch, 3, rows, cols, device=device)
    measured: list[dict[str, Any]] = []
    for arch, task, form in itertools.product(arguments.arch, arguments.task, arguments.form):
        for row in compare(arch, task, form, x, arguments.rounds, peak):
            print_row(row)
            measured.append(row)
        write_csv(arguments.csv, measured, device)
    print(arguments.csv)


def compare(arch: str, task: str, form: str, x: Tensor, rounds: int, peak: float) -> Iterator[dict[str, Any]]:
    """One network's two rows."""
    torch.manual_seed(0)
    plain = PLAIN[arch](CLASSES if task == "seg" else 1, task == "depth").to(x.device)
    ours = create_network(arch, task, num_classes=CLASSES, legacy=form == "legacy").to(x.device)
    error = difference(plain, ours, x) if form == "legacy" else None
    shape = x.shape[0], x.shape[2], x.shape[3]
    target = (
        torch.randint(0, CLASSES, shape, device=x.device)
        if task == "seg"
        else torch.rand(shape, device=x.device)[:, None]
    )
    forwards = [forward(net, x) for net in (plain, ours)]
    steps = [step(net, x, target) for net in (plain, ours)]
    for what, calls in (("forward", forwards), ("step", steps)):
        for net in (plain, ours):
            net.train(what == "step")
        (before, after), ratio = in_turns(calls, rounds, x.device)
        flops = count_flops(calls[1])
        memory = [peak_megabytes(call, x.device) if what == "step" else None for call in calls]
        yield {
            "network": arch, "task": task, "form": form, "what": what,
            "plain s": before, "ours s": after, "plain/ours": ratio,
            "GFLOP": flops / 1e9, "of peak": flops / after / peak, "plain MB": memory[0], "ours MB": memory[1],
            "error": None if what == "step" else error,
        }  # fmt: skip


def print_row(row: dict[str, Any]) -> None:
    """One line of the table."""
    memory = ["" if row[name] is None else f"{row[name]:.0f}" for name in ("plain MB", "ours MB")]
    print(
        f"{row['network']:8} {row['task']:5} {row['form']:8} {row['what']:8} {1e3 * row['plain s']:9.0f} "
        f"{1e3 * row['ours s']:9.0f} {row['plain/ours']:5.2f}x {row['GFLOP']:8.1f} {row['of peak']:7.0%} "
        f"{memory[0]:>9} {memory[1]:>8} {'' if row['error'] is None else format(row['error'], '.0e'):>8}",
        flush=True,
    )


@torch.no_grad()
def difference(plain: nn.Module, ours: Network, x: Tensor) -> float:
    """Give ours the plain network's weights; the largest difference of their answers, relative to the largest answer."""
    load_reference_state(ours, plain.state_dict())
    plain.eval()
    ours.eval()
    want = plain(x)
    got = ours.disparity(x) if getattr(plain, "depth", False) else ours(x)  # the plain DispNet answers disparity
    scale = want.abs().max()  # 0 where a legacy ReLU has left nothing of an untrained network
    return float((got - want).abs().max() / torch.where(scale > 0, scale, 1))


def forward(net: nn.Module, x: Tensor) -> Callable[[], None]:
    """A call of the network alone."""

    @torch.no_grad()
    def call() -> None:
        net(x)

    return call


def step(net: nn.Module, x: Tensor, target: Tensor) -> Callable[[], None]:
    """A whole update."""
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=1e-9)

    def call() -> None:
        output = net(x)
        loss = F.l1_loss(output, target) if target.is_floating_point() else F.cross_entropy(output, target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return call


def in_turns(calls: list[Callable[[], None]], rounds: int, device: torch.device) -> tuple[list[float], float]:
    """The median seconds of each call, and the median over rounds of first by second; who begins changes every round."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for turn in range(rounds):
        for index in (0, 1) if turn % 2 == 0 else (1, 0):
            times[index].append(seconds(calls[index], device))
    ratio = statistics.median(first / second for first, second in zip(*times, strict=True))
    return [statistics.median(t) for t in times], ratio


def count_flops(call: Callable[[], None]) -> float:
    """Floating-point operations of a call; a multiplication with its addition counts as two."""
    with FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops())


if __name__ == "__main__":
    main()
