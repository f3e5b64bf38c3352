from dataclasses import replace
from pathlib import Path

import pytest

from made_studies import COLUMNS, IMAGES, SIDE, write_study
from segdepth.core.errors import DataError
from segdepth.report.analysis_page import write_analysis
from segdepth.runs import TASK_FACTS
from segdepth.studies.analysis import EVERYWHERE, analyse
from segdepth.studies.columns import Column
from segdepth.studies.store import StudyTable, find_stores, load_study


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
    of_fcn = analyse(studies).pairs[0]
    assert null.belongs_to(of_fcn)
    assert not replace(null, network="segnet").belongs_to(of_fcn)
    assert replace(null, network="gaussian", model="gaussian").belongs_to(of_fcn)


def test_studies_of_other_pictures_are_not_compared(tmp_path: Path) -> None:
    write_study(tmp_path / "a", "seg", 0.0)
    write_study(tmp_path / "b", "depth", 0.0, images=IMAGES - 1)
    with pytest.raises(DataError, match="same pictures"):
        analyse([load_study(tmp_path / "a"), load_study(tmp_path / "b")])


@pytest.mark.parametrize("task", sorted(TASK_FACTS))
def test_one_study_alone_is_told_with_intervals_and_strata(tmp_path: Path, task: str) -> None:
    write_study(tmp_path / "a", task, 0.1)
    analysis = analyse([load_study(tmp_path / "a")])
    assert not analysis.pairs
    assert not analysis.comparisons
    strata = dict.fromkeys(m.stratum for m in analysis.measured)
    assert list(strata) == [
        EVERYWHERE, "road", "car", "0-10 m", "10-20 m", "20-40 m", "40-80 m", "upper third",
    ]  # fmt: skip
    assert len(analysis.measured) == len(strata) * len(COLUMNS)
    for m in analysis.measured:
        assert m.group.title == f"fcn {task}"
        if m.stratum == EVERYWHERE:
            assert (m.images, m.targets) == (IMAGES, IMAGES * (SIDE**2 - 9)), "nine maps a picture are zero"
            assert m.mean == pytest.approx(0.4, abs=0.01)
            assert m.interval[0] < m.mean < m.interval[1]


def test_strata_are_what_the_study_holds(tmp_path: Path) -> None:
    write_study(tmp_path / "a", "normals", 0.1)
    study = load_study(tmp_path / "a")
    rows = {name: values for name, values in study.rows.items() if name not in ("label", "depth_m")}
    rows["row"] = rows["row"] * 12  # the window has 64
    analysis = analyse([replace(study, rows=rows)])
    assert list(dict.fromkeys(m.stratum for m in analysis.measured)) == [
        EVERYWHERE, "upper third", "middle third", "lower third",
    ]  # fmt: skip


def test_a_class_study_beside_an_eval_study_answers_for_the_strata(tmp_path: Path) -> None:
    for kind in ("eval", "class"):
        write_study(tmp_path / kind, "normals", 0.1)
    info = tmp_path / "class/study.json"
    info.write_text(info.read_text().replace('"kind": "eval"', '"kind": "class"'))
    analysis = analyse([load_study(tmp_path / kind) for kind in ("eval", "class")])
    assert {m.group.title for m in analysis.measured if m.stratum == EVERYWHERE} == {"fcn normals"}
    assert {m.group.title for m in analysis.measured if m.stratum != EVERYWHERE} == {"fcn normals (classes)"}
    assert "Its statistics are those of the eval study" in write_analysis(analysis, tmp_path / "out").read_text()


@pytest.mark.parametrize(
    ("first", "second"),
    [(("depth", "fcn"), ("depth", "mine")), (("normals", "fcn"), ("seg", "fcn")), (("depth", "mine"), ("seg", "fcn"))],
    ids=["networks", "tasks", "both"],
)
def test_any_two_are_compared_as_the_claims_pair_is(
    tmp_path: Path, first: tuple[str, str], second: tuple[str, str]
) -> None:
    for folder, (task, network), shift in (("a", first, 0.0), ("b", second, 0.1)):
        write_study(tmp_path / folder, task, shift, network=network)
    analysis = analyse([load_study(tmp_path / folder) for folder in "ab"])
    one, other = (f"{network} {task}" for task, network in (first, second))
    assert not analysis.alone
    assert [pair.name.title for pair in analysis.pairs] == [f"{one} against {other}"]
    for c in analysis.comparisons:
        assert list(c.mean) == [one, other]
        assert c.effect == 1
        assert c.larger == other
        assert c.p_holm == pytest.approx(len(COLUMNS) * 2 / 2**IMAGES)
        assert c.reference is None, "nobody published a count of these"
    assert {c.stratum for c in analysis.strata} == {"road", "car", "0-10 m", "10-20 m", "20-40 m", "40-80 m"}


def test_only_null_models_say_nothing(tmp_path: Path) -> None:
    write_study(tmp_path / "a", "seg", 0.0, model="random")
    with pytest.raises(DataError, match=r"only null models \(random fcn seg\)"):
        analyse([load_study(tmp_path / "a")])


def test_a_task_that_is_not_known_is_refused(tmp_path: Path) -> None:
    write_study(tmp_path / "a", "flow", 0.0)
    with pytest.raises(DataError, match="of the task 'flow', which is none of seg, depth"):
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
