"""What is no part of the repository: data, weights, leftovers of a run."""

import subprocess
import tomllib
from pathlib import Path, PurePosixPath

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
#: Names without an ending, and endings, of what is written by hand or kept on purpose.
NAMES = {"LICENSE", "NOTICE", "Makefile", "run", ".gitignore", "kitti_train_depth_prepare"}
ENDINGS = {
    ".py",
    ".md",
    ".yml",
    ".yaml",
    ".toml",
    ".txt",
    ".cff",
    ".css",
    ".html",
    ".js",
    ".json",
    ".ipynb",
    ".typed",
    ".sbatch",
}
#: Where pictures, measurements and what is loaded before the C library are kept.
KEPT = {"docs/images": {".png", ".webp"}, "docs/benchmarks": {".csv"}, "tests/kills": {".c"}}


@pytest.fixture(scope="module")
def tracked() -> list[PurePosixPath]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no git checkout")
    return [PurePosixPath(name) for name in done.stdout.split("\0") if name]


def test_nothing_foreign_is_kept(tracked: list[PurePosixPath]) -> None:
    foreign = [
        str(path)
        for path in tracked
        if path.name not in NAMES
        and path.suffix not in ENDINGS
        and path.suffix not in KEPT.get(str(path.parent), set())
    ]
    assert foreign == []
    assert max((ROOT / path).stat().st_size for path in tracked if (ROOT / path).exists()) < 1_000_000


def test_the_version_is_said_once_and_the_same() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    assert (ROOT / "CHANGELOG.md").read_text().split("## ")[1].startswith(version)
