"""The page docs/benchmarks.md: made of what benchmarks/*.py write."""

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

ROOT = Path(__file__).resolve().parents[3]

SCRIPT = '''"""How fast ``ours`` is,
and theirs.

    python benchmarks/speed.py
"""
if __name__ == "__main__":
    main()
'''


def load(path: Path) -> ModuleType:
    """A file that is no part of the package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


machine = load(ROOT / "benchmarks/machine.py")
tables = load(ROOT / "docs/benchmark_tables.py")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a benchmark, "speed", and of a module that is none; of no CSV files yet."""
    (tmp_path / "speed.py").write_text(SCRIPT)
    (tmp_path / "helpers.py").write_text('"""No benchmark."""\n')
    for name in machine.HOLDING_BACK:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(
        sys, "argv", ["/somewhere/benchmarks/speed.py", "--quick", "/home/me/data", "--csv", "/tmp/x.csv"]
    )
    return tmp_path


def page(folder: Path) -> str:
    """Without what stands above all tables."""
    text: str = tables.benchmarks(folder, folder)
    return text[text.index("## ") :]


def lines_of_table(folder: Path) -> list[list[str]]:
    """Cells, without the line below the heading."""
    found = [line[2:-2].split(" | ") for line in page(folder).splitlines() if line.startswith("|")]
    return [found[0], *found[2:]]


def test_a_benchmark_without_a_file_says_how_it_is_measured(folder: Path) -> None:
    assert (
        page(folder)
        == "## speed\n\nHow fast `ours` is,\nand theirs.\n\nNot measured yet: `python benchmarks/speed.py`\n"
    )


def test_a_file_says_where_it_comes_from_without_this_machines_folders(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    machine.write_csv(folder / "speed.csv", [{"case": "a", "ours s": 2.0}])
    assert "\n`ATEN_CPU_CAPABILITY=avx2 python benchmarks/speed.py --quick data`, 20" in page(folder)
    with (folder / "speed.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row) == ["case", "ours s", *tables.ABOUT]
    assert all(row.values())
    assert all(row[name] in page(folder) for name in tables.ABOUT)


def test_a_device_stands_before_the_processor_with_its_driver(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA X1")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(machine.collect_env, "get_nvidia_driver_version", lambda _: "580.65")
    gpu = torch.device("cuda")
    machine.write_csv(folder / "speed.csv", [{"case": "a"}], gpu)
    with (folder / "speed.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["machine"].startswith("NVIDIA X1 (compute capability 9.0, driver 580.65); ")
    assert " with CUDA 13.0 uses " in row["torch"]
    assert machine.describe(gpu) == f"{row['machine']}; PyTorch {row['torch']}"
    assert machine.describe().startswith(machine.processor()["name"])


def test_another_device_is_waited_for_before_the_clock_starts_and_before_it_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda device: done.append(device.type))
    monkeypatch.setattr(machine.time, "perf_counter", lambda: done.append("clock") or float(len(done)))
    assert machine.seconds(lambda: done.append("work"), torch.device("cuda")) == 3
    assert done == ["cuda", "clock", "work", "cuda", "clock"]


def test_the_peak_of_memory_is_what_is_held_beyond_what_was_there() -> None:
    most = machine.peak_megabytes(lambda: torch.ones(16 << 20).sum())  # 64 MB
    assert most is None or 48 < most < 256


def test_numbers_are_rounded_with_their_unit(folder: Path) -> None:
    rows = [
        {"case": "a|b", "ours s": 0.00212345, "all s": 1234.5678, "cells": 20480, "error": 3.21e-7, "of peak": 0.123456}
    ]
    machine.write_csv(folder / "speed.csv", rows)
    heads, *cells = lines_of_table(folder)
    assert heads == ["case", "ours ms", "all s", "cells", "error", "of peak"]
    assert cells == [["a\\|b", "2.12", "1,235", "20,480", "3e-07", "0.123"]]


def test_below_ratios_stands_their_geometric_mean(folder: Path) -> None:
    rows = [{"case": "a", "plain/ours": 2.0, "cells": 4}, {"case": "b", "plain/ours": 3.0, "cells": 4}]
    machine.write_csv(folder / "speed.csv", rows)
    assert lines_of_table(folder)[1:] == [["a", "2", "4"], ["b", "3", "4"], ["", "**2.45**", ""]]


def test_rows_may_lack_columns(folder: Path) -> None:
    rows = [{"case": "a", "plain/ours": 2.5}, {"case": "b", "share": 0.0}, {"case": "c", "share": None}]
    machine.write_csv(folder / "speed.csv", rows)
    found = [["a", "2.50", "-"], ["b", "-", "0"], ["c", "-", "-"], ["", "**2.50**", ""]]
    assert lines_of_table(folder) == [["case", "plain/ours", "share"], *found]


def test_several_files_of_a_benchmark_stand_below_each_other(folder: Path) -> None:
    for name in ("speed-laptop", "speed", "speedy"):
        machine.write_csv(folder / f"{name}.csv", [{"case": name, "ours s": 2.0}])
    assert [line[0] for line in lines_of_table(folder) if line[0].startswith("speed")] == ["speed", "speed-laptop"]


def test_every_benchmark_has_a_small_form() -> None:
    recipe = (ROOT / "Makefile").read_text().split("\nbench-quick:")[1].split("\n\n")[0]
    scripts = [path.name for path in (ROOT / "benchmarks").glob("*.py") if '__name__ == "__main__"' in path.read_text()]
    assert sorted(scripts) == sorted(line.split("benchmarks/")[1].split()[0] for line in recipe.splitlines()[1:])
