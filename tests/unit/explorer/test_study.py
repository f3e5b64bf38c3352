"""A study's distribution, beside which a map's statistics stand."""

from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import DataError, InputError
from segdepth.data import open_dataset
from segdepth.explorer.desk import Desk
from segdepth.explorer.study import histograms, read_studies
from segdepth.networks import Network
from segdepth.networks.card import GuestFacts
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


def guest(variant: str) -> Network:
    """As one of another library's networks says what it is: by its address, and which of the networks there it is."""
    net = tiny("seg")
    facts = GuestFacts(variant=variant)
    net.card = net.card.model_copy(update={"arch": "smp:Unet", "guest": facts})
    return net


def test_a_study_of_another_librarys_network_is_found_by_its_title(tmp_path: Path) -> None:
    streets = open_dataset(
        "synthetic", path=None, split="val", target=frozenset({"labels"}), num_images=1, height=32, width=48
    )
    experiment = EvalStudy(NetworkMaps(guest("resnet18")), TargetGrid((32, 48), 14))
    store = Store(tmp_path / "guest", describe_study(experiment, streets, 1))
    run_study(experiment, streets, store, Shard())
    shown = [{"id": f"n{k}", **Desk(lambda v=v: guest(v)).describe()} for k, v in enumerate(("resnet34", "resnet18"))]
    assert list(read_studies([store.folder], shown)) == ["n1"]
    with pytest.raises(
        InputError, match=r"is of smp:Unet resnet18 seg, which is not shown \(there are: smp:Unet resnet34"
    ):
        read_studies([store.folder], shown[:1])


def test_studies_are_of_networks_that_are_shown(folder: Path, tmp_path: Path) -> None:
    assert read_studies([], [SEG, DEPTH]) == {}
    assert list(read_studies([folder], [SEG, DEPTH])) == ["n0"]
    with pytest.raises(InputError, match="is of segnet seg, which is not shown"):
        read_studies([folder], [DEPTH])
    with pytest.raises(DataError, match="holds no study"):
        read_studies([tmp_path], [SEG])
