"""What the doctor says of a machine, and of one that lacks something."""

import builtins
import os
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torch
from packaging.requirements import Requirement

from segdepth import machine
from segdepth.machine import EXAMINERS, Fact, examine_machine


def named(facts: Iterator[Fact], topic: str) -> Fact:
    return next(fact for fact in facts if fact.topic == topic)


def test_everything_is_looked_at_and_nothing_is_broken_here() -> None:
    facts = examine_machine()
    topics = [fact.topic for fact in facts]
    assert len(set(topics)) == len(topics)
    assert set(topics) >= {
        "segdepth",
        "PyTorch",
        "cores",
        "processor",
        "bfloat16",
        "Numba",
        "memory",
        "disk",
        "browser",
    }
    assert not [fact for fact in facts if fact.broken and not fact.topic.startswith("extra")]
    assert named(iter(facts), "PyTorch").found.startswith(torch.__version__)


def test_every_extra_of_users_is_named() -> None:
    extras = {fact.topic.removeprefix("extra ") for fact in machine._extras()}
    assert extras == set(metadata.metadata("segdepth").get_all("Provides-Extra")) - machine._OURS


def test_what_an_extra_lacks_is_said() -> None:
    assert (
        machine._extra("none", [Requirement("no-such-package>=1")]).found
        == "not installed: pip install 'segdepth[none]'"
    )
    old = machine._extra("old", [Requirement("numpy>=99")])
    assert old.broken
    assert "is not >=99" in old.advice


def test_a_torchvision_that_does_not_match_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(name: str) -> Any:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(machine, "import_module", fails)
    fact = machine._extra("torchvision", [Requirement("numpy")])
    assert fact.broken
    assert "nms" in fact.found
    assert "pip uninstall torchvision" in fact.advice


def test_compiled_loops_that_do_not_import_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(name: str) -> Any:
        raise ImportError("Numba needs NumPy 2.4 or less")

    monkeypatch.setattr(machine, "import_module", fails)
    fact = next(machine._numba())
    assert fact.broken
    assert "needs NumPy" in fact.found


@pytest.mark.parametrize(
    ("quota", "threads", "advice"),
    [("100000 100000", 2, "OMP_NUM_THREADS=1"), ("max 100000", 1, ""), ("nonsense", 1, "")],
)
def test_threads_beyond_what_a_container_may_use(
    quota: str, threads: int, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(machine, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(machine, "usable_cores", lambda: 2)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    said = next(machine._cores()).advice
    assert advice in said
    assert bool(advice) == bool(said)


def test_a_driver_without_a_build_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "version").touch()
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(machine, "_NVIDIA", tmp_path / "version")
    assert "a build for CUDA" in next(machine._torch()).advice


def test_a_build_for_cuda_without_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "12.9")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(machine, "_NVIDIA", tmp_path / "version")
    assert "whl/cpu" in next(machine._torch()).advice


def test_a_folder_that_cannot_be_written_and_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert all(fact.broken for fact in machine._disk())
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: builtins.type("Usage", (), {"free": 2**30})())
    assert all("make room" in fact.advice and not fact.broken for fact in machine._disk())


def test_examiners_stand_in_one_table() -> None:
    examiners: tuple[Callable[[], Iterator[Fact]], ...] = EXAMINERS
    assert len(examiners) == 10
