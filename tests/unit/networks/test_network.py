"""Pictures in, answers at their own size out: whatever form they come in, and whoever is beside them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from segdepth.core.errors import InputError
from segdepth.networks import Network, read_picture
from segdepth.networks.network import check_input
from segdepth.tasks import create_network

RANDOM = np.random.default_rng(0)


def noise(height: int, width: int) -> np.ndarray:
    return RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def net() -> Network:
    torch.manual_seed(0)
    return create_network("segnet", "seg", num_classes=5, width=0.125).eval()


def test_an_answer_does_not_depend_on_its_neighbours(net: Network) -> None:
    pictures = [noise(96, 64), noise(60, 100), noise(60, 100), noise(96, 64)]
    together = net.predict(pictures)
    for picture, answer in zip(pictures, together, strict=True):
        assert answer.shape == picture.shape[:2]
        assert (answer == net.predict(picture)).mean() > 0.999, "but for ties of rounding"


def test_many_pictures_are_answered_a_few_at_a_time(net: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    forward = type(net).forward
    monkeypatch.setattr(type(net), "forward", lambda self, x: sizes.append(len(x)) or forward(self, x))
    assert len(net.predict([noise(32, 32)] * 19)) == 19
    assert sizes == [8, 8, 3]


def test_none_is_answered_with_none(net: Network) -> None:
    assert net.predict([]) == []


@pytest.mark.parametrize(
    "x", [torch.zeros(3, 32, 32), torch.zeros(1, 1, 32, 32), torch.zeros(1, 3, 32, 32, dtype=torch.uint8)]
)
def test_what_a_network_cannot_take_is_named(x: torch.Tensor) -> None:
    with pytest.raises(InputError, match=r"takes \[b, 3, h, w\] in floating point"):
        check_input(x)


def test_a_file_and_its_pil_image_are_the_same_picture(tmp_path: Path) -> None:
    turned = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: a quarter turn
    Image.fromarray(cv2.GaussianBlur(noise(48, 80), (0, 0), 5)).save(turned, exif=exif, quality=100)
    deep = tmp_path / "deep.png"
    cv2.imwrite(str(deep), RANDOM.integers(0, 65536, (40, 50), dtype=np.uint16))
    for file in (turned, deep):
        with Image.open(file) as opened:
            ours, theirs = read_picture(file), read_picture(opened)
        assert ours.shape == theirs.shape
        assert np.abs(ours.astype(int) - theirs).max() <= 1
