"""An update as ``segdepth train`` does it against the plain way.

The plain way: zero_grad, forward, loss with its mask made on the CPU, backward, step, then the scores of the batch in a numpy
loop over its pictures.

    python benchmarks/training.py [--no-half] [--arch segnet ...] [--task seg depth] [--size 256 832] [--batch 2] [--device cuda]

The plain networks are those of ``plain_networks.py`` (the paper's layers in PyTorch's default memory layout), the batches are the
same, the optimizer is Adam in both. Everything runs in one process, in turns. Times are CPU time of all threads on a CPU and wall
time on another device; a ratio is the median over rounds of plain by ours, above 1 where ours is faster. ``ours`` computes in
float32, ``half`` with ``training.precision: bf16-mixed``; ``--no-half`` leaves that out. ``GFLOP`` is what an update of the plain
network computes, then ours, whose structure differs where docs/differences.md says so. ``conv`` is the share of our float32
update that goes to convolutions, and ``of peak`` the speed that they reach there, of what a large product or convolution reaches
on the same device: where that is near 1, hardware is the limit. The last columns compare the scores alone: our metric against the
loop.
"""

import argparse
import itertools
import statistics
import warnings
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from machine import describe, peak_flops, seconds, write_csv
from networks import CLASSES, count_flops
from plain_networks import PLAIN
from torch import Tensor, nn
from torch.profiler import profile

