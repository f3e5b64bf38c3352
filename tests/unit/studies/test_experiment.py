"""What every study promises of a picture: a row for each target, with where it is and what is known of it there."""

from typing import ClassVar

import numpy as np
import pytest

from segdepth.core.errors import DataError
from segdepth.data import Sample
from segdepth.kinds import KINDS
from segdepth.studies.experiment import Experiment, Rows
from segdepth.studies.grid import TargetGrid
from segdepth.studies.sources import EdgeMaps, GaussianMaps

SIZE = (24, 40)


class Numbered(Experiment):
    """Measures nothing but which target it is."""

    study: ClassVar[str] = "numbered"
    columns = ("number",)

    def __init__(self, *sources: type, grid: TargetGrid | None = None) -> None:
        self.sources = [source() for source in sources or (GaussianMaps,)]
        self.grid = grid or TargetGrid(SIZE, 5)
        self.thresholds = (0.1, 0.5)

    def measure(self, sample: Sample, pixels: np.ndarray) -> Rows:
        return {"number": np.arange(len(pixels))}


def sample(**truths: np.ndarray) -> Sample:
    return Sample(np.zeros((*SIZE, 3), np.uint8), "street", truths)


def known() -> dict[str, np.ndarray]:
    """Of each kind that tables hold: numbers by place, with some that are not known."""
    truths = {}
    for name, kind in KINDS.items():
        if kind.column is not None:
            truth = (1 + np.arange(SIZE[0] * SIZE[1]) % 17).reshape(SIZE).astype(kind.dtype)
            truth[::2, ::3] = kind.void
            truths[name] = truth
    return truths


def test_a_row_says_where_its_target_is_and_what_is_there() -> None:
    study, truths = Numbered(), known()
    rows = study.rows(sample(**truths))
    columns = [kind.column for kind in KINDS.values() if kind.column is not None]
    assert list(rows) == ["row", "col", *columns, "number"]
    assert {len(values) for values in rows.values()} == {len(study.grid.pixels)}
    np.testing.assert_array_equal(np.stack([rows["row"], rows["col"]], 1), study.grid.pixels)
    for name, truth in truths.items():
        there = truth[tuple(study.grid.pixels.T)]
        kind = KINDS[name]
        expected = kind.tabled(there)
        np.testing.assert_array_equal(rows[kind.column], expected)
        assert rows[kind.column].dtype == expected.dtype
        assert (there == kind.void).any()


def test_of_what_a_picture_has_no_truth_nothing_is_known() -> None:
    study = Numbered()
    for name, kind in KINDS.items():
        if kind.column is None:
            continue
        others = {other: truth for other, truth in known().items() if other != name}
        values = study.rows(sample(**others))[kind.column]
        nothing = kind.tabled(np.full(1, kind.void, kind.dtype))
        np.testing.assert_array_equal(values, np.repeat(nothing, len(values)))


def test_a_picture_of_another_size_is_refused_with_both() -> None:
    small = Sample(np.zeros((10, 40, 3), np.uint8), "street", {})
    with pytest.raises(DataError, match=r"'street' is \(10, 40\), the study is at \(24, 40\)"):
        Numbered().rows(small)


def test_numbers_that_are_large_are_not_cut() -> None:
    study = Numbered(grid=TargetGrid((8, 400), 3, crop="none"))
    rows = study.rows(Sample(np.zeros((8, 400, 3), np.uint8), "wide", {}))
    assert rows["col"].max() == study.grid.pixels[:, 1].max() > 255


def test_the_protocol_is_plain_data_with_all_that_numbers_depend_on() -> None:
    said = Numbered(EdgeMaps, GaussianMaps).describe()
    window = Numbered().grid.window
    assert said == {
        "size": [24, 40],
        "crop": "garg",
        "window": [window[0].start, window[0].stop, window[1].start, window[1].stop],
        "sample_rate": 5,
        "grid_start": "one step in",
        "thresholds": [0.1, 0.5],
        "normalisation": "reference",
        "sources": [EdgeMaps().describe(), GaussianMaps().describe()],
    }


def test_a_store_is_called_after_the_first_source() -> None:
    assert Numbered(EdgeMaps, GaussianMaps).name == "edges"
    assert Numbered().peaks == ("peak",)
