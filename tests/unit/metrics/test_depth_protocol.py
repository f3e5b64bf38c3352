"""Which pixels are scored, against one picture at a time in NumPy."""

import numpy as np
import pytest
import torch

from segdepth.core.errors import ConfigError, InputError
from segdepth.geometry.crops import crop_window
from segdepth.metrics import DepthProtocol
from segdepth.metrics.depth_protocol import scored_pixels

SIZE = (3, 40, 50)


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    truth = 100 * torch.rand(SIZE) * (torch.rand(SIZE) < 0.5)
    return 60 * torch.rand(SIZE) + 0.1, truth


@pytest.mark.parametrize("crop", ["none", "garg"])
@pytest.mark.parametrize("scaling", ["none", "median"])
def test_pixels_are_those_of_the_plain_loop(pair: tuple[torch.Tensor, torch.Tensor], crop: str, scaling: str) -> None:
    protocol = DepthProtocol(crop, min_depth=2.0, max_depth=70.0, scaling=scaling)  # type: ignore[arg-type]
    prediction, truth, valid = scored_pixels(*pair, protocol)
    for k in range(SIZE[0]):
        p, t = (x[k].numpy()[crop_window(crop, *SIZE[1:])].astype(np.float64) for x in pair)
        scored = (t > 2) & (t < 70)
        p, t = p[scored], t[scored]
        if scaling == "median":
            p = p * np.median(t) / np.median(p)
        np.testing.assert_allclose(truth[k][valid[k]], t)
        np.testing.assert_allclose(prediction[k][valid[k]], p.clip(2, 70), rtol=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_medians_of_few_pixels(count: int) -> None:
    truth = torch.zeros(1, 2, 4)
    truth.view(-1)[:count] = torch.tensor([7.0, 2.0, 40.0, 5.0])[:count]
    prediction = torch.arange(1.0, 9).view(1, 2, 4)
    scaled, _, valid = scored_pixels(prediction, truth, DepthProtocol("none", scaling="median"))
    factor = np.median(truth[truth > 0]) / np.median(np.arange(1.0, count + 1))
    np.testing.assert_allclose(scaled[valid], factor * np.arange(1.0, count + 1))


def test_a_channel_may_stand_there(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    plain = scored_pixels(*pair, DepthProtocol())
    for one, other in zip(plain, scored_pixels(*(x[:, None] for x in pair), DepthProtocol()), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("prediction", "truth"), [((1, 4, 5), (1, 4, 6)), ((1, 2, 4, 5), (1, 2, 4, 5)), ((1, 1, 4, 5), (1, 4, 5))]
)
def test_what_does_not_fit_is_named(prediction: tuple[int, ...], truth: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="depth is scored at the truth's size"):
        scored_pixels(torch.ones(prediction), torch.ones(truth), DepthProtocol("none"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"crop": "gorg"}, "no crop"),
        ({"min_depth": 0.0}, "from 0.0 to 80.0 m cannot be scored"),
        ({"min_depth": 90.0}, "from 90.0 to 80.0 m"),
        ({"max_depth": float("nan")}, "cannot be scored"),
    ],
)
def test_protocols_that_cannot_be(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        DepthProtocol(**options)  # type: ignore[arg-type]
