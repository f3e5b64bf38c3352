"""Where a study's maps and answers come from; null models know nothing of the task."""

import numpy as np
import pytest
import torch

from segdepth.data import Dataset
from segdepth.data.loading import resize_sample
from segdepth.networks import Network
from segdepth.saliency.receptive_field import theoretical_field
from segdepth.studies.grid import TargetGrid
from segdepth.studies.random_network import random_network
from segdepth.studies.saliency_eval import EvalStudy
from segdepth.studies.sources import EdgeMaps, FieldMaps, GaussianMaps, NetworkMaps
from segdepth.tasks import create_network

from .tiny import SIZE as STREET
from .tiny import tiny

SIZE = (32, 48)
PIXELS = np.array([[3, 4], [30, 47], [0, 0]])


def network(task: str) -> Network:
    net = create_network("segnet", task, width=0.125).eval()
    net.card = net.card.model_copy(update={"input_size": SIZE})
    return net


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


@pytest.mark.parametrize("task", ["seg", "depth", "normals"])
def test_answers_in_a_table_are_the_predictions(task: str, image: np.ndarray) -> None:
    net = network(task)
    table = NetworkMaps(net).answers_at(image, PIXELS, "answer")
    expected = net.predict(image)[tuple(PIXELS.T)]
    if task == "normals":
        assert list(table) == ["answer_x", "answer_y", "answer_z"]
        np.testing.assert_allclose(np.stack(list(table.values()), 1), expected, atol=1e-6)
    else:
        assert list(table) == ["answer"]
        np.testing.assert_allclose(table["answer"], expected, rtol=1e-6)
    assert all(values.dtype == np.float32 for values in table.values())


def test_who_says_nothing_has_an_empty_column(image: np.ndarray) -> None:
    (column,) = EdgeMaps().answers_at(image, PIXELS, "answer_seg").values()
    assert column.shape == (3,)
    assert np.isnan(column).all()


def test_maps_of_normals_explain_their_direction(image: np.ndarray) -> None:
    window = (slice(0, SIZE[0]), slice(0, SIZE[1]))
    maps = np.concatenate([block.numpy() for block in NetworkMaps(network("normals")).maps(image, PIXELS, window)])
    assert maps.shape == (3, *SIZE)
    assert (maps.max((1, 2)) > 0).all()


def test_null_models_know_nothing_of_the_task(streets: Dataset) -> None:
    sample = resize_sample(streets[0], STREET)
    grid = TargetGrid(STREET, 9)
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


def test_the_theoretical_field_is_a_null_model(streets: Dataset) -> None:
    sample = resize_sample(streets[0], STREET)
    source = tiny("seg")
    grid = TargetGrid(STREET, 9)
    field = FieldMaps(source.net)
    (maps,) = field.maps(sample.image, grid.pixels, grid.window)
    whole = torch.zeros(3, *STREET)
    for index in (0, len(maps) // 2, len(maps) - 1):
        (row, col), one = grid.pixels[index].tolist(), maps[index]
        rows, columns = theoretical_field(source.net, whole, (row, col)).box
        expected = np.zeros(STREET, np.float32)
        expected[slice(*rows), slice(*columns)] = 1
        expected[row, col] = 0
        np.testing.assert_array_equal(one.numpy(), expected[grid.window])
    study = EvalStudy(field, grid)
    assert study.name == "field-segnet_seg"
    rows_of_field = study.rows(sample)
    count = (grid.window[0].stop - grid.window[0].start) * (grid.window[1].stop - grid.window[1].start)
    assert rows_of_field["activation_ratio_0.9"].max() == pytest.approx(1 - 1 / count), "this field holds the crop"
    assert np.isnan(rows_of_field["answer"]).all()
