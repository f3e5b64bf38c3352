"""A module as a network: what is said of it, saved, loaded, and given to another."""

from pathlib import Path
from typing import Any

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import nn

import segdepth
from segdepth import wrap
from segdepth.core.errors import CheckpointError, ConfigError, InputError
from segdepth.networks import save_network


class Tied(nn.Module):
    """Two names for one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 3, 1, bias=False)
        self.other = nn.Conv2d(3, 3, 1, bias=False)
        self.other.weight = self.one.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.other(self.one(x))


def test_tied_weights_are_saved_and_stay_tied(tmp_path: Path) -> None:
    net = wrap(Tied(), classes=3)
    save_network(net, tmp_path / "net.safetensors")
    back = segdepth.load(tmp_path / "net.safetensors", module=Tied())
    x = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(back(x), net(x))
    assert back.guest.one.weight is back.guest.other.weight  # type: ignore[union-attr]


def test_two_checkpoints_loaded_with_one_module_are_two_networks(tmp_path: Path) -> None:
    one, other = (wrap(nn.Conv2d(3, 2, 1), classes=2) for _ in range(2))
    for net, name in ((one, "one"), (other, "other")):
        save_network(net, tmp_path / f"{name}.safetensors")
    form = nn.Conv2d(3, 2, 1)
    before = form.weight.clone()
    found = [segdepth.load(tmp_path / f"{name}.safetensors", module=form) for name in ("one", "other")]
    x = torch.rand(1, 3, 32, 32)
    for net, loaded in zip((one, other), found, strict=True):
        assert torch.equal(loaded(x), net(x))
    assert torch.equal(form.weight, before)


def test_preprocessing_is_what_was_said() -> None:
    net = wrap(nn.Conv2d(3, 2, 1), classes=2, mean=(1, 2, 3), std=(2, 2, 2), order="BGR", scale=1)
    picture = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1)
    assert net.preprocessing(picture).flatten().tolist() == [(30 - 1) / 2, (20 - 2) / 2, (10 - 3) / 2]


def test_names_of_classes_are_its_classes() -> None:
    net = wrap(nn.Conv2d(3, 2, 1), classes=["road", "rest"])
    assert net.channel_names == ("road", "rest")
    assert net.out_channels == 2


def test_a_module_that_is_not_asked_for_is_refused(tmp_path: Path) -> None:
    save_network(segdepth.create_network("segnet", width=0.0625), tmp_path / "net.safetensors")
    with pytest.raises(CheckpointError, match="needs no module"):
        segdepth.load(tmp_path / "net.safetensors", module=nn.Identity())


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ({}, ConfigError, "needs classes="),
        ({"task": "sage"}, ConfigError, "no task named 'sage'"),
        ({"classes": 2, "answers": "meters"}, ConfigError, "no output named 'meters'"),
        ({"classes": 2, "answers": "metres"}, ConfigError, "'metres' is no answer to task 'seg'"),
        ({"classes": 2, "name": "segnet"}, ConfigError, "the name of a network of ours"),
        (
            {"classes": 2, "name": "python:os:system"},
            ConfigError,
            "cannot be called 'python:os:system': a name has no colon",
        ),
        ({"classes": "road"}, ConfigError, "classes='road': give how many there are, or a list of their names"),
        ({"classes": True}, ConfigError, "classes=True: give how many"),
        ({"classes": 2, "std": (0, 1, 1)}, ConfigError, "std"),
        ({"classes": 2, "size": 0}, ConfigError, "multiple"),
    ],
    ids=["classes", "task", "answers", "other", "name", "address", "word", "flag", "std", "size"],
)
def test_what_cannot_be_said_of_a_module(said: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        wrap(nn.Conv2d(3, 2, 1), **said)


def test_only_modules_are_wrapped() -> None:
    with pytest.raises((InputError, TypeCheckError), match=r"this is a function|torch\.nn"):
        wrap(lambda x: x, classes=2)  # type: ignore[arg-type]
