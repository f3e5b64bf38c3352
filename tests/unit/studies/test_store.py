"""A folder holds the answers to one question."""

from pathlib import Path

import pytest

from segdepth.core.errors import ConfigError
from segdepth.data import Dataset
from segdepth.studies.grid import TargetGrid
from segdepth.studies.saliency_eval import EvalStudy
from segdepth.studies.store import _require_same

from .tiny import SIZE, store_of, tiny


def test_a_folder_answers_one_question(experiment: EvalStudy, streets: Dataset, tmp_path: Path) -> None:
    other = EvalStudy(tiny("seg", seed=1), experiment.grid)
    late = store_of(other, streets, tmp_path)
    assert not list(tmp_path.iterdir()), "looking writes nothing"
    store_of(experiment, streets, tmp_path).begin(dict)
    with pytest.raises(ConfigError, match=r"protocol\.sources"):
        store_of(other, streets, tmp_path)
    with pytest.raises(ConfigError, match=r"protocol\.sources"):
        late.begin(dict)
    with pytest.raises(ConfigError, match="sample_rate"):
        store_of(EvalStudy(experiment.sources[0], TargetGrid(SIZE, 13)), streets, tmp_path)


def test_what_differs_is_said_however_deep_it_stands() -> None:
    there = {"sources": [{"card": {"arch": "fcn8s"}, "engine": "windowed"}], "grid": 4}
    asked = {"sources": [{"card": {"arch": "fcn8s"}, "engine": "sparse"}], "grid": 4}
    said = 'another sources.0.engine ."windowed", not "sparse".'
    with pytest.raises(ConfigError, match=said):
        _require_same(Path("study"), there, asked)
