"""What a figure was measured on, for the first line of every table and the last columns of every CSV file."""

import csv
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from segdepth.core.files import replacing
from segdepth.core.provenance import processor

__all__ = ["describe", "write_csv"]


def describe() -> str:
    """Processor, its instruction sets, the ones that PyTorch uses, and PyTorch's version, in one line.

    ATEN_CPU_CAPABILITY and ONEDNN_MAX_CPU_ISA hold PyTorch back, so that a slower machine can be looked at.
    """
    found = processor()
    sets = " ".join(found["instruction_sets"]) or platform.machine()
    return f"{found['name']}: {sets}; PyTorch {torch.__version__} uses {torch.backends.cpu.get_cpu_capability()}"


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows, each with the machine that they were measured on."""
    rows = [{**row, "machine": describe()} for row in rows]
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
