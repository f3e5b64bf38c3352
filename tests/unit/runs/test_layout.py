"""The names of a run's folder and files, given and read again."""

from pathlib import Path

import pytest

from segdepth.runs import Checkpoint, RunFolder
from segdepth.runs.layout import Stamp


def test_checkpoints_are_ordered_by_their_updates(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for name in ("99999999.pt", "100000000.pt", "00000003.pt", ".00000004.77.part.pt", "4 (copy).pt", "readme.txt"):
        (tmp_path / "checkpoints" / name).touch()
    assert [(one.step, one.path.stem) for one in RunFolder(tmp_path).checkpoints()] == [
        (100_000_000, "100000000"),
        (99_999_999, "99999999"),
        (3, "00000003"),
    ]


def test_a_checkpoint_is_read_as_it_was_named(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    path = folder.checkpoint(12000)
    assert path == tmp_path / "checkpoints/00012000.pt"
    assert Checkpoint.at(path) == Checkpoint(12000, path)
    assert RunFolder.of(path) == RunFolder.of(folder.best) == folder


@pytest.mark.parametrize("name", ["00012000.pt", "checkpoints/best.pt", "checkpoints/abandoned/00012000.pt"])
def test_what_is_elsewhere_or_called_otherwise_is_no_checkpoint(tmp_path: Path, name: str) -> None:
    assert Checkpoint.at(tmp_path / name) is None


@pytest.mark.parametrize("name", ["2026-03-01T12-00-00Z", "2026-03-01T12-00-00Z-2", "2026-03-01T12-00-00Z-11"])
def test_a_stamp_is_read_as_it_was_written(name: str) -> None:
    stamp = Stamp.read(name)
    assert stamp is not None
    assert str(stamp) == name
    assert stamp.following().number == stamp.number + 1


@pytest.mark.parametrize("name", ["mine", "2026-03-01", "2026-03-01T12-00-00Z-", "a2026-03-01T12-00-00Z"])
def test_other_names_are_no_stamps(name: str) -> None:
    assert Stamp.read(name) is None


@pytest.mark.parametrize(
    ("names", "record", "traces"),
    [([], False, False), (["log.jsonl"], False, True), (["best.safetensors"], False, True),
     (["checkpoints"], False, True), (["config.yaml"], True, True), (["provenance.json"], True, True),
     (["notes.txt"], False, False)],
)  # fmt: skip
def test_a_folder_is_told_for_a_run_by_what_is_in_it(
    tmp_path: Path, names: list[str], record: bool, traces: bool
) -> None:
    for name in names:
        (tmp_path / name).touch()
    folder = RunFolder(tmp_path)
    assert (folder.has_record(), folder.has_traces()) == (record, traces)
    named = RunFolder(tmp_path / "2026-03-01T12-00-00Z")
    assert named.has_record()
    assert named.has_traces()
