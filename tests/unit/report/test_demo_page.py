"""The demonstration's page, whatever its tasks are."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from segdepth.campaigns.demo.page import DemoPage, Example, ExplainedPixel, ExplorerPage, SaliencyRow, TaskSoFar
from segdepth.kinds import KINDS
from segdepth.report.demo_page import write_demo_page
from segdepth.runs import TASK_FACTS

PICTURE = np.zeros((4, 6, 3), np.uint8)


def page_of_every_task(folder: Path) -> DemoPage:
    """One that came to its end."""
    tasks = {}
    for name, facts in TASK_FACTS.items():
        scores = dict.fromkeys(facts.scores, 0.25) | {f"{name}Score.road": 0.125}
        log = [
            {"event": "train", "step": 1, "train_loss": 2.0},
            {"event": "validation", "step": 1, facts.best_score: 0.25},
        ]
        tasks[name] = TaskSoFar(
            facts, total=1, step=1, scores=scores, baselines={"constant": scores}, log=log, folder=folder / name / "run"
        )
    return DemoPage(
        arch="fcn", size=(4, 6), quick=False, tasks=tasks, state="done",
        legend=[entry for kind in KINDS.values() for entry in kind.legend(["road"], [(1, 2, 3)])],
        examples=[Example("street", PICTURE, dict.fromkeys(tasks, (PICTURE, PICTURE)))],
        explained=[
            ExplainedPixel(
                "street", (1, 2), PICTURE, dict.fromkeys(tasks, PICTURE), {name: f"says {name}" for name in tasks},
                {name: f"is {name}" for name in tasks},
            )
        ],
        statistics=[SaliencyRow("activation ratio at 0.1", {name: 0.1 + k for k, name in enumerate(tasks)})],
    )  # fmt: skip


def test_every_task_has_its_place_on_the_page(tmp_path: Path) -> None:
    page = page_of_every_task(tmp_path)
    write_demo_page(page, tmp_path / "index.html")
    text = (tmp_path / "index.html").read_text()
    for name, facts in TASK_FACTS.items():
        assert f"{facts.full_title}: truth" in text
        assert f"--c: {facts.colour}" in text
        better = "higher" if facts.higher_is_better(facts.best_score) else "lower"
        assert f"{facts.best_score}, {facts.full_title}; {better} is better" in text
        assert f"<summary>{name}Score per class</summary>" in text
        assert f"{facts.full_title} says <b>says {name}</b>" in text
    assert ": is seg at is depth at is normals" in text
    assert text.count("data:image/png") == len(TASK_FACTS) * (1 + 2 + 1) + 2
    assert "<th>depth / segmentation</th>" in text
    assert "<td>11.00</td>" in text


def test_a_legend_has_swatches_and_ramps(tmp_path: Path) -> None:
    write_demo_page(page_of_every_task(tmp_path), tmp_path / "index.html")
    text = (tmp_path / "index.html").read_text()
    assert '<i class="swatch" style="background: rgb(1, 2, 3)"></i>road' in text
    assert 'depth: 3 m<span class="ramp" style="background: linear-gradient(90deg, rgb(252, 253, 191), ' in text


def test_the_page_to_move_over_stands_above_the_scores(tmp_path: Path) -> None:
    page = page_of_every_task(tmp_path)
    write_demo_page(page, tmp_path / "index.html")
    assert "<iframe" not in (tmp_path / "index.html").read_text()
    with_it = replace(page, explorer=ExplorerPage("explorer.html", 5_432_100, ["values are <rounded>"]))
    write_demo_page(with_it, tmp_path / "index.html")
    text = (tmp_path / "index.html").read_text()
    assert text.index("Move over the street") < text.index("<h2>Scores</h2>")
    assert '<iframe class="explorer" src="explorer.html"' in text
    assert "(5.4 MB)" in text
    assert "<li>values are &lt;rounded&gt;</li>" in text
