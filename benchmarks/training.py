"""An update as ``segdepth train`` does it against the plain way.

The plain way: zero_grad, forward, loss with its mask made on the CPU, backward, step, then the scores of the batch in a numpy
loop over its pictures.

    python benchmarks/training.py [--arch segnet ...] [--task seg depth] [--size 256 832] [--batch 2] [--device cuda]

The plain networks are those of ``plain_networks.py`` (the paper's layers in PyTorch's default memory layout), the batches are the
same, the optimizer is Adam in both. Everything runs in one process, in turns. Times are CPU time of all threads on a CPU and wall
time on another device; a ratio is the median over rounds of plain by ours, above 1 where ours is faster. ``ours`` computes in
float32, ``half`` with ``training.precision: bf16-mixed``. The last columns compare the scores alone: our metric against the loop.
"""

import argparse
import itertools
import statistics
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from machine import describe
from networks import CLASSES, seconds
from plain_networks import PLAIN
from torch import Tensor, nn

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
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    rows, cols = arguments.size
    print(describe())
    print(f"{device}, {arguments.threads} threads, batch {arguments.batch} of {rows}x{cols}\n")
    print(
        f"{'network':8} {'task':5} {'plain ms':>9} {'ours ms':>9} {'ratio':>6} {'half ms':>9} {'ratio':>6}"
        f"   {'loop ms':>8} {'metric ms':>9} {'ratio':>6}"
    )
    ratios: dict[str, list[float]] = {"ours": [], "half": []}
    for arch, task in itertools.product(arguments.arch, arguments.task):
        batch = make_batch(task, arguments.batch, rows, cols, device)
        calls = {
            "plain": plain_update(arch, task, batch),
            "ours": our_update(arch, task, batch, "32-true", device),
            "half": our_update(arch, task, batch, "bf16-mixed", device),
        }
        times = in_turns(calls, arguments.rounds, device)
        loop, metric = scoring(task, batch)
        scores = in_turns({"plain": loop, "metric": metric}, arguments.rounds, device)
        cells = []
        for name in ("ours", "half"):
            ratio = statistics.median(a / b for a, b in zip(times["plain"], times[name], strict=True))
            ratios[name].append(ratio)
            cells.append(f"{1e3 * statistics.median(times[name]):9.0f} {ratio:5.2f}x")
        ratio = statistics.median(a / b for a, b in zip(scores["plain"], scores["metric"], strict=True))
        print(
            f"{arch:8} {task:5} {1e3 * statistics.median(times['plain']):9.0f} {' '.join(cells)}   "
            f"{1e3 * statistics.median(scores['plain']):8.0f} {1e3 * statistics.median(scores['metric']):9.0f} {ratio:5.2f}x",
            flush=True,
        )
    for name, values in ratios.items():
        print(f"{name}: least {min(values):.2f}x, geometric mean {statistics.geometric_mean(values):.2f}x")


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
    loss = LOSSES[TASKS[task].target][TASKS[task].default_loss]
    update = Update(fabric, net, module, optimizer, loss, lambda base, _: base, base_rates=[1e-9])
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


def in_turns(calls: dict[str, Callable[[], None]], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Seconds of each call, each round in another order."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    names = list(calls)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[name].append(seconds(calls[name], device))
    return times


if __name__ == "__main__":
    main()
