"""The study's page speaks of what was studied: a network, two that are compared, or only of what else there is."""

import re
from pathlib import Path

import pytest

from made_studies import COLUMNS, write_study
from segdepth.report import analysis_page
from segdepth.report.analysis_page import write_analysis
from segdepth.runs import TASK_FACTS
from segdepth.studies.analysis import analyse
from segdepth.studies.store import find_stores, load_study


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take most of the time, and are looked at elsewhere."""
    monkeypatch.setattr(analysis_page, "draw_histograms", lambda *_, **__: {"png": b"", "svg": b""})


def page_of(*folders: Path) -> str:
    """Without pictures, and without what it comes from."""
    analysis = analyse([load_study(folder) for folder in find_stores(folders)])
    text = write_analysis(analysis, folders[0].parent / "out").read_text()
    assert not re.search(r"(src|href)=[\"'](?!data:|#)", text), "self-contained"
    return re.sub('base64,[^"]*', "", text).split("Where it comes from")[0]


def test_the_page_stands_alone_and_says_what_the_tables_say(tmp_path: Path) -> None:
    write_study(tmp_path / "s/fcn_seg", "seg", 0.0)
    write_study(tmp_path / "s/fcn_depth", "depth", 0.1)
    write_study(tmp_path / "s/random-fcn_seg", "seg", 0.4, model="random")
    write_study(tmp_path / "s/iou", "both", 0.0, kind="iou")
    text = page_of(tmp_path / "s")
    assert "Below, segmentation against depth, picture by picture." in text
    assert text.count("data:image/png") == len(COLUMNS)
    assert text.count("depth larger") >= len(COLUMNS)
    assert "ref. count" in text
    assert "random fcn seg" in text
    assert len(list((tmp_path / "out/figures").iterdir())) == 2 * len(COLUMNS)


@pytest.mark.parametrize("task", sorted(TASK_FACTS))
def test_the_page_of_one_network_compares_nothing(tmp_path: Path, task: str) -> None:
    write_study(tmp_path / "s/fcn", task, 0.1)
    write_study(tmp_path / "s/random", task, 0.4, model="random")
    text = page_of(tmp_path / "s")
    assert f"Below, fcn {task}, by itself" in text
    assert not re.search(r"against|both|Holm|ref. count|larger|difference|nothing to compare|None|nan", text)
    assert [name for name in TASK_FACTS if name != task and re.search(rf"\b{name}\b", text)] == []
    assert text.count("data:image/png") == len(COLUMNS)
    assert "Random weights, " + task in text, "beside the number"
    assert f"random fcn {task}" in text, "and in the table"
    assert "upper third" in text
    assert "10-20 m" in text
    assert TASK_FACTS[task].colour in text


def test_few_pictures_are_said_to_be_few(tmp_path: Path) -> None:
    write_study(tmp_path / "s", "normals", 0.1, images=3)
    assert "Too few pictures (3) to say how sure the means are." in page_of(tmp_path / "s")


def test_the_page_of_any_two_calls_them_as_they_are(tmp_path: Path) -> None:
    write_study(tmp_path / "a", "depth", 0.0)
    write_study(tmp_path / "b", "depth", 0.1, network="mine")
    text = page_of(tmp_path / "a", tmp_path / "b")
    assert "Below, fcn depth against mine depth, picture by picture." in text
    assert text.count("mine depth larger") >= len(COLUMNS)
    assert "+1 if mine depth is larger in every picture, -1 if fcn depth is" in text
    assert not re.search(r"segmentation|ref\. count|Reference|both tasks|by itself", text)
    colours = set(re.findall(r"--c: (#[0-9a-f]{6})", text))
    assert len(colours) == 2, "two of one task are told apart"


def test_the_second_that_is_named_is_compared_with_the_first(tmp_path: Path) -> None:
    write_study(tmp_path / "a", "depth", 0.0)
    write_study(tmp_path / "b", "normals", 0.1)
    assert "Below, fcn normals against fcn depth" in page_of(tmp_path / "b", tmp_path / "a")


def test_what_is_not_compared_stands_beside_what_is(tmp_path: Path) -> None:
    for task in TASK_FACTS:
        write_study(tmp_path / "s" / task, task, 0.1)
    text = page_of(tmp_path / "s")
    assert "Below, segmentation against depth, picture by picture; fcn normals, by itself" in text
    assert "Of a network by itself" in text


def test_of_three_networks_two_are_compared_with_the_first(tmp_path: Path) -> None:
    for network in ("a", "b", "c"):
        write_study(tmp_path / "s" / network, "depth", 0.1, network=network)
    text = page_of(tmp_path / "s")
    assert "Below, a depth against b depth, and a depth against c depth, picture by picture" in text
    assert "each by itself" not in text


def test_a_sentence_writes_a_network_s_name_as_it_is(tmp_path: Path) -> None:
    for network, shift in (("python:nets:MyNet", 0.3), ("a", 0.1)):
        write_study(tmp_path / "s" / network[0], "depth", shift, network=network)
    assert "Python:nets:MyNet depth larger: difference" in page_of(tmp_path / "s")


def test_networks_that_are_not_compared_say_how_they_would_be(tmp_path: Path) -> None:
    for count, network in ((6, "a"), (5, "b"), (4, "c")):
        write_study(tmp_path / "s" / network, "depth", 0.1, network=network, images=count)
    text = page_of(tmp_path / "s")
    assert "Below, a depth, b depth, c depth, each by itself" in text
    assert "segdepth analyse FIRST SECOND" in text


def test_an_overlap_alone_is_no_comparison_of_ranges(tmp_path: Path) -> None:
    write_study(tmp_path / "s", "both", 0.1, kind="iou")
    text = page_of(tmp_path / "s")
    assert "Do both tasks use the same pixels?" in text
    assert not re.search(r"against|Holm|How to read it", text)
