"""The page of runs side by side."""

import re
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from segdepth.core.errors import InputError
from segdepth.report.runs_page import _figure, draw_curves, write_comparison
from segdepth.runs import RunFolder, compare, find_run, read_run
from written_runs import FIRST, SECOND, write_run, write_three


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_three(tmp_path)


@pytest.mark.parametrize(
    ("labels", "columns"), [(["deeplab", "fcn", "segnet"], 3), (["a" * 40] * 6, 2), (["a" * 500, "b"], 1)]
)
def test_a_legend_is_as_wide_as_the_picture_and_no_wider(labels: list[str], columns: int, tmp_path: Path) -> None:
    runs = [
        read_run(RunFolder(write_run(tmp_path / f"{k}" / FIRST, "seg", [0.1])), tmp_path) for k in range(len(labels))
    ]
    figure = _figure(replace(compare(runs), labels=tuple(labels)))
    assert figure.legends[0]._ncols == columns


def test_a_long_name_is_whole_in_the_legend(tmp_path: Path) -> None:
    run = read_run(RunFolder(write_run(tmp_path / "a" / FIRST, "seg", [0.1])), tmp_path)
    figure = _figure(replace(compare([run, run]), labels=("long-" * 80, "b")))
    figure.draw_without_rendering()
    assert figure.legends[0].get_texts()[0].get_text().replace("\n", "") == "long-" * 80
    assert figure.bbox.x0 <= figure.legends[0].get_window_extent().x0
    assert figure.legends[0].get_window_extent().x1 <= figure.bbox.x1


def test_a_task_has_the_scores_of_its_own_runs(tmp_path: Path) -> None:
    runs = [
        read_run(RunFolder(write_run(tmp_path / task / FIRST, task, [score])), tmp_path)
        for task, score in (("seg", 0.1), ("depth", 0.2))
    ]
    comparison = compare(runs)
    assert (comparison.of("seg"), comparison.of("depth")) == ((0,), (1,))
    write_comparison(comparison, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "<tr><td>mIoU, best</td><td>0.1000</td></tr>" in text
    assert "<tr><td>abs_rel, best</td><td>0.2000</td></tr>" in text


@pytest.mark.parametrize("scores", [[0.49, 0.5, 0.495], [0.5], [1e-4, 2e-4], [0.0, 0.0]])
def test_no_marker_is_cut_at_the_top(scores: list[float], tmp_path: Path) -> None:
    figure = _figure(compare([read_run(RunFolder(write_run(tmp_path / "a" / FIRST, "seg", scores)), tmp_path)] * 2))
    figure.draw_without_rendering()
    axes = figure.axes[1]
    top = axes.transData.transform((0, max(scores)))[1]
    room = (axes.bbox.y1 - top) * 72 / figure.dpi
    assert room >= 5, "points: half of a star"
    assert axes.get_ylim()[0] == 0


def test_the_page_needs_nothing_else(root: Path, tmp_path: Path) -> None:
    page, picture = tmp_path / "page.html", tmp_path / "curves.png"
    comparison = compare([find_run("a", root), find_run("b", root)])
    write_comparison(comparison, page)
    text = page.read_text()
    assert "http" not in text
    assert "training.optimizer.lr" in text
    assert "0.7000" in text
    assert re.search(rf"b(</span>)?</td><td>(<span[^>]*>)?b/{SECOND}", text), (
        "the name that the tables and curves use, beside the folder's"
    )
    write_comparison(comparison, picture)
    assert cv2.imread(str(picture)).std() > 5
    assert draw_curves(comparison, "svg") == draw_curves(comparison, "svg")
    with pytest.raises(InputError, match=r"must end in \.html"):
        write_comparison(comparison, tmp_path / "page.gif")
