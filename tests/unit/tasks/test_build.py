"""Networks for tasks: what a card then says."""

import pytest
import torch
from torch import nn

from segdepth.core.errors import ConfigError
from segdepth.networks import OUTPUTS, PREPROCESSINGS
from segdepth.networks.guests import REGISTERED
from segdepth.tasks import TASKS, create_network, wrap


@pytest.mark.parametrize("task", TASKS)
def test_the_card_says_what_the_network_answers(task: str) -> None:
    record = TASKS[task]
    net = create_network("segnet", task, num_classes=7, width=0.125)
    channels = OUTPUTS[record.output].channels or 7
    card = net.card
    assert (card.arch, card.task, card.output, card.out_channels) == ("segnet", task, record.output, channels)
    assert card.options == {"width": 0.125}
    assert card.preprocessing == PREPROCESSINGS["imagenet"]
    with torch.no_grad():
        assert net.eval()(torch.zeros(1, 3, 37, 50)).shape == (1, channels, 37, 50)


@pytest.mark.parametrize("task", [name for name, task in TASKS.items() if task.legacy_preprocessing])
def test_what_the_ancestor_s_networks_see_is_the_ancestor_s(task: str) -> None:
    with torch.device("meta"):
        old = create_network("segnet", task, legacy=True)
        chosen = create_network("segnet", task, legacy=True, preprocessing="imagenet")
    assert old.card.options == {"legacy": True}
    assert old.card.preprocessing == PREPROCESSINGS[TASKS[task].legacy_preprocessing]
    assert chosen.card.preprocessing == PREPROCESSINGS["imagenet"]


def test_an_alias_is_written_out() -> None:
    with torch.device("meta"):
        net = create_network("frrnB", "seg")
        other = create_network("frrnB", "seg", model_type="A")
    assert (net.card.arch, net.card.options) == ("frrn", {"model_type": "B"})
    assert other.card.options == {"model_type": "A"}  # what is said stands over what the alias implies


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("segnot",), "no network named 'segnot'"),
        (("segnet", "sag"), "no task named 'sag'"),
    ],
)
def test_unknown_names_are_told(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        create_network(*arguments)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_classes": 1}, "num_classes is 1; a segmentation needs at least 2"),
        ({"widht": 0.5}, "segnet has no option 'widht'.*width"),
        ({"width": "half"}, "the option width of segnet should be a valid number; 'half' is given"),
        ({"width": 0.0}, "the option width of segnet should be greater than 0"),
        ({"preprocessing": "imagnet"}, "no preprocessing"),
    ],
)
def test_options_that_cannot_be_are_told(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        create_network("segnet", "seg", **options)  # type: ignore[arg-type]


def answers_nearness() -> nn.Module:
    """A network of somebody else that says of itself what its numbers mean."""
    return wrap(nn.Conv2d(3, 1, 1), task="depth", answers="relative_inverse_depth")


def test_what_numbers_mean_is_said_by_the_user_before_anybody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    assert create_network("segnet", "depth", width=0.0625, answers="inverse_metres").card.output == "inverse_metres"
    monkeypatch.setitem(REGISTERED._registered, "nearness", answers_nearness)
    assert create_network("nearness", "depth").card.output == "relative_inverse_depth"
    assert create_network("nearness", "depth", answers="inverse_metres").output.name == "inverse_metres"
    with pytest.raises(ConfigError, match="'logits' is no answer to task 'depth'"):
        create_network("nearness", "depth", answers="logits")
