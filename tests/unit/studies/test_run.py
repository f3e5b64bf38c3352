"""Studies of tiny networks on a tiny street: what is stored, what is left, and that sharing the work changes nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

from segdepth.core.errors import ConfigError, DataError, InputError
from segdepth.data import Dataset
from segdepth.studies.faithfulness import FaithfulnessStudy
from segdepth.studies.grid import TargetGrid
from segdepth.studies.run import Shard, describe_study, make_plan, run_study
from segdepth.studies.saliency_eval import EvalStudy
from segdepth.studies.saliency_iou import IouStudy
from segdepth.studies.store import Store, load_study

from .tiny import COUNT, SIZE, rows_of, store_of, tiny


def test_any_number_of_shards_gives_the_same_numbers(experiment: EvalStudy, streets: Dataset, tmp_path: Path) -> None:
    whole = store_of(experiment, streets, tmp_path / "whole")
    assert run_study(experiment, streets, whole, Shard()) == COUNT
    for count in (2, 3):
        folder = tmp_path / f"shards{count}"
        for index in reversed(range(count)):
            run_study(experiment, streets, store_of(experiment, streets, folder), Shard(index, count))
        there, expected = rows_of(folder), rows_of(whole.folder)
        for name, values in expected.items():
            np.testing.assert_array_equal(there[name], values, err_msg=name)


def test_an_interrupted_study_goes_on(experiment: EvalStudy, streets: Dataset, tmp_path: Path) -> None:
    def impatient(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    store = store_of(experiment, streets, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_study(experiment, streets, store, Shard(), impatient)
    first = store.path(0).stat().st_mtime_ns
    assert store.missing(range(COUNT)) == [2, 3, 4]
    seen: list[tuple[int, int]] = []
    again = store_of(experiment, streets, tmp_path)
    assert run_study(experiment, streets, again, Shard(), lambda done, total: seen.append((done, total))) == 3
    assert seen == [(2, 5), (3, 5), (4, 5), (5, 5)]
    assert store.path(0).stat().st_mtime_ns == first
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        *(f"part-{k:05d}.parquet" for k in range(COUNT)),
        "study.json",
    ]
    assert len(rows_of(tmp_path)["image"]) == COUNT * len(experiment.grid.pixels)


def test_who_joins_computes_as_who_began(streets: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = (EvalStudy(tiny("seg"), TargetGrid(SIZE, 14)) for _ in range(2))
    run_study(first, streets, store_of(first, streets, tmp_path), Shard(0, 2))
    info = json.loads((tmp_path / "study.json").read_text())
    chosen = info["arithmetic"]["engines"]
    assert chosen == [first.sources[0].engine] != ["auto"]
    assert "begun" not in caplog.text
    info["arithmetic"] |= {"engines": ["reference"], "vector_bytes": 7, "instruction_sets": "abacus"}
    (tmp_path / "study.json").write_text(json.dumps(info))
    run_study(second, streets, store_of(second, streets, tmp_path), Shard(1, 2))
    assert second.sources[0].engine == "reference"
    assert "instruction_sets abacus, here" in caplog.text


def test_a_study_grows_but_does_not_shrink(experiment: EvalStudy, streets: Dataset, tmp_path: Path) -> None:
    few = Store(tmp_path, describe_study(experiment, streets, 2))
    assert run_study(experiment, streets, few, Shard()) == 2
    first = few.path(0).stat().st_mtime_ns
    with pytest.raises(DataError, match="not finished"):
        run_study(experiment, streets, store_of(experiment, streets, tmp_path), Shard(0, 4))
        load_study(tmp_path)
    assert run_study(experiment, streets, store_of(experiment, streets, tmp_path), Shard()) == COUNT - 2 - 1
    assert few.path(0).stat().st_mtime_ns == first, "what was done stays done"
    whole = store_of(experiment, streets, tmp_path / "whole")
    run_study(experiment, streets, whole, Shard())
    grown, expected = load_study(tmp_path), load_study(whole.folder)
    assert grown.info.images == expected.info.images
    for name, values in expected.rows.items():
        np.testing.assert_array_equal(grown.rows[name], values, err_msg=name)
    with pytest.raises(ConfigError, match="ask for 5 or more"):
        Store(tmp_path, describe_study(experiment, streets, 3))


def test_a_plan_counts_what_is_left_and_changes_nothing(
    experiment: EvalStudy, streets: Dataset, tmp_path: Path
) -> None:
    store = store_of(experiment, streets, tmp_path)
    plan = make_plan(experiment, streets, COUNT, [3, 4])
    assert (plan.images, plan.done) == (2, 3)
    assert plan.maps == 2 * len(experiment.grid.pixels)
    assert 0 < plan.seconds < 60
    assert plan.memory_bytes > 1 << 20
    assert store.missing(range(COUNT)) == list(range(COUNT))


def test_shards_are_named_or_come_from_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Shard.parse("1/3").of(7) == [1, 4]
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert Shard.parse(None) == Shard(2, 3)
    for wrong in ("3/3", "1", "a/b", "-1/2"):
        with pytest.raises(InputError, match="i/n"):
            Shard.parse(wrong)


def test_zero_maps_are_counted_and_said_once(
    streets: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segdepth.saliency.request.BLOCK_BYTES", 1 << 16)  # many blocks
    dead, alive = tiny("seg"), tiny("depth")
    for parameter in dead.net.parameters():
        parameter.data.zero_()
    grid = TargetGrid(SIZE, 14)
    targets = len(grid.pixels)
    for study in (EvalStudy(dead, grid), IouStudy(dead, alive, grid), FaithfulnessStudy(dead, TargetGrid(SIZE, 25))):
        caplog.clear()
        run_study(study, streets, store_of(study, streets, tmp_path / study.study), Shard())
        maps = len(study.grid.pixels) * COUNT
        warnings = [record.getMessage() for record in caplog.records if record.name.startswith("segdepth")]
        assert len(warnings) == 1, warnings
        assert f"{maps} maps in {COUNT} of {COUNT} pictures are zero everywhere" in warnings[0]
    rows = rows_of(tmp_path / "iou")
    assert (rows["peak_seg"] == 0).all()
    assert (rows["peak_depth"] > 0).sum() > targets
    faithful = rows_of(tmp_path / "faithfulness")
    assert np.isnan(faithful["delete_salient_0.05"]).all()
