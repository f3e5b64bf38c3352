"""What a figure was measured on, for the first line of every table and the last columns of every CSV file."""

import csv
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

from segdepth.core.files import replacing
from segdepth.core.provenance import processor

__all__ = ["cpu_seconds", "describe", "write_csv"]

#: What holds PyTorch, its libraries and Numba back, so that a slower machine can be looked at: part of the command.
HOLDING_BACK = (
    "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES",
)  # fmt: skip


def describe() -> str:
    """Processor, its instruction sets, PyTorch's version and the instruction sets that it uses, in one line."""
    return f"{_machine()}; PyTorch {_torch()}"


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows, each with the machine that they were measured on, versions, date and command.

    ``docs/benchmarks.md`` is made of such files. It takes a column "... s" for seconds and "a/b" for a ratio; rows may lack
    columns.
    """
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        about = {
            "machine": _machine(), "torch": _torch(), "python": platform.python_version(),
            "date": datetime.now(UTC).date().isoformat(), "command": _command(),
        }  # fmt: skip
        writer = csv.DictWriter(file, fieldnames=list(dict.fromkeys([*(key for row in rows for key in row), *about])))
        writer.writeheader()
        writer.writerows({**row, **about} for row in rows)


def _machine() -> str:
    found = processor()
    return f"{found['name']}: {' '.join(found['instruction_sets']) or platform.machine()}"


def _torch() -> str:
    return f"{torch.__version__} uses {torch.backends.cpu.get_cpu_capability()}"


def _command() -> str:
    """As it can be repeated in any checkout: without ``--csv``, and of an absolute path only the name."""
    settings = [f"{name}={shlex.quote(os.environ[name])}" for name in HOLDING_BACK if name in os.environ]
    arguments = [re.sub(r"(^|=)/(?:.*/)?", r"\1", argument) for argument in sys.argv[1:]]
    command = " ".join([*settings, "python", f"benchmarks/{Path(sys.argv[0]).name}", shlex.join(arguments)])
    return re.sub(r" --csv[ =]\S+", "", command).strip()


def cpu_seconds(work: Callable[[], object]) -> float:
    """That this process takes for something."""
    start = time.process_time()
    work()
    return time.process_time() - start
