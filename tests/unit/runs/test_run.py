"""Runs are read whole or broken; what is wrong is said, and nothing crashes."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

from segdepth.cli import main
from segdepth.core.errors import InputError
from segdepth.report.runs_page import _figure, draw_curves, write_comparison
from segdepth.runs.run import TASK_SCORES, compare, find_run, find_runs, read_run, shown, sorted_runs
from segdepth.tasks import TASKS

FIRST, SECOND = "2026-01-02T03-04-05Z", "2026-02-02T03-04-05Z"


def write_run(
    folder: Path, task: str, scores: list[float], *, lr: float = 0.01, iters: int = 40, **training: Any
) -> Path:
    """A run as training leaves it: a loss every 5 updates, a validation every 10."""
    folder.mkdir(parents=True)
    config = {"model": {"arch": "frrn", "model_type": "A"}, "task": task, "data": {"dataset": "kitti"},
              "training": {"train_iters": iters, "loss": {"name": "l1_loss"}, "optimizer": {"lr": lr}} | training}  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    time = f"{folder.name[:10]}T03:04:05+00:00"
    provenance = {"time": time, "python": "3.11", "host": "h", "machine": "m", "versions": {"torch": "2"},
                  "git": {"commit": "0123456789abcdef", "clean": False}}  # fmt: skip
    (folder / "provenance.json").write_text(json.dumps(provenance))
    name = TASKS[task].best_score
    lines: list[dict[str, Any]] = []
    for number, score in enumerate(scores, start=1):
        lines += [{"event": "train", "step": 10 * number - 5 * k, "train_loss": 2 / number, "lr": lr} for k in (1, 0)]
        lines.append({"event": "validation", "step": 10 * number, name: score, "IoU.car": None})
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    card = {"arch": "frrn", "task": task, "scores": {name: scores[-1]}, "config": config}
    save_file({"w": np.zeros(1)}, folder / "best.safetensors", metadata={"segdepth": json.dumps(card)})
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_run(tmp_path / "a" / FIRST, "seg", [0.2, 0.5, 0.4, 0.3])
    write_run(tmp_path / "b" / SECOND, "seg", [0.6, 0.7], lr=0.02)
    write_run(tmp_path / "deep/c" / FIRST, "depth", [0.3, 0.1, 0.2], early_stop_patience=1)
    return tmp_path


def test_the_scores_are_the_tasks() -> None:
    assert TASK_SCORES.keys() == TASKS.keys()
    for name, task in TASKS.items():
        assert TASK_SCORES[name].names == task.table_scores
        assert TASK_SCORES[name].names[0] == task.best_score
        assert TASK_SCORES[name].higher_is_better == task.higher_is_better


def test_a_run_says_how_far_it_came_and_its_best(root: Path) -> None:
    runs = {run.folder.parent.name: run for run in find_runs(root)}
    assert {name: run.state for name, run in runs.items()} == {
        "a": "finished",
        "b": "stopped",
        "c": "finished early",
    }
    for folder in (runs["a"].folder, runs["b"].folder):
        (folder / "not-finite.pt").touch()
    assert [run.state for run in find_runs(root) if run.name.startswith(("a", "b"))] == ["not finite", "finished"]
    best = runs["a"].best
    assert best is not None
    assert (best.score, best.value, best.step) == ("mIoU", 0.5, 20)
    lowest = runs["c"].best
    assert lowest is not None
    assert (lowest.score, lowest.value, lowest.step) == ("abs_rel", 0.1, 20)
    assert runs["a"].network == "frrnA"
    assert runs["a"].revision == "01234567+"
    assert runs["a"].problems == ()


def test_a_checkpoint_is_a_step_although_the_log_has_none(root: Path) -> None:
    (root / "b" / SECOND / "checkpoints").mkdir()
    (root / "b" / SECOND / "checkpoints/37.pt").touch()
    assert find_run("b", root).step == 37


def test_order_and_filter(root: Path) -> None:
    names = [run.folder.parent.name for run in find_runs(root)]
    assert names[0] == "b", "the newest first"
    assert [run.folder.parent.name for run in sorted_runs(find_runs(root), "score")] == ["c", "b", "a"]
    assert [run.folder.parent.name for run in sorted_runs(find_runs(root), "name")] == ["a", "b", "c"]
    assert [run.name for run in find_runs(root, ["c", "b/2026-02*"])] == [f"b/{SECOND}", f"deep/c/{FIRST}"]
    assert find_runs(root, ["nothing*"]) == []
    with pytest.raises(InputError, match="--runs"):
        find_runs(root / "nowhere")


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("config.yaml", None, "no config.yaml"),
        ("config.yaml", b"model: [", "config.yaml is no configuration"),
        ("config.yaml", b"- 1", "config.yaml is no configuration"),
        ("config.yaml", b"training: {train_iters: many}\ntask: [1]", ""),
        ("config.yaml", b"\xff\xfe\x00", "config.yaml cannot be read"),
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
    run = read_run(folder, root)
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


def test_a_comparison_names_what_differs(root: Path) -> None:
    comparison = compare([find_run("a", root), find_run("b", root), find_run("deep/c", root)])
    assert comparison.labels == ("a", "b", "deep/c")
    assert comparison.config == {
        "task": ("seg", "seg", "depth"),
        "training.optimizer.lr": ("0.01", "0.02", "0.01"),
        "training.early_stop_patience": ("", "", "1"),
    }
    assert comparison.provenance == {}
    assert comparison.scores["seg"]["mIoU", "best"] == (0.5, 0.7, None)
    assert comparison.scores["seg"]["mIoU", "last"] == (0.3, 0.7, None)
    assert comparison.scores["depth"]["abs_rel", "best"] == (None, None, 0.1)


def test_runs_of_one_configuration_are_told_apart_by_time(root: Path) -> None:
    again = write_run(root / "a" / SECOND, "seg", [0.1], augmentations={"hflip": None})
    comparison = compare([find_run(f"a/{FIRST}", root), find_run(str(again), root)])
    assert comparison.labels == (f"a/{FIRST}", f"a/{SECOND}")
    assert comparison.config == {"training.augmentations.hflip": ("", "null")}
    with pytest.raises(InputError, match="did you mean"):
        find_run(f"a/{SECOND}x", root)


def test_runs_of_several_folders_are_named_after_what_differs(tmp_path: Path) -> None:
    networks = ["deeplab", "fcn8s", "segnet"]
    runs = [
        read_run(write_run(tmp_path / name / "camvid_seg" / FIRST, "seg", [0.1]), tmp_path / name) for name in networks
    ]
    assert compare(runs).labels == ("deeplab", "fcn8s", "segnet")
    other = read_run(write_run(tmp_path / "segnet/camvid_b" / FIRST, "seg", [0.1]), tmp_path / "segnet")
    assert compare([*runs, other]).labels == (
        "deeplab/camvid_seg", "fcn8s/camvid_seg", "segnet/camvid_seg", "segnet/camvid_b"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "columns"), [(["deeplab", "fcn", "segnet"], 3), (["a" * 40] * 6, 2), (["a" * 500, "b"], 1)]
)
def test_a_legend_is_as_wide_as_the_picture_and_no_wider(labels: list[str], columns: int, tmp_path: Path) -> None:
    runs = [read_run(write_run(tmp_path / f"{k}" / FIRST, "seg", [0.1]), tmp_path) for k in range(len(labels))]
    figure = _figure(replace(compare(runs), labels=tuple(labels)))
    assert figure.legends[0]._ncols == columns


@pytest.mark.parametrize("scores", [[0.49, 0.5, 0.495], [0.5], [1e-4, 2e-4], [0.0, 0.0]])
def test_no_marker_is_cut_at_the_top(scores: list[float], tmp_path: Path) -> None:
    figure = _figure(compare([read_run(write_run(tmp_path / "a" / FIRST, "seg", scores), tmp_path)] * 2))
    figure.draw_without_rendering()
    axes = figure.axes[1]
    top = axes.transData.transform((0, max(scores)))[1]
    room = (axes.bbox.y1 - top) * 72 / figure.dpi
    assert room >= 5, "points: half of a star"
    assert axes.get_ylim()[0] == 0


def test_values_are_shown_as_a_file_has_them() -> None:
    assert [shown(value) for value in (None, True, 0.1, [1, 2], "sgd")] == ["null", "true", "0.1", "[1, 2]", "sgd"]


def test_the_page_needs_nothing_else(root: Path, tmp_path: Path) -> None:
    page, picture = tmp_path / "page.html", tmp_path / "curves.png"
    comparison = compare([find_run("a", root), find_run("b", root)])
    write_comparison(comparison, page)
    text = page.read_text()
    assert "http" not in text
    assert "training.optimizer.lr" in text
    assert "0.7000" in text
    assert f"b</td><td>b/{SECOND}</td>" in text, "the name that the tables and curves use, beside the folder's"
    write_comparison(comparison, picture)
    assert cv2.imread(str(picture)).std() > 5
    assert draw_curves(comparison, "svg") == draw_curves(comparison, "svg")
    with pytest.raises(InputError, match=r"must end in \.html"):
        write_comparison(comparison, tmp_path / "page.gif")


def test_the_commands(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--runs", str(root), "--only", "a", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert run["best"] == {"score": "mIoU", "value": 0.5, "step": 20}
    assert (run["step"], run["train_iters"], run["state"], run["git"]["clean"]) == (40, 40, "finished", False)
    page = tmp_path / "page.html"
    assert main(["runs", "compare", "a", "b", "--runs", str(root), "--out", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "mIoU, best" in printed
    assert "code and machine: the same" in printed
    assert page.exists()
    assert main(["runs", "compare", "a", "--runs", str(root)]) == 2
    assert main(["runs", "--runs", str(root), "--only", "zz"]) == 0
    assert "no runs in" in capsys.readouterr().out


def test_no_torch_is_needed(root: Path) -> None:
    code = f"""if True:
        import sys
        from segdepth.cli import main
        assert main(["runs", "--runs", {str(root)!r}]) == 0
        assert main(["runs", "compare", "a", "b", "--runs", {str(root)!r}, "--out", {str(root / "x.html")!r}]) == 0
        assert "torch" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
