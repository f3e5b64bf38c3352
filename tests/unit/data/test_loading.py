"""What a step sees follows from the seed and the step's number, whatever loads it."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segdepth.core.errors import DataError
from segdepth.data.loading import (
    EvaluationView,
    StreamSampler,
    TrainingView,
    batches,
    evaluation_loader,
    training_loader,
)
from segdepth.data.sample import Dataset, Sample

CPU = torch.device("cpu")


class Numbered(Dataset):
    """Pictures whose pixels all hold the sample's number; one of them may be broken."""

    depth_range = (0.001, 80.0)

    def __init__(self, length: int, broken: int | None = None) -> None:
        super().__init__(None, "train", frozenset({"labels", "depth"}))
        self.names = [f"n{k}" for k in range(length)]
        self.broken = broken

    def __getitem__(self, index: int) -> Sample:
        if index == self.broken:
            raise DataError(f"n{index}.png is truncated")
        size = (40 + index, 64)
        depth = np.zeros(size, np.float32)
        depth[::2] = 10 + index
        return Sample(
            np.full((*size, 3), index, np.uint8),
            f"n{index}",
            {"labels": np.full(size, index, np.uint8), "depth": depth},
            100.0,
        )


def load(
    target: str = "labels", *, n_workers: int = 0, start: int = 0, stop: int = 7, length: int = 5
) -> list[torch.Tensor]:
    view = TrainingView(Numbered(length), (32, 48), {"brightness": 0.5, "hflip": 0.5}, seed=3)
    loader = training_loader(view, target, batch_size=3, n_workers=n_workers, start=start, stop=stop, pin_memory=False)
    return [batch.image for batch in batches(loader, CPU)]


def test_batches_do_not_depend_on_workers() -> None:
    for alone, shared in zip(load(), load(n_workers=2), strict=True):
        torch.testing.assert_close(alone, shared, rtol=0, atol=0)


def test_a_run_goes_on_with_the_batches_that_it_would_have_had() -> None:
    for whole, resumed in zip(load()[4:], load(start=4), strict=True):
        torch.testing.assert_close(whole, resumed, rtol=0, atol=0)


@settings(deadline=None, max_examples=25)
@given(length=st.integers(1, 9), batch_size=st.integers(1, 7), seed=st.integers(0, 3))
def test_every_epoch_shows_every_sample_once(length: int, batch_size: int, seed: int) -> None:
    stop = 3 * length  # batches: at least three epochs
    keys = [key for batch in StreamSampler(length, batch_size, seed=seed, start=0, stop=stop) for key in batch]
    assert len(keys) == stop * batch_size
    per_epoch = Counter(epoch for epoch, _ in keys)
    for epoch in range(len(keys) // length):
        assert per_epoch[epoch] == length
        assert {index for e, index in keys if e == epoch} == set(range(length))


def test_targets_have_the_tasks_type_and_are_not_interpolated() -> None:
    view = TrainingView(Numbered(4), (32, 48), None, seed=0)
    for target, dtype, shape in (("labels", torch.int64, (2, 32, 48)), ("depth", torch.float32, (2, 1, 32, 48))):
        loader = training_loader(view, target, batch_size=2, n_workers=0, start=0, stop=2, pin_memory=False)  # type: ignore[arg-type]
        for batch in batches(loader, CPU):
            assert isinstance(batch.target, torch.Tensor)
            assert batch.target.dtype == dtype
            assert tuple(batch.target.shape) == shape
            assert batch.image.dtype == torch.uint8
            assert tuple(batch.image.shape) == (2, 3, 32, 48)
            for name, truth in zip(batch.names, batch.target, strict=True):
                number = int(name[1:])
                assert set(truth.unique().tolist()) <= ({number} if target == "labels" else {0.0, 10.0 + number})


def test_evaluation_keeps_the_truths_own_size_and_the_short_last_batch() -> None:
    loader = evaluation_loader(
        EvaluationView(Numbered(5), (32, 48)), "depth", batch_size=2, n_workers=0, pin_memory=False
    )
    seen = list(batches(loader, CPU))
    assert [len(batch.names) for batch in seen] == [2, 2, 1]
    assert [tuple(truth.shape) for batch in seen for truth in batch.target] == [(40 + k, 64) for k in range(5)]


@pytest.mark.parametrize("n_workers", [0, 1])
def test_a_broken_file_is_one_sentence_whoever_loads_it(n_workers: int) -> None:
    loader = evaluation_loader(
        EvaluationView(Numbered(3, broken=1), (32, 48)), "labels", batch_size=1, n_workers=n_workers, pin_memory=False
    )
    with pytest.raises(DataError) as caught:
        list(batches(loader, CPU))
    assert str(caught.value) == "n1.png is truncated"


def test_an_empty_split_is_refused() -> None:
    with pytest.raises(DataError, match="no sample"):
        StreamSampler(0, 2, seed=0, start=0, stop=1)
