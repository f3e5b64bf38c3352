"""Windows of a picture, in all spellings; what is no window and no picture is told."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from segdepth.core.errors import ConfigError, InputError
from segdepth.geometry.crops import CROPS, crop_window
from segdepth.saliency.checks import check_image, window_of

HEIGHT, WIDTH = 20, 33


@pytest.mark.parametrize(
    ("crop", "box"),
    [
        (None, ((0, 20), (0, 33))),
        ((slice(None), slice(3, 30)), ((0, 20), (3, 30))),
        ((slice(-5, None), slice(None, -3)), ((15, 20), (0, 30))),
        ((slice(0, 20), slice(32, 33)), ((0, 20), (32, 33))),
        ((slice(-20, -1), slice(-33, -32)), ((0, 19), (0, 1))),
    ],
)
def test_a_window_is_what_python_slices(crop: Any, box: Any) -> None:
    assert window_of(crop, HEIGHT, WIDTH) == box
    if crop is not None:
        picture = torch.arange(HEIGHT * WIDTH).view(HEIGHT, WIDTH)
        assert torch.equal(picture[crop], picture[slice(*box[0]), slice(*box[1])])


@pytest.mark.parametrize("name", CROPS)
def test_a_name_is_the_window_of_that_name(name: str) -> None:
    rows, columns = crop_window(name, 256, 832)
    assert window_of(name, 256, 832) == ((rows.start or 0, rows.stop or 256), (columns.start or 0, columns.stop or 832))


@pytest.mark.parametrize(
    ("crop", "words"),
    [
        ((slice(0, 21), slice(None)), "beyond the 20x33 picture: it has 20 rows"),
        ((slice(None), slice(-34, None)), "it has 33 columns"),
        ((slice(5, 5), slice(None)), "has no pixel"),
        ((slice(7, 3), slice(None)), "has no pixel"),
        ((slice(0, 20, 2), slice(None)), "or has a step"),
        ((slice(None, None, -1), slice(None)), "or has a step"),
    ],
)
def test_what_is_no_window_is_told(crop: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        window_of(crop, HEIGHT, WIDTH)


@pytest.mark.usefixtures("no_checker")
@pytest.mark.parametrize("crop", [(slice(None),), (0, 5), [slice(None), slice(None)], 7])
def test_what_is_none_at_all_is_told_what_would_be(crop: Any) -> None:
    with pytest.raises(InputError, match=r"is none: give a name, or \(slice"):
        window_of(crop, HEIGHT, WIDTH)


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no crop named 'grag' .*did you mean 'garg'"):
        window_of("grag", HEIGHT, WIDTH)


@pytest.mark.usefixtures("no_checker")
@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("picture.png", r"a str; give a tensor \[channels, rows, columns\]"),
        (torch.zeros(3, 0, 5), "has no pixel"),
        (torch.zeros(1, 3, 4, 5), r"has the shape \[1, 3, 4, 5\]; give one picture"),
        (torch.zeros(3, 4, 5, dtype=torch.int64), "give real numbers in the network's input range"),
        (torch.full((3, 4, 5), torch.nan), "not finite"),
    ],
)
def test_what_is_no_picture_is_told(image: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_image(nn.Identity(), image)


def test_a_network_with_a_card_sees_colours_and_warns_of_other_sizes(caplog: pytest.LogCaptureFixture) -> None:
    net = nn.Identity()
    net.card = SimpleNamespace(input_size=(4, 5))
    check_image(net, torch.zeros(3, 4, 5))
    assert caplog.text == ""
    with caplog.at_level(logging.WARNING, "segdepth"):
        check_image(net, torch.zeros(3, 8, 5))
    assert "the picture is 8x5, but the network was trained at 4x5" in caplog.text
    with pytest.raises(InputError, match="has 4 channels; the network sees 3"):
        check_image(net, torch.zeros(4, 4, 5))
    check_image(nn.Identity(), torch.zeros(4, 4, 5))  # of a stranger nothing is known
