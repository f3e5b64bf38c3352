"""Studies of tiny networks on a tiny street: what is stored, what is left, and that sharing the work changes nothing."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from segdepth.core.errors import ConfigError, DataError, InputError
from segdepth.data import Dataset, Sample, open_dataset
from segdepth.data.loading import resize_sample
from segdepth.saliency import saliency_maps
from segdepth.saliency.measures import activation_distance, activation_ratio, mask_iou, normalise
from segdepth.saliency.receptive_field import theoretical_field
from segdepth.studies.experiment import Experiment
from segdepth.studies.faithfulness import FaithfulnessStudy
from segdepth.studies.frames import PictureFolder, how_many, open_frames
from segdepth.studies.grid import TargetGrid
from segdepth.studies.run import Shard, describe_study, make_plan, run_study
from segdepth.studies.saliency_eval import ClassStudy, EvalStudy
from segdepth.studies.saliency_iou import IouStudy
from segdepth.studies.sources import EdgeMaps, FieldMaps, GaussianMaps, NetworkMaps, random_network
from segdepth.studies.store import Store, _require_same, load_study
from segdepth.tasks import create_network

SIZE = (48, 96)
COUNT = 5


def tiny(task: str, seed: int = 0) -> NetworkMaps:
    torch.manual_seed(seed)
    return NetworkMaps(create_network("segnet", task, width=0.125).eval())


@pytest.fixture(scope="module")
def streets() -> Dataset:
    return open_dataset(
        "synthetic",
        path=None,
        split="val",
        target=frozenset({"labels", "depth"}),
        num_images=COUNT,
        height=64,
        width=128,
    )


@pytest.fixture(scope="module")
def experiment() -> EvalStudy:
    return EvalStudy(tiny("seg"), TargetGrid(SIZE, 14))


def store_of(experiment: Experiment, streets: Dataset, folder: Path) -> Store:
    return Store(folder, describe_study(experiment, streets, COUNT))


def rows_of(folder: Path) -> Mapping[str, np.ndarray]:
    return load_study(folder).rows


def test_rows_are_the_statistics_of_the_maps(experiment: EvalStudy, streets: Dataset) -> None:
    sample = resize_sample(streets[0], SIZE)
    rows = experiment.rows(sample)
    source = experiment.sources[0]
    assert isinstance(source, NetworkMaps)
    x = source.net.preprocessing(torch.from_numpy(sample.image).permute(2, 0, 1)[None])[0]
    pixels = [tuple(p) for p in experiment.grid.pixels.tolist()]
    window = experiment.grid.window
    maps = normalise(saliency_maps(source.net, x, pixels, engine="reference")[:, *window])
    relative = torch.from_numpy(experiment.grid.pixels - experiment.grid.corner)
    for t in (0.1, 0.5, 0.9):
        distances = activation_distance(maps, relative, (t,))[:, 0]
        np.testing.assert_allclose(rows[f"activation_distance_{t}"], distances, atol=0.02)
        np.testing.assert_allclose(rows[f"activation_ratio_{t}"], activation_ratio(maps, (t,))[:, 0], atol=1e-3)
    for row, col, label, metres in zip(*(rows[n] for n in ("row", "col", "label", "depth_m")), strict=True):
        assert label == sample.truth("labels")[row, col]
        known = sample.truth("depth")[row, col] > 0
        assert metres == sample.truth("depth")[row, col] if known else np.isnan(metres)
    with torch.no_grad():
        predicted = source.net(x[None])[0].argmax(0)
    assert rows["answer"].tolist() == [predicted[p].item() for p in pixels]


def test_a_network_answers_a_picture_once(streets: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    source, grid = tiny("seg"), TargetGrid(SIZE, 14)
    sample = resize_sample(streets[0], SIZE)
    EvalStudy(source, grid).rows(sample)  # the first time, it is taken apart
    real: list[bool] = []
    forward = type(source.net).forward
    monkeypatch.setattr(
        type(source.net), "forward", lambda net, x: real.append(type(x) is torch.Tensor) or forward(net, x)
    )
    rows = EvalStudy(source, grid).rows(sample)
    assert real == [True], "maps and answers share one pass"
    np.testing.assert_array_equal(rows["answer"], source.answers(sample.image)[tuple(grid.pixels.T)])
    assert real == [True, True]


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


def test_class_targets_have_a_label(streets: Dataset) -> None:
    sample = resize_sample(streets[0], SIZE)
    labels = sample.truth("labels").copy()
    labels[:30] = 255
    study = ClassStudy(tiny("seg"), TargetGrid(SIZE, 9, start="corner"))
    rows = study.rows(Sample(sample.image, sample.name, {"labels": labels}))
    expected = [(r, c) for r, c in study.grid.pixels.tolist() if labels[r, c] != 255]
    assert 0 < len(expected) < len(study.grid.pixels)
    assert list(zip(rows["row"].tolist(), rows["col"].tolist(), strict=True)) == expected
    assert "activation_ratio_0.7" in rows
    nothing = study.rows(Sample(sample.image, sample.name, {"labels": np.full_like(labels, 255)}))
    assert len(nothing["activation_ratio_0.7"]) == 0
    with pytest.raises(DataError, match="no labels"):
        study.rows(Sample(sample.image, sample.name))


def test_overlap_is_of_both_maps_of_a_target(streets: Dataset) -> None:
    seg, depth = tiny("seg"), tiny("depth")
    study = IouStudy(seg, depth, TargetGrid(SIZE, 14))
    sample = resize_sample(streets[1], SIZE)
    rows = study.rows(sample)
    pixels = [tuple(p) for p in study.grid.pixels.tolist()]
    maps = []
    for source in (seg, depth):
        x = source.net.preprocessing(torch.from_numpy(sample.image).permute(2, 0, 1)[None])[0]
        signed = saliency_maps(source.net, x, pixels, engine="reference")
        maps.append(normalise(signed[:, *study.grid.window]))
    expected = mask_iou(*maps, study.thresholds).numpy()
    there = np.stack([rows[name] for name in study.columns], 1)
    np.testing.assert_allclose(there, expected, atol=0.05)
    assert np.nanmean(there) == pytest.approx(np.nanmean(expected), abs=1e-3)
    with pytest.raises(InputError, match="seg and a depth"):
        IouStudy(depth, seg, study.grid)


def test_null_models_know_nothing_of_the_task(streets: Dataset) -> None:
    sample = resize_sample(streets[0], SIZE)
    grid = TargetGrid(SIZE, 9)
    blob = EvalStudy(GaussianMaps(), grid).rows(sample)
    assert (blob["peak_distance"] == 0).all()
    at_half = GaussianMaps.sigma * np.sqrt(2 * np.log(2))  # where exp(-d^2 / 2 s^2) = 1/2
    inner = blob["activation_distance_0.5"][len(grid.pixels) // 2]
    assert inner == pytest.approx(at_half, abs=2 / np.hypot(*(s.stop - s.start for s in grid.window)))
    edges = next(EdgeMaps().maps(sample.image, grid.pixels, grid.window))
    assert (edges == edges[0]).all()
    trained = tiny("seg")
    fresh = random_network(trained.net, seed=3)
    again = random_network(trained.net, seed=3)
    for (name, a), b, old in zip(fresh.named_parameters(), again.parameters(), trained.net.parameters(), strict=True):
        assert torch.equal(a, b)
        if name.endswith("weight") and a.ndim == 4:
            assert not torch.equal(a, old)


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


def test_exactly_as_many_pictures_as_asked_for(streets: Dataset) -> None:
    assert how_many(streets, 3) == 3
    assert how_many(streets, None) == COUNT
    with pytest.raises(InputError, match="has 5 pictures"):
        how_many(streets, 6)


def test_any_folder_of_pictures(shared_data: "object", tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images"):
        open_frames(tmp_path, None, "val")
    with pytest.raises(InputError, match="name the pictures"):
        open_frames(None, None, "val")
    folder = shared_data("camvid")  # type: ignore[operator]
    pictures = open_frames(folder / "test", None, "val")
    assert isinstance(pictures, PictureFolder)
    assert "labels" not in pictures[0].truths
    kitti = open_frames(shared_data("kitti_semantics"), None, "val")  # type: ignore[operator]
    assert "labels" in kitti[0].truths


def test_the_theoretical_field_is_a_null_model(streets: Dataset) -> None:
    sample = resize_sample(streets[0], SIZE)
    source = tiny("seg")
    grid = TargetGrid(SIZE, 9)
    field = FieldMaps(source.net)
    (maps,) = field.maps(sample.image, grid.pixels, grid.window)
    whole = torch.zeros(3, *SIZE)
    for index in (0, len(maps) // 2, len(maps) - 1):
        (row, col), one = grid.pixels[index].tolist(), maps[index]
        rows, columns = theoretical_field(source.net, whole, (row, col)).box
        expected = np.zeros(SIZE, np.float32)
        expected[slice(*rows), slice(*columns)] = 1
        expected[row, col] = 0
        np.testing.assert_array_equal(one.numpy(), expected[grid.window])
    study = EvalStudy(field, grid)
    assert study.name == "field-segnet_seg"
    rows_of_field = study.rows(sample)
    count = (grid.window[0].stop - grid.window[0].start) * (grid.window[1].stop - grid.window[1].start)
    assert rows_of_field["activation_ratio_0.9"].max() == pytest.approx(1 - 1 / count), "this field holds the crop"
    assert np.isnan(rows_of_field["answer"]).all()


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
        run_study(study, streets, store_of(study, streets, tmp_path / study.kind), Shard())
        maps = len(study.grid.pixels) * COUNT
        warnings = [record.getMessage() for record in caplog.records if record.name.startswith("segdepth")]
        assert len(warnings) == 1, warnings
        assert f"{maps} maps in {COUNT} of {COUNT} pictures are zero everywhere" in warnings[0]
    rows = rows_of(tmp_path / "iou")
    assert (rows["peak_seg"] == 0).all()
    assert (rows["peak_depth"] > 0).sum() > targets
    faithful = rows_of(tmp_path / "faithfulness")
    assert np.isnan(faithful["delete_salient_0.05"]).all()


def test_what_differs_is_said_however_deep_it_stands() -> None:
    there = {"sources": [{"card": {"arch": "fcn8s"}, "engine": "windowed"}], "grid": 4}
    asked = {"sources": [{"card": {"arch": "fcn8s"}, "engine": "sparse"}], "grid": 4}
    said = 'another sources.0.engine ."windowed", not "sparse".'
    with pytest.raises(ConfigError, match=said):
        _require_same(Path("study"), there, asked)
