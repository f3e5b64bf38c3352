"""Runs are read whole or broken; what is wrong is said, and nothing crashes."""

from pathlib import Path

import pytest

from segdepth.cli import main
from segdepth.report.runs_page import draw_curves
from segdepth.runs import RunFolder, compare, find_run, read_log, read_run
from written_runs import FIRST


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("config.yaml", None, "no config.yaml"),
        ("config.yaml", b"model: [", "config.yaml is broken"),
        ("config.yaml", b"- 1", "config.yaml is broken"),
        ("config.yaml", b"training: {train_iters: many}\ntask: [1]", ""),
        ("config.yaml", b"\xff\xfe\x00", "config.yaml is broken"),
        ("provenance.json", b"{", "provenance.json is broken"),
        ("provenance.json", b'{"time": 3, "git": 5, "versions": null}', ""),
        ("provenance.json", b'{"time": "yesterday"}', ""),
        ("log.jsonl", None, "no log.jsonl"),
        ("log.jsonl", b'{"event": "train", "st', "log.jsonl: 1 of 1 lines are broken, the first is 1"),
        ("log.jsonl", b'7\n{"event": "validation", "step": 3, "mIoU": NaN}', "1 of 2 lines are broken, the first is 1"),
        ("best.safetensors", None, "no best.safetensors"),
        ("best.safetensors", b"short", "best.safetensors is broken"),
    ],
)
def test_broken_files_are_said(root: Path, file: str, content: bytes | None, problem: str) -> None:
    folder = root / "a" / FIRST
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    run = read_run(RunFolder(folder), root)
    assert len(run.problems) == bool(problem)
    assert problem in "".join(run.problems)
    assert run.task == "seg", "the card stands in for the file"
    assert run.train_iters == (None if content and b"many" in content else 40)
    assert run.started.year == 2026
    assert run.best is not None, "the card knows it where the log does not"
    assert compare([run, find_run("b", root)]).scores["seg"]["mIoU", "best"][0] == run.best.value
    assert main(["runs", "--runs", str(root)]) == 0


def test_an_empty_folder_is_a_run_that_knows_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "d" / "2026-03-03T03-04-05Z-2").mkdir(parents=True)
    run = find_run("d", root)
    assert (run.task, run.network, run.step, run.state, run.best) == (None, None, 0, "unknown", None)
    assert len(run.problems) == 4
    comparison = compare([run, find_run("a", root)])
    assert comparison.config == {}
    assert len(draw_curves(comparison, "svg")) > 1000
    assert main(["runs", "--runs", str(root), "--sort", "score"]) == 0
    assert "no config.yaml; no provenance.json" in capsys.readouterr().out.splitlines()[-1]


def test_a_log_that_is_being_written_is_read_as_far_as_it_is_whole(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert read_log(folder) == []
    line = '{"event": "train", "step": 1, "train_loss": 2.5}'
    folder.log.write_text(f'{line}\n{line}\n{{"event": "val')
    assert [entry["train_loss"] for entry in read_log(folder)] == [2.5, 2.5]
