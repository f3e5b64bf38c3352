"""Where a result comes from: command, versions, seed, host, git revision. Written beside every result."""

import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["git_revision", "provenance"]

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
        "git": git_revision(Path(__file__).parent),
    }
