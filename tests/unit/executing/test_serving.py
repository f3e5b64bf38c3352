"""A worker's first steps: the right code, in the right folder, with its own number of threads."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from segdepth.core.errors import InputError
from segdepth.executing import LocalActor
from segdepth.executing.serving import Recruit, recruit

from .numbers import Numbers


class Place(Numbers):
    """Tells where it is."""

    def worker(self) -> "Place":
        return self

    def do(self, key: int) -> int:
        (self.folder / str(key)).write_text(f"{Path.cwd()} {os.environ['OMP_NUM_THREADS']} {os.environ['OF_A_TEST']}")
        return 0


def asked(make: Recruit) -> None:
    with LocalActor(make, "a worker") as actor:
        actor.ask("do", 3).result(60)


def test_a_worker_is_where_its_parent_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    asked(recruit(Place(tmp_path), 3, {"OF_A_TEST": "yes"}))
    assert (tmp_path / "3").read_text() == f"{tmp_path} 3 yes"
    assert "OF_A_TEST" not in os.environ


def test_other_code_and_another_file_system_are_refused(tmp_path: Path) -> None:
    good = recruit(Place(tmp_path), 1)
    with pytest.raises(InputError, match=r"the command was given with 0\.0\.0; install the same"):
        asked(replace(good, made_by="0.0.0"))
    with pytest.raises(InputError, match="all machines must see it"):
        asked(replace(good, folder=str(tmp_path / "nowhere")))
