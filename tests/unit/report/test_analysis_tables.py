"""A study's tables hold what the analysis found, and nothing of an earlier one."""

import csv
from pathlib import Path

import pytest

from made_studies import write_study
from segdepth.report.analysis_tables import write_tables
from segdepth.studies.analysis import Analysis, analyse
from segdepth.studies.store import find_stores, load_study


def analysed(*folders: Path) -> Analysis:
    return analyse([load_study(folder) for folder in find_stores(folders)])


def read(file: Path) -> list[dict[str, str]]:
    with file.open() as lines:
        return list(csv.DictReader(lines))


@pytest.fixture
def made(tmp_path: Path) -> Path:
    write_study(tmp_path / "seg", "seg", 0.0)
    write_study(tmp_path / "depth", "depth", 0.1)
    write_study(tmp_path / "normals", "normals", 0.2)
    write_study(tmp_path / "iou", "both", 0.0, kind="iou")
    return tmp_path


def test_a_comparison_has_a_column_for_each_side(made: Path) -> None:
    analysis = analysed(made / "seg", made / "depth", made / "iou")
    write_tables(analysis, made / "out")
    rows = read(made / "out/comparisons.csv")
    assert len(rows) == len(analysis.comparisons) + len(analysis.strata)
    assert float(rows[0]["mean_seg"]) == pytest.approx(analysis.comparisons[0].mean["seg"])
    assert float(rows[0]["median_depth"]) == pytest.approx(analysis.comparisons[0].median["depth"])
    assert len(read(made / "out/overlap.csv")) == 2 * len(analysis.overlaps)
    analysis = analysed(made / "normals", made / "seg")
    write_tables(analysis, made / "out")
    row = read(made / "out/comparisons.csv")[0]
    assert row["network"] == "fcn normals against fcn seg"
    assert float(row["mean_fcn_normals"]) == pytest.approx(analysis.comparisons[0].mean["fcn normals"])
    assert row["reference_fraction"] == ""


def test_one_network_has_a_table_of_its_own_and_no_comparison(made: Path) -> None:
    write_tables(analysed(made / "seg", made / "depth"), made / "out")
    analysis = analysed(made / "normals")
    write_tables(analysis, made / "out")
    assert [file.name for file in (made / "out").iterdir()] == ["statistics.csv"], "the earlier tables are gone"
    rows = read(made / "out/statistics.csv")
    assert len(rows) == len(analysis.measured)
    assert rows[0]["network"] == "fcn normals"
    assert float(rows[0]["interval_low"]) < float(rows[0]["mean"]) < float(rows[0]["interval_high"])
