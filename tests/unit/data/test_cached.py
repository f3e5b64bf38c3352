"""The cache gives what it was asked to keep, whatever happens to its files; broken samples can be stepped over."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from segdepth.core.errors import DataError
from segdepth.data import open_dataset
from segdepth.data.cached import Cached
from segdepth.data.loading import (
    Batch,
    EvaluationView,
    Timed,
    TrainingView,
    batches,
    evaluation_loader,
    resize_sample,
    training_loader,
)
from segdepth.data.synthetic import write_cityscapes, write_kitti_raw
from segdepth.geometry import nearest_point

SIZE = (32, 64)
CPU = torch.device("cpu")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    write_cityscapes(tmp_path / "world", num_images={"train": 4}, height=64, width=128)
    return tmp_path / "world"


def opened(world: Path, target="depth"):
    return open_dataset("cityscapes", path=world, split="train", target=target)


@pytest.mark.parametrize("target", ["labels", "depth"])
def test_the_first_and_the_second_reading_are_the_resized_sample(world: Path, tmp_path: Path, target: str) -> None:
    plain = opened(world, target)
    for _ in range(2):
        cached = Cached(opened(world, target), SIZE, tmp_path / "cache")
        for index in range(len(plain)):
            wanted, given = resize_sample(plain[index], SIZE), cached[index]
            np.testing.assert_array_equal(given.image, wanted.image)
            np.testing.assert_array_equal(given.truth(target), wanted.truth(target))
            assert given.focal_px == wanted.focal_px
            assert given.name == wanted.name
    assert len(list((tmp_path / "cache").rglob("*.npz"))) == 4


def test_a_damaged_or_outdated_copy_is_made_anew(world: Path, tmp_path: Path) -> None:
    cached = Cached(opened(world), SIZE, tmp_path / "cache")
    before = cached[0].image.copy()
    file = next((tmp_path / "cache").rglob("*.npz"))
    file.write_bytes(file.read_bytes()[:100])
    np.testing.assert_array_equal(cached[0].image, before)
    images = sorted((world / "leftImg8bit/train").rglob("*.png"))
    images[0].write_bytes(images[1].read_bytes())
    os.utime(images[0], (1, 1))
    assert not np.array_equal(cached[0].image, before)
    np.testing.assert_array_equal(cached[0].image, cached[1].image)


def test_another_size_or_split_is_another_cache(world: Path, tmp_path: Path) -> None:
    for size in (SIZE, (16, 32)):
        cached = Cached(opened(world), size, tmp_path / "cache")
        assert cached[0].image.shape[:2] == size
        np.testing.assert_array_equal(cached.image(0), cached[0].image)
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_laser_points_are_not_lost(tmp_path: Path) -> None:
    write_kitti_raw(tmp_path / "raw", drives=(1, 5), frames=1, height=94, width=311)
    raw = open_dataset("kitti_raw", path=tmp_path / "raw", split="train", target="depth")
    expected = nearest_point(raw[0].truth("depth"), SIZE)
    np.testing.assert_array_equal(Cached(raw, SIZE, tmp_path / "cache")[0].truth("depth"), expected)
    np.testing.assert_array_equal(TrainingView(raw, SIZE, None, 0)[0, 0].truth("depth"), expected)


def break_one(world: Path) -> str:
    file = sorted((world / "leftImg8bit/train").rglob("*.png"))[1]
    file.write_bytes(file.read_bytes()[:-30])
    return file.name


def load(world: Path, *, skip_bad: bool, n_workers: int = 0):
    view = TrainingView(opened(world), SIZE, None, 0, skip_bad)
    loader = training_loader(view, "depth", batch_size=4, n_workers=n_workers, start=0, stop=2, pin_memory=False)
    return list(batches(loader, CPU))


def test_a_broken_sample_stops_by_default(world: Path) -> None:
    name = break_one(world)
    with pytest.raises(DataError, match=name):
        load(world, skip_bad=False)


@pytest.mark.parametrize("n_workers", [0, 2])
def test_a_broken_sample_can_be_stepped_over_and_is_named_once(
    world: Path, n_workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    name = break_one(world)
    loaded = load(world, skip_bad=True, n_workers=n_workers)
    assert [len(batch.names) for batch in loaded] == [4, 4], "every batch is full"
    assert not any("_000001_" in sample for batch in loaded for sample in batch.names)
    assert sum(name in record.message for record in caplog.records) == 1
    assert all(name in batch.skipped[0] for batch in loaded)


def test_when_all_are_broken_it_stops(world: Path) -> None:
    for file in (world / "leftImg8bit/train").rglob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        load(world, skip_bad=True)


def test_an_evaluation_leaves_them_out_and_counts(world: Path) -> None:
    name = break_one(world)
    for batch_size in (1, 3):
        loader = evaluation_loader(
            EvaluationView(opened(world), SIZE),
            "depth",
            batch_size=batch_size,
            n_workers=0,
            pin_memory=False,
            skip_bad=True,
        )
        loaded = list(batches(loader, CPU))
        assert sum(len(batch.names) for batch in loaded) == 3
        assert [name in sentence for batch in loaded for sentence in batch.skipped] == [True]


def test_waiting_is_measured() -> None:
    def slow():
        for _ in range(3):
            time.sleep(0.02)
            yield Batch(torch.empty(0), torch.empty(0), [])

    timed = Timed(slow())
    for _ in timed:
        time.sleep(0.03)
    assert 0.055 <= timed.seconds < 0.5, "not what the caller spends"
