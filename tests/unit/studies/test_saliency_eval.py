"""Statistics of a network's maps are those of the maps, for every target or every labelled one."""

import numpy as np
import pytest
import torch

from segdepth.core.errors import DataError
from segdepth.data import Dataset, Sample
from segdepth.data.loading import resize_sample
from segdepth.saliency import saliency_maps
from segdepth.saliency.measures import activation_distance, activation_ratio, normalise
from segdepth.studies.grid import TargetGrid
from segdepth.studies.saliency_eval import ClassStudy, EvalStudy
from segdepth.studies.sources import NetworkMaps

from .tiny import SIZE, tiny


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
