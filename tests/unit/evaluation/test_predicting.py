"""A picture's answer is saved as numbers and in colours, or as a benchmark's server wants it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from segdepth.core.errors import InputError
from segdepth.data.files import read_rgb
from segdepth.drawing import write_png
from segdepth.evaluation.predicting import colour_prediction, save_label_ids, save_prediction
from segdepth.networks.card import Classes
from segdepth.tasks import create_network


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "street.png"
    write_png(path, np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8))
    return path


@pytest.mark.parametrize("task", ["seg", "depth"])
def test_the_numbers_and_the_colours_are_those_of_the_answer(task: str, picture: Path, tmp_path: Path) -> None:
    net = create_network("segnet", task, width=0.125).eval()
    files = save_prediction(net, picture, tmp_path / "out")
    assert files[0] == tmp_path / f"out/street_{task}.png"
    assert set((tmp_path / "out").iterdir()) == set(files)
    image = read_rgb(picture)
    np.testing.assert_array_equal(read_rgb(files[0]), colour_prediction(net, net.predict(image), image))


def test_label_ids_are_for_networks_that_know_them(picture: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="label ids are for segmentation with known classes"):
        save_label_ids(create_network("segnet", "depth", width=0.125).eval(), picture, tmp_path)
    net = create_network("segnet", "seg", num_classes=3, width=0.125).eval()
    classes = Classes(names=("a", "b", "c"), colours=((0, 0, 0), (1, 1, 1), (2, 2, 2)), label_ids=(7, 0, 33))
    net.card = net.card.model_copy(update={"classes": classes})
    (file,) = save_label_ids(net, picture, tmp_path / "out")
    said = np.array(classes.label_ids)[net.predict(read_rgb(picture))]
    np.testing.assert_array_equal(cv2.imread(str(file), cv2.IMREAD_UNCHANGED), said)
