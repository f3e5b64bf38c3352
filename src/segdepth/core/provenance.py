"""Where a result comes from: command, versions, seed, host, git revision. Written beside every result."""

import contextlib
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["HOLDING_BACK", "git_revision", "processor", "provenance"]

_PACKAGES = ("segdepth", "torch", "numpy", "opencv-python-headless", "lightning-fabric")


def git_revision(folder: Path) -> dict[str, Any] | None:
    """The commit that ``folder`` is at and whether tracked files differ from it; None outside a git checkout."""

    def git(*args: str) -> str:
        done = subprocess.run(["git", "-C", str(folder), *args], capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        return {"commit": commit, "clean": git("status", "--porcelain", "--untracked-files=no") == ""}
    except (OSError, subprocess.SubprocessError):
        return None


#: What holds PyTorch, its libraries and Numba back in the environment, so that a slower machine can be looked at.
HOLDING_BACK = (
    "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES",
)  # fmt: skip

#: Instruction sets that decide how fast numbers are multiplied, as Linux (x86, ARM) and macOS call them.
_TELLING = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve", "bf16", "neon")


def processor() -> dict[str, Any]:
    """The processor's name and the instruction sets that a figure of speed depends on; what is unknown is left empty.

    Example:
        >>> sorted(processor())
        ['instruction_sets', 'name']
    """
    fields: dict[str, str] = {}
    with contextlib.suppress(OSError):  # Linux alone has it
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    name = fields.get("model name") or platform.processor()
    family = [f"{key} {fields[key]}" for key in ("cpu family", "model") if name and key in fields]  # "AMD EPYC" is many
    return {
        "name": f"{name} ({', '.join(family)})" if family else name,
        "instruction_sets": [known for known in _TELLING if known in flags],
    }


def provenance(seed: int | None = None) -> dict[str, Any]:
    """Plain data, ready for JSON, that says how a result was made.

    Args:
        seed: the run's seed, if it has one.
    """
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "command": sys.argv,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "python": platform.python_version(),
        "versions": versions,
        "host": platform.node(),
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "git": git_revision(Path(__file__).parent),
    }
