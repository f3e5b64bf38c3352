import csv
import re
from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.report.analysis_page import write_analysis
from segdepth.studies.analysis import EVERYWHERE, analyse
from segdepth.studies.columns import Column
from segdepth.studies.saliency_eval import statistic_names
from segdepth.studies.store import Store, StudyInfo, StudyTable, find_stores, load_study

IMAGES, SIDE = 12, 6
COLUMNS = statistic_names((0.1, 0.5, 0.9))
CLASSES = ("road", "car")


def write_study(
    folder: Path, task: str, shift: float, *, kind: str = "eval", model: str = "trained", images: int = IMAGES,
    network: str = "fcn",
) -> None:  # fmt: skip
    """A study whose statistics are noise plus ``shift``."""
    columns = COLUMNS if kind == "eval" else ("iou_0.05", "iou_0.5")
    info = StudyInfo(
        kind=kind, network=network, task=task, model=model, columns=columns, classes=CLASSES,
        protocol={"size": [64, 96], "window": [0, 64, 0, 96], "sample_rate": 8, "grid_start": "one step in", "crop": "garg",
                  "thresholds": [0.05, 0.5] if kind == "iou" else [0.1, 0.5, 0.9]},
        images=tuple(f"frame{k}" for k in range(images)), dataset={"kind": "Made", "split": "val"},
    )  # fmt: skip
    store = Store(folder, info)
    store.begin(dict)
    places = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), -1).reshape(-1, 2)
    for index in range(images):
        rng = np.random.default_rng((index, len(task)))
        n = len(places)
        rows = {
            "row": places[:, 0].astype(np.int16), "col": places[:, 1].astype(np.int16),
            "label": (np.arange(n) % 3).astype(np.uint8), "depth_m": np.linspace(1, 60, n).astype(np.float32),
            "peak": np.where(np.arange(n) < 9, 0, 1).astype(np.float32),
        }  # fmt: skip
        rows["label"][rows["label"] == 2] = 255
        values = {name: (0.3 + shift + 0.02 * rng.standard_normal(n)).astype(np.float32) for name in columns}
        if kind == "iou":
            rows["peak_seg"], rows["peak_depth"] = rows.pop("peak"), (np.arange(n) != 9).astype(np.float32)
            values = {name: np.where(np.arange(n) < 10, 0, v).astype(np.float32) for name, v in values.items()}
            values["iou_0.5"][8:12] = np.nan
        store.write(index, rows | values, np.full((4, 4, 3), index, np.uint8))


@pytest.fixture
def studies(tmp_path: Path) -> list[StudyTable]:
    write_study(tmp_path / "eval/fcn_seg", "seg", 0.0)
    write_study(tmp_path / "eval/fcn_depth", "depth", 0.1)
    write_study(tmp_path / "eval/random-fcn_seg", "seg", 0.4, model="random")
    write_study(tmp_path / "iou/fcn", "both", 0.0, kind="iou")
    return [load_study(folder) for folder in find_stores([tmp_path])]


def test_a_planted_difference_is_found_everywhere(studies: list[StudyTable]) -> None:
    analysis = analyse(studies)
    assert len(analysis.comparisons) == len(COLUMNS)
    for c in analysis.comparisons:
        assert (c.images, c.targets) == (IMAGES, IMAGES * (SIDE**2 - 9)), "nine maps a picture are zero"
        assert c.mean["depth"] - c.mean["seg"] == pytest.approx(0.1, abs=0.01)
        assert c.interval[0] < c.difference < c.interval[1]
        assert c.effect == 1
        assert c.larger == "depth"
        assert c.p == pytest.approx(2 / 2**IMAGES)
        assert c.p_holm == pytest.approx(len(COLUMNS) * c.p)
        assert c.reference is not None
        assert c.reference.fraction == 1
    strata = {c.stratum for c in analysis.strata}
    assert strata == {"road", "car", "0-10 m", "10-20 m", "20-40 m", "40-80 m"}
    pair = analysis.pairs[0]
    assert pair.zeros == {"seg": 9 * IMAGES, "depth": 9 * IMAGES}
    assert analysis.nulls[0].means[Column("peak_distance")] == pytest.approx(0.7, abs=0.02)
    whole = next(o for o in analysis.overlaps if o.stratum == EVERYWHERE)
    some, half = Column("iou", 0.05), Column("iou", 0.5)
    assert whole.undefined == pytest.approx({some: 10 / 36, half: 12 / 36}), "a zero map overlaps with none"
    assert whole.mean[half] == pytest.approx(0.3, abs=0.02)


