"""Where a study's maps and answers come from."""

import numpy as np
import pytest

from segdepth.networks import Network
from segdepth.studies.sources import EdgeMaps, NetworkMaps
from segdepth.tasks import create_network

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
