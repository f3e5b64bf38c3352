"""A study by several workers, whole pictures and blocks of them, mixed with others: the bytes of one that did all alone."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from segdepth.core.at_work import at_work
from segdepth.core.errors import BusyError, InputError
from segdepth.core.locks import Crew, Part, held
from segdepth.data import Dataset, open_dataset
from segdepth.executing import Here, Local, Place
from segdepth.studies.experiment import Experiment
from segdepth.studies.faithfulness import FaithfulnessStudy
from segdepth.studies.grid import TargetGrid
from segdepth.studies.job import StudyJob, StudyKey, machine
from segdepth.studies.run import Shard, run_study
from segdepth.studies.saliency_eval import ClassStudy, EvalStudy
from segdepth.studies.saliency_iou import IouStudy
from segdepth.studies.store import Store, StudyInfo, block_path

from .tiny import COUNT, SIZE, store_of, tiny

#: Bytes of a block of the explainer's: eleven maps of the crop, an odd number, and blocks of unlike sizes.
BLOCK = 11 * 4 * 28 * 87


def make_streets() -> Dataset:
    kinds = frozenset({"labels", "depth"})
    return open_dataset(
        "synthetic", path=None, split="val", target=kinds, num_images=COUNT, height=SIZE[0], width=SIZE[1]
    )


def in_blocks(make: Callable[[], Experiment]) -> tuple[Experiment, Dataset]:
    """A recipe for another process, where the explainer's blocks are small, too."""
    from segdepth.saliency import request

    request.BLOCK_BYTES = BLOCK
    return make(), make_streets()


def evaluated() -> Experiment:
    return EvalStudy(tiny("seg"), TargetGrid(SIZE, 7))


def by_class() -> Experiment:
    return ClassStudy(tiny("seg"), TargetGrid(SIZE, 7, start="corner"))


def overlap() -> Experiment:
    return IouStudy(tiny("seg"), tiny("depth"), TargetGrid(SIZE, 9))


def faithful() -> Experiment:
    return FaithfulnessStudy(tiny("depth"), TargetGrid(SIZE, 25))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdepth.saliency.request.BLOCK_BYTES", BLOCK)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "study.json"}


def carried_out(make: Callable[[], Experiment], folder: Path, place: Place, shard: Shard = Shard()) -> int:  # noqa: B008
    experiment, streets = make(), make_streets()
    store = store_of(experiment, streets, folder)
    return run_study(experiment, streets, store, shard, place=place, recipe=partial(in_blocks, make))


@pytest.mark.parametrize(
    "make", [evaluated, *(pytest.param(make, marks=pytest.mark.slow) for make in (by_class, overlap))]
)
def test_blocks_in_any_order_are_the_bytes_of_whole_pictures(make: Callable[[], Experiment], tmp_path: Path) -> None:
    carried_out(make, tmp_path / "whole", Here())
    experiment, streets = make(), make_streets()
    assert experiment.blocks in (3, 4, 5, 6, 7, 8, 9), "several, and the last one is smaller"
    store = store_of(experiment, streets, tmp_path / "blocks")
    store.begin(lambda: StudyInfo.read(tmp_path / "whole").arithmetic)
    job = StudyJob(lambda: (experiment, streets), store.folder, store.info, experiment.blocks)
    keys = [StudyKey(picture, block) for picture in range(COUNT) for block in range(experiment.blocks)]
    del keys[7]
    for key, _ in Here().carry_out(job, keys[::-2] + keys[-2::-2]):
        assert job.done(key)
    part, block = keys[6].picture, (keys[6].block or 0) + 1
    assert not store.path(part).exists(), "one block of it is not there"
    job.worker().do(StudyKey(part, block))
    assert contents(tmp_path / "blocks") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_processes_and_shards_on_one_folder_are_the_bytes_of_one_process(tmp_path: Path) -> None:
    assert carried_out(evaluated, tmp_path / "whole", Here()) == COUNT
    mixed = tmp_path / "mixed"
    assert carried_out(evaluated, mixed, Here(), Shard(1, 4)) == 1
    assert carried_out(evaluated, mixed, Local(2), Shard(0, 2)) == 3
    assert carried_out(evaluated, mixed, Local(2)) == 1
    assert contents(mixed) == contents(tmp_path / "whole")