def test_without_a_difference_nothing_is_claimed(tmp_path: Path) -> None:
    write_study(tmp_path / "a", "seg", 0.0)
    write_study(tmp_path / "b", "depth", 0.0)
    analysis = analyse([load_study(tmp_path / "a"), load_study(tmp_path / "b")])
    assert sum(c.p_holm < 0.05 for c in analysis.comparisons) == 0
    assert {c.larger for c in analysis.comparisons} == {None}


def test_too_few_pictures_to_tell_is_said(tmp_path: Path) -> None:
    for task, shift in (("seg", 0.0), ("depth", 0.1)):
        write_study(tmp_path / "studies" / task, task, shift, images=7)
    analysis = analyse([load_study(folder) for folder in find_stores([tmp_path / "studies"])])
    for c in analysis.comparisons:
        assert c.family == len(COLUMNS)
        assert c.smallest_p == pytest.approx(len(COLUMNS) * 2 / 2**7)
    text = write_analysis(analysis, tmp_path / "out").read_text()
    assert text.count("too few pictures to tell") > len(COLUMNS)
    assert "Too few pictures to tell: with 7 the smallest possible p (Holm) is 0.156." in text
    assert "no clear difference" not in text
    assert f"over all targets: {len(COLUMNS)} comparisons" in text
    assert "63 of 252" in text, "zero maps"


def test_eval_and_class_studies_are_not_tested_twice(tmp_path: Path) -> None:
    for task, shift in (("seg", 0.0), ("depth", 0.1)):
        write_study(tmp_path / "eval" / task, task, shift)
        write_study(tmp_path / "class" / task, task, shift)
        info = tmp_path / "class" / task / "study.json"
        info.write_text(info.read_text().replace('"kind": "eval"', '"kind": "class"'))
    analysis = analyse([load_study(folder) for folder in find_stores([tmp_path])])
    assert {c.pair.title for c in analysis.comparisons} == {"fcn"}
    assert {c.pair.title for c in analysis.strata} == {"fcn (classes)"}
    assert "Its statistics are those of the eval study" in write_analysis(analysis, tmp_path / "out").read_text()


def test_a_null_model_belongs_to_its_own_network(studies: list[StudyTable]) -> None:
    (null,) = analyse(studies).nulls
    assert null.belongs_to("fcn")
    assert not null.belongs_to("segnet")


def test_the_page_stands_alone_and_says_what_the_tables_say(studies: list[StudyTable], tmp_path: Path) -> None:
    analysis = analyse(studies)
    page = write_analysis(analysis, tmp_path / "out")
    text = page.read_text()
    assert not re.search(r"(src|href)=[\"'](?!data:)", text), "self-contained"
    assert text.count("data:image/png") == len(COLUMNS)
    assert text.count("depth larger") >= len(COLUMNS)
    assert "random fcn seg" in text
    figures = sorted(p.name for p in (tmp_path / "out/figures").iterdir())
    assert len(figures) == 2 * len(COLUMNS)
    with (tmp_path / "out/comparisons.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(analysis.comparisons) + len(analysis.strata)
    assert float(rows[0]["mean_seg"]) == pytest.approx(analysis.comparisons[0].mean["seg"])
    assert (tmp_path / "out/overlap.csv").read_text().count("\n") == 1 + 2 * len(analysis.overlaps)


def test_studies_of_other_pictures_are_not_compared(tmp_path: Path) -> None:
    write_study(tmp_path / "a", "seg", 0.0)
    write_study(tmp_path / "b", "depth", 0.0, images=IMAGES - 1)
    with pytest.raises(DataError, match="same pictures"):
        analyse([load_study(tmp_path / "a"), load_study(tmp_path / "b")])


def test_one_study_alone_cannot_be_compared(tmp_path: Path) -> None:
    write_study(tmp_path / "a", "seg", 0.0)
    with pytest.raises(DataError, match="nothing to compare"):
        analyse([load_study(tmp_path / "a")])


def test_an_unfinished_study_is_refused_unless_asked_for(tmp_path: Path) -> None:
    write_study(tmp_path / "a", "seg", 0.0)
    (tmp_path / "a/part-00003.parquet").unlink()
    with pytest.raises(DataError, match="11 of 12"):
        load_study(tmp_path / "a")
    assert len(load_study(tmp_path / "a", partial=True).digests) == 11
    (tmp_path / "a/part-00003.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(DataError, match="part-00003"):
        load_study(tmp_path / "a")
