"""A pixel is explained at the network's size; targets are named as a command line names them."""

import numpy as np
import pytest

from segdepth.core.errors import ConfigError, InputError
from segdepth.explaining.explanation import MapOptions, explain, offered_targets, parse_target
from segdepth.networks import Classes, Network
from segdepth.saliency import Margin
from segdepth.tasks import create_network

SIZE = (32, 48)


@pytest.fixture
def net() -> Network:
    net = create_network("segnet", "seg", width=0.125).eval()
    net.card = net.card.model_copy(update={"input_size": SIZE})
    return net


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("word", "target"),
    [("predicted", "predicted"), ("log_depth", "log_depth"), ("3", 3), ("3:11", Margin(3, 11))],
)
def test_targets(net: Network, word: str, target: object) -> None:
    assert parse_target(net, word) == target


def test_components_of_a_normal_are_targets_and_its_direction_is_what_is_explained(image: np.ndarray) -> None:
    net = create_network("segnet", "normals", width=0.125).eval()
    net.card = net.card.model_copy(update={"input_size": SIZE})
    assert [parse_target(net, word) for word in ("x", "y", "z", "2", "direction")] == [0, 1, 2, 2, "direction"]
    with pytest.raises(InputError, match="no target 'road'"):
        parse_target(net, "road")
    own, said, one = (
        explain(net, image, (10, 20), MapOptions(target=target)) for target in ("predicted", "direction", 0)
    )
    np.testing.assert_array_equal(own.saliency, said.saliency)
    assert not np.array_equal(own.saliency, one.saliency)
    assert own.answer.shape == (*SIZE, 3)
    assert own.text.startswith("faces (")


def test_an_unknown_target_is_one_sentence(net: Network) -> None:
    with pytest.raises(InputError, match=r"no target 'predict' .*did you mean 'predicted'"):
        parse_target(net, "predict")


def test_a_map_has_the_size_of_the_network_and_nothing_outside_its_window(net: Network, image: np.ndarray) -> None:
    whole = explain(net, image, (20, 9))
    assert whole.image.shape == (*SIZE, 3)
    assert whole.saliency.shape == whole.answer.shape == SIZE
    assert np.isfinite(whole.saliency).all()
    assert {"activation_distance@0.1", "activation_ratio@0.9", "weighted_distance"} <= whole.statistics.keys()
    cut = explain(net, image, (0, 0), MapOptions(crop="garg"))
    assert np.isnan(cut.saliency[0, 0])
    assert cut.statistics == {}, "they are relative to the window, and the pixel is outside"
    np.testing.assert_array_equal(cut.answer, whole.answer)


def test_a_pixel_outside_and_a_crop_that_is_none_are_refused(net: Network, image: np.ndarray) -> None:
    with pytest.raises(InputError, match="40"):
        explain(net, image, (40, 0))
    with pytest.raises(ConfigError, match="nowhere"):
        explain(net, image, (1, 1), MapOptions(crop="nowhere"))


def test_offered_targets_can_be_asked_for(net: Network) -> None:
    words = [word for word, _ in offered_targets(net)]
    assert words[:2] == ["predicted", "0"] or words[1] == net.channel_names[0]
    assert len(words) == 1 + net.out_channels
    for word in words:
        parse_target(net, word)
    depth = create_network("segnet", "depth", width=0.125).eval()
    assert [word for word, _ in offered_targets(depth)] == ["predicted", "log_depth", "disparity"]


def test_channels_whose_names_mean_something_else_are_offered_by_number(net: Network) -> None:
    names = ("depth", "a:b", "7", "car", "car", *map("class{}".format, range(net.out_channels - 5)))
    net.card = net.card.model_copy(update={"classes": Classes.named(names)})
    assert [word for word, _ in offered_targets(net)][1:7] == ["0", "1", "2", "3", "4", "class0"]
    assert [text for _, text in offered_targets(net)][1:6] == ["depth", "a:b", "7", "car", "car"]