from segdepth.data.loading import Batch
from segdepth.losses import LOSSES
from segdepth.metrics import DepthProtocol, DepthScores, SegmentationScores
from segdepth.optim import OPTIMIZERS
from segdepth.tasks import TASKS, create_network
from segdepth.training import RunningLoss, Update


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", nargs="+", choices=list(PLAIN), default=list(PLAIN))
    parser.add_argument("--task", nargs="+", choices=["seg", "depth"], default=["seg", "depth"])
    parser.add_argument("--size", nargs=2, type=int, default=[256, 832], metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--no-half", action="store_true")
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/training.csv"))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    ours = {"ours": "32-true"} | ({} if arguments.no_half else {"half": "bf16-mixed"})
    size = tuple(arguments.size)
    peak = peak_flops(device)
    print(describe(device))
    print(
        f"{device}, {arguments.threads} threads, batch {arguments.batch} of {size[0]}x{size[1]}; {peak / 1e9:.0f} GFLOP/s\n"
    )
    print(
        f"{'network':8} {'task':5} {'plain ms':>9} "
        + " ".join(f"{name + ' ms':>9} {'ratio':>6}" for name in ours)
        + f"  {'GFLOP':>6} {'ours':>6} {'conv':>5} {'of peak':>7}   {'loop ms':>8} {'metric ms':>9} {'ratio':>6}"
    )
    rows: list[dict[str, Any]] = []
    for arch, task in itertools.product(arguments.arch, arguments.task):
        batch = make_batch(task, arguments.batch, *size, device)
        rows.append({"network": arch, "task": task} | measure(arch, task, batch, ours, arguments.rounds, peak))
        print_row(rows[-1], ours)
        write_csv(arguments.csv, rows, device)
    mean: dict[str, Any] = {"network": "geometric mean", "task": ""}
    mean |= {key: statistics.geometric_mean(row[key] for row in rows) for key in rows[0] if key not in mean}
    print_row(mean, ours)
    for name in ours:
        print(f"{name}: least {min(row[f'plain/{name}'] for row in rows):.2f}x")
    print(arguments.csv)


def measure(arch: str, task: str, batch: Batch, ours: dict[str, str], rounds: int, peak: float) -> dict[str, float]:
    """One line's figures by name."""
    device = batch.image.device
    calls = {"plain": plain_update(arch, task, batch)}
    calls |= {name: our_update(arch, task, batch, precision, device) for name, precision in ours.items()}
    share = convolutions_share(calls["ours"], device)
    times = in_turns(calls, rounds, device, warm=["ours"])
    flops = [count_flops(update_without_values(form, arch, task, batch.image)) for form in ("plain", "ours")]
    loop, metric = scoring(task, batch)
    scores = in_turns({"loop": loop, "metric": metric}, rounds, device)
    return {
        **{f"{name} ms": 1e3 * statistics.median(taken) for name, taken in (times | scores).items()},
        **{f"plain/{name}": ratio(times["plain"], times[name]) for name in ours},
        "loop/metric": ratio(scores["loop"], scores["metric"]),
        "plain GFLOP": flops[0] / 1e9, "ours GFLOP": flops[1] / 1e9,
        "convolutions": share, "of peak": flops[1] / share / statistics.median(times["ours"]) / peak,
    }  # fmt: skip


def ratio(before: list[float], after: list[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(before, after, strict=True))


def print_row(row: dict[str, Any], ours: dict[str, str]) -> None:
    """One line."""
    print(
        f"{row['network'][:8]:8} {row['task']:5} {row['plain ms']:9.0f} "
        + " ".join(f"{row[f'{name} ms']:9.0f} {row[f'plain/{name}']:5.2f}x" for name in ours)
        + f"  {row['plain GFLOP']:6.0f} {row['ours GFLOP']:6.0f} {row['convolutions']:5.0%} {row['of peak']:7.0%}"
        f"   {row['loop ms']:8.0f} {row['metric ms']:9.0f} {row['loop/metric']:5.2f}x",
        flush=True,
    )


def update_without_values(form: str, arch: str, task: str, image: Tensor) -> Callable[[], None]:
    """Forward and backward of tensors that are only shapes, to be counted."""
    with torch.device("meta"):
        net = PLAIN[arch](CLASSES if task == "seg" else 1, task == "depth")
        if form == "ours":
            net = create_network(arch, task, num_classes=CLASSES)
        x = torch.empty(image.shape)
    return lambda: net(x).sum().backward()


def convolutions_share(call: Callable[[], None], device: torch.device) -> float:
    """The share of a call's time that convolutions take, forward and backward, with all that belongs to them."""
    with profile() as taken:
        call()
    events = taken.key_averages()
    time = "cpu_time_total" if device.type == "cpu" else "device_time_total"
    parts = ("aten::convolution", "ConvolutionBackward0", "_ConvolutionBackward")
    of_parts = sum(getattr(event, time) for event in events if event.key in parts)
    return float(of_parts / sum(getattr(event, f"self_{time}") for event in events))


def make_batch(task: str, count: int, rows: int, cols: int, device: torch.device) -> Batch:
    """Pictures and truth as the loader gives them: channels-last bytes, a fifth of the pixels without truth."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (count, rows, cols, 3), dtype=torch.uint8, generator=generator).permute(0, 3, 1, 2)
    unknown = torch.rand(count, rows, cols, generator=generator) < 0.2
    labels = torch.randint(0, CLASSES, (count, rows, cols), generator=generator).masked_fill(unknown, 255)
    depth = (1 + 79 * torch.rand(count, rows, cols, generator=generator)).masked_fill(unknown, 0)[:, None]
    return Batch(image, labels if task == "seg" else depth, [str(i) for i in range(count)]).to(device)


def our_update(arch: str, task: str, batch: Batch, precision: Any, device: torch.device) -> Callable[[], None]:
    """The product's own update, with nothing around it."""
    torch.manual_seed(0)
    fabric = Fabric(accelerator=device.type, devices=1, precision=precision)
    net = create_network(arch, task, num_classes=CLASSES).to(memory_format=torch.channels_last)
    module, optimizer = fabric.setup(net, OPTIMIZERS["adam"]([{"params": list(net.parameters())}], lr=1e-9))
    module.train()
    loss = LOSSES[TASKS[task].default_loss][TASKS[task].target]
    update = Update(fabric, net, module, optimizer, loss)
    running = RunningLoss(device, 0)
    stream: Iterator[Batch] = itertools.repeat(batch)
    steps = itertools.count()
    return lambda: update(stream, next(steps), running)


def plain_update(arch: str, task: str, batch: Batch) -> Callable[[], None]:
    """The loop's body as research code has it."""
    torch.manual_seed(0)
    target = batch.target
    assert isinstance(target, Tensor)
    net: nn.Module = PLAIN[arch](CLASSES if task == "seg" else 1, task == "depth").to(target.device)
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-9)
    image = (batch.image.contiguous().float() / 255 - 0.5) / 0.25

    def call() -> None:
        optimizer.zero_grad()
        output = net(image)
        mask = torch.from_numpy((target.cpu().numpy() != 255) if task == "seg" else target.cpu().numpy() > 0)
        mask = mask.to(target.device)
        if task == "seg":
            log_probabilities = F.log_softmax(output, dim=1).permute(0, 2, 3, 1)
            loss = F.nll_loss(log_probabilities[mask], target[mask])
        else:
            output = 1 / output if arch == "dispnet" else output
            loss = (output[mask] - target[mask]).abs().mean()
        loss.backward()
        optimizer.step()
        loss.item()
        numpy_scores(task, output.detach(), target)

    return call


def numpy_scores(task: str, output: Tensor, target: Tensor) -> list[Any]:
    """Scores of a batch, picture by picture."""
    truths = target.cpu().numpy()
    scores: list[Any] = []
    if task == "seg":
        answers = output.max(1)[1].cpu().numpy()
        for answer, truth in zip(answers, truths, strict=True):
            known = (truth >= 0) & (truth < CLASSES)
            cells = CLASSES * truth[known].astype(int) + answer[known]
            scores.append(np.bincount(cells, minlength=CLASSES**2).reshape(CLASSES, CLASSES))
        return scores
    for answer, truth in zip(output.cpu().numpy(), truths, strict=True):
        known = (truth > 0) & (truth < 80)
        p, g = np.clip(answer[known], 1e-3, 80), truth[known]
        ratio = np.maximum(p / g, g / p)
        scores.append([
            np.mean(np.abs(p - g)), np.mean(np.abs(p - g) / g), np.mean((p - g) ** 2 / g), np.sqrt(np.mean((p - g) ** 2)),
            np.sqrt(np.mean((np.log(p) - np.log(g)) ** 2)), *(np.mean(ratio < 1.25**k) for k in (1, 2, 3)),
        ])  # fmt: skip
    return scores


def scoring(task: str, batch: Batch) -> tuple[Callable[[], None], Callable[[], None]]:
    """The scores of a batch alone: the loop, and our metric on the device."""
    target = batch.target
    assert isinstance(target, Tensor)
    if task == "seg":
        output = torch.randn(len(target), CLASSES, *target.shape[-2:], device=target.device)
        seg = SegmentationScores(CLASSES).to(target.device)
        return lambda: numpy_scores(task, output, target) and None, lambda: seg.update(output.max(1).indices, target)
    output = 1 + 79 * torch.rand_like(target)
    depth = DepthScores(DepthProtocol(crop="none")).to(target.device)
    return lambda: numpy_scores(task, output, target) and None, lambda: depth.update(output, target)


def in_turns(
    calls: dict[str, Callable[[], None]], rounds: int, device: torch.device, warm: Collection[str] = ()
) -> dict[str, list[float]]:
    """Seconds of each call, each round in another order, after one that does not count for those not in ``warm``."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for name in names:
        if name not in warm:
            calls[name]()
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[name].append(seconds(calls[name], device))
    return times


if __name__ == "__main__":
    main()