@pytest.mark.slow
def test_a_study_that_draws_by_chance_is_cut_by_pictures_only(tmp_path: Path) -> None:
    assert faithful().blocks == 1
    carried_out(faithful, tmp_path / "whole", Here())
    carried_out(faithful, tmp_path / "two", Here(), Shard(0, COUNT))  # others use as many threads as it did
    carried_out(faithful, tmp_path / "two", Local(2))
    assert contents(tmp_path / "two") == contents(tmp_path / "whole")


def test_a_crew_goes_beside_shards_and_keeps_out_who_is_alone(tmp_path: Path) -> None:
    experiment, streets = evaluated(), make_streets()
    store = store_of(experiment, streets, tmp_path)
    with held(tmp_path, Crew()), pytest.raises(BusyError):
        run_study(experiment, streets, store, Shard())
    with held(tmp_path, Part(0, 2)), held(tmp_path, Crew()):
        assert run_study(experiment, streets, store, Shard(1, 2)) == 2


def test_another_kind_of_machine_is_refused_where_nobody_would_see_its_rows(tmp_path: Path) -> None:
    experiment, streets = evaluated(), make_streets()
    store = store_of(experiment, streets, tmp_path)
    began = machine(experiment) | {"engines": ["reference"], "instruction_sets": "abacus"}
    store.begin(lambda: began)
    job = StudyJob(lambda: (experiment, streets), tmp_path, replace(store.info, arithmetic=began), 1, exact=True)
    with pytest.raises(InputError, match="instruction_sets abacus, here"):
        job.worker()
    replace(job, exact=False).worker()


def test_keys_of_others_are_known_by_their_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment, streets = evaluated(), make_streets()
    store = store_of(experiment, streets, tmp_path)
    job = StudyJob(lambda: (experiment, streets), tmp_path, store.info, 3)
    with at_work(tmp_path, str(StudyKey(2, 1))):
        assert job.claimed() == [], "our own"
        monkeypatch.setattr("segdepth.core.at_work.Note.is_ours", False)
        assert job.claimed() == [StudyKey(2, 1)]
    with at_work(tmp_path, str(StudyKey(2))):
        assert sorted(job.claimed()[1:]) == [StudyKey(2, block) for block in range(3)]
    with at_work(tmp_path, "something else"):
        assert job.claimed() == []
    assert job.label(StudyKey(2, 1)) == f"block 1 of {streets.names[2]!r}"


def test_a_block_that_comes_late_leaves_nothing(tmp_path: Path) -> None:
    experiment, streets = evaluated(), make_streets()
    store = Store(tmp_path, store_of(experiment, streets, tmp_path).info)
    sample = streets[0]
    store.write(0, experiment.rows(sample), sample.image)
    before = contents(tmp_path)
    store.write_block(0, 1, experiment.blocks, experiment.rows(sample, 1), sample.image)
    assert not block_path(tmp_path, 0, 1, experiment.blocks).exists()
    assert contents(tmp_path) == before


def test_others_use_as_many_threads_as_who_began(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    experiment, streets = evaluated(), make_streets()
    seen: list[int] = []
    before = torch.get_num_threads()
    store = store_of(experiment, streets, tmp_path)
    store.begin(lambda: machine(experiment) | {"engines": ["auto"], "threads": before + 1})
    with caplog.at_level(logging.INFO):
        run_study(experiment, streets, store, Shard(0, COUNT), lambda done, _: seen.append(torch.get_num_threads()))
    assert seen[-1] == before + 1
    assert torch.get_num_threads() == before
    assert f"begun with {before + 1} threads, so each process goes on with as many" in caplog.text


def test_blocks_whose_writer_was_killed_before_it_made_the_part_are_put_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried_out(evaluated, tmp_path / "whole", Here(), Shard(0, COUNT))
    experiment, streets = evaluated(), make_streets()
    store = store_of(experiment, streets, tmp_path / "blocks")
    store.begin(lambda: StudyInfo.read(tmp_path / "whole").arithmetic)
    with monkeypatch.context() as killed:
        killed.setattr(Store, "_join", lambda *_: None)
        for block in range(experiment.blocks):
            store.write_block(0, block, experiment.blocks, experiment.rows(streets[0], block), streets[0].image)
    assert not store.path(0).exists()
    assert carried_out(evaluated, tmp_path / "blocks", Local(1), Shard(0, COUNT)) == 1
    assert contents(tmp_path / "blocks") == contents(tmp_path / "whole")
