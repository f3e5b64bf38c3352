"""A study's distribution, beside which a map's statistics stand."""

from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import DataError, InputError
from segdepth.data import open_dataset
from segdepth.explorer.study import histograms, read_studies
from segdepth.studies.grid import TargetGrid
from segdepth.studies.run import Shard, describe_study, run_study
from segdepth.studies.saliency_eval import EvalStudy
from segdepth.studies.sources import NetworkMaps
from segdepth.studies.store import Store, load_study

from .streets import tiny

SEG, DEPTH = ({"id": key, "arch": "segnet", "task": task} for key, task in (("n0", "seg"), ("n1", "depth")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    streets = open_dataset(
        "synthetic", path=None, split="val", target=frozenset({"labels"}), num_images=2, height=32, width=48
    )
    experiment = EvalStudy(NetworkMaps(tiny("seg")), TargetGrid((32, 48), 14))
    store = Store(tmp_path_factory.mktemp("studies") / "one", describe_study(experiment, streets, 2))
    run_study(experiment, streets, store, Shard())
    return store.folder


def test_histograms_have_the_names_that_a_map_has(folder: Path) -> None:
    study = load_study(folder)
    found = histograms(study)
    assert found["name"] == "segnet seg, 2 pictures"
    assert found["targets"] == len(study.rows["image"])
    one = found["statistics"]["activation_distance@0.1"]
    values = study.rows["activation_distance_0.1"]
    assert sum(one["counts"]) == np.isfinite(values).sum()
    assert len(one["edges"]) == len(one["counts"]) + 1
    assert one["mean"] == pytest.approx(float(np.nanmean(values)))
    assert "mean_activation" in found["statistics"]


def test_studies_are_of_networks_that_are_shown(folder: Path, tmp_path: Path) -> None:
    assert read_studies([], [SEG, DEPTH]) == {}
    assert list(read_studies([folder], [SEG, DEPTH])) == ["n0"]
    with pytest.raises(InputError, match="is of segnet seg, which is not shown"):
        read_studies([folder], [DEPTH])
    with pytest.raises(DataError, match="holds no study"):
        read_studies([tmp_path], [SEG])
