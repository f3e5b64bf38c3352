"""What a figure was measured on, for the first line of every table and the last columns of every CSV file, and with what.

Time, memory, and the most that the hardware does, on a CPU or another device.
"""

import csv
import gc
import os
import platform
import re
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils import collect_env

from segdepth.core.files import replacing
from segdepth.core.provenance import HOLDING_BACK, processor
from segdepth.saliency.memory import hand_back

__all__ = ["CPU", "describe", "peak_flops", "peak_megabytes", "seconds", "wall_seconds", "write_csv"]

CPU = torch.device("cpu")


def describe(device: torch.device = CPU) -> str:
    """Processor, its instruction sets, PyTorch's version and the instruction sets that it uses, in one line.

    Another device, with its driver, stands before these.
    """
    return f"{_machine(device)}; PyTorch {_torch(device)}"


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], device: torch.device = CPU) -> None:
    """Write rows, each with the machine that they were measured on, versions, date and command.

    ``docs/benchmarks.md`` is made of such files. It takes a column "... s" for seconds and "a/b" for a ratio; rows may lack
    columns.
    """
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        about = {
            "machine": _machine(device), "torch": _torch(device), "python": platform.python_version(),
            "date": datetime.now(UTC).date().isoformat(), "command": _command(),
        }  # fmt: skip
        writer = csv.DictWriter(file, fieldnames=list(dict.fromkeys([*(key for row in rows for key in row), *about])))
        writer.writeheader()
        writer.writerows({**row, **about} for row in rows)


def _machine(device: torch.device) -> str:
    found = processor()
    cpu = f"{found['name']}: {' '.join(found['instruction_sets']) or platform.machine()}"
    return cpu if device.type == "cpu" else f"{_accelerator(device)}; {cpu}"


def _accelerator(device: torch.device) -> str:
    """Name and driver, where PyTorch knows them."""
    if device.type != "cuda":
        return device.type
    major, minor = torch.cuda.get_device_capability(device)
    driver = collect_env.get_nvidia_driver_version(collect_env.run)  # type: ignore[no-untyped-call]
    return f"{torch.cuda.get_device_name(device)} (compute capability {major}.{minor}, driver {driver or 'unknown'})"


def _torch(device: torch.device) -> str:
    cuda = f" with CUDA {torch.version.cuda}" if device.type == "cuda" else ""
    return f"{torch.__version__}{cuda} uses {torch.backends.cpu.get_cpu_capability()}"


def _command() -> str:
    """As it can be repeated in any checkout: without ``--csv``, and of an absolute path only the name."""
    settings = [f"{name}={shlex.quote(os.environ[name])}" for name in HOLDING_BACK if name in os.environ]
    arguments = [re.sub(r"(^|=)/(?:.*/)?", r"\1", argument) for argument in sys.argv[1:]]
    command = " ".join([*settings, "python", f"benchmarks/{Path(sys.argv[0]).name}", shlex.join(arguments)])
    return re.sub(r" --csv[ =]\S+", "", command).strip()


def seconds(work: Callable[[], object], device: torch.device = CPU) -> float:
    """What something takes: CPU seconds of this process on a CPU, wall seconds on another device."""
    if device.type != "cpu":
        return wall_seconds(work, device)
    start = time.process_time()
    work()
    return time.process_time() - start


def wall_seconds(work: Callable[[], object], device: torch.device = CPU) -> float:
    """Until a device has done all of something; what it was given before is waited for first."""
    _wait(device)
    start = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def peak_flops(device: torch.device = CPU) -> float:
    """Floating-point operations a second: the faster of a large matrix product and a large 3x3 convolution."""
    side, channels = 2048, 256
    a, b = torch.randn(side, side, device=device), torch.randn(side, side, device=device)
    x = torch.randn(2, channels, 64, 128, device=device).to(memory_format=torch.channels_last)
    conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.no_grad():
        calls = {lambda: torch.mm(a, b): 2.0 * side**3, lambda: conv(x): 2.0 * 9 * channels * x.numel()}
        return max(flops / min(seconds(call, device) for _ in range(10)) for call, flops in calls.items())


def peak_megabytes(work: Callable[[], object], device: torch.device = CPU) -> float | None:
    """MB in use at the worst moment of something beyond those before it; None where the system does not say.

    On a CPU resident pages, on an NVIDIA GPU PyTorch's allocations.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if device.type != "cpu" or not status.exists():
        return None
    hand_back()  # freed pages that the allocator kept would not count again
    reset.write_text("5")  # the highest use so far becomes the present one
    resident = _resident(status, "VmRSS")
    work()
    return _resident(status, "VmHWM") - resident


def _resident(status: Path, name: str) -> float:
    """A line of the process's status, in MB."""
    line = next(line for line in status.read_text().splitlines() if line.startswith(name))
    return float(line.split()[1]) / 1024
