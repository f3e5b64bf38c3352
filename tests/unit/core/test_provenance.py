"""A result says where it comes from."""

import json
from pathlib import Path

import pytest

from segdepth.core.provenance import git_revision, processor, provenance


def test_is_plain_data_with_versions_and_seed() -> None:
    found = json.loads(json.dumps(provenance(seed=3)))
    assert found["seed"] == 3
    assert {"segdepth", "torch", "numpy"} <= found["versions"].keys()


def test_outside_a_checkout_there_is_no_revision(tmp_path: Path) -> None:
    assert git_revision(tmp_path) is None


def test_a_processor_is_named_with_what_its_speed_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "processor : 0\ncpu family : 25\nmodel : 17\nmodel name : AMD EPYC\nflags : fpu sse2 avx2 fma\n\nprocessor : 1\n"
    monkeypatch.setattr(Path, "read_text", lambda path: text)
    assert processor() == {"name": "AMD EPYC (cpu family 25, model 17)", "instruction_sets": ["avx2", "fma"]}


def test_where_nothing_is_known_of_a_processor_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: Path) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr("platform.processor", lambda: "arm")
    assert processor() == {"name": "arm", "instruction_sets": []}
