"""What a user means by the name of a network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

import segdepth
from segdepth.core.errors import CheckpointError, ConfigError
from segdepth.data import Dataset, open_dataset
from segdepth.networks import GuestNetwork, NetworkSpec, save_network
from segdepth.tasks import Asked, find_origin, network_of
from strangers import Dictionary

DICTIONARY = "python:strangers:Dictionary"


def dataset() -> Dataset:
    """Of 19 classes; nothing of it is drawn."""
    return open_dataset("synthetic", path=None, split="val", target="labels")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    save_network(segdepth.create_network("segnet", "depth", width=0.0625), tmp_path / "run/best.safetensors")
    return tmp_path / "run"


def test_what_is_here_is_a_checkpoint(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkpoint.parent)
    (checkpoint.parent / "smp:Unet").symlink_to(checkpoint)
    for name in (str(checkpoint), "run", checkpoint / "best", "smp:Unet"):
        origin = find_origin(name)
        assert origin.words == str(name)
        assert origin.source.endswith("best.safetensors")
        assert origin.stem.name == "best"
        assert origin.card is not None
        assert origin.network(Asked("seg")).card.task == "depth", "its card knows better"


@pytest.mark.parametrize("name", ["nowhere", "a/b/c", "a/b.pt", "2026-01-01_10:00", "runs/10:00/x"])
def test_what_is_nowhere_is_said_to_be_no_checkpoint(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdepth.networks.hub.hf_hub_download", lambda *_, **__: pytest.fail("the hub was asked"))
    with pytest.raises(CheckpointError, match=f"there is no checkpoint '{name}'"):
        find_origin(name).network(Asked())


def test_a_repository_is_asked_for_by_its_name(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = checkpoint / "best.safetensors"
    monkeypatch.setattr("segdepth.networks.hub.hf_hub_download", lambda *_, **__: str(file))
    origin = find_origin("owner/net")
    assert origin.stem == Path("owner-net")
    assert origin.card is not None
    with pytest.raises(ConfigError, match="has the option revision, not width"):
        find_origin("owner/net,width=3")
    monkeypatch.chdir(checkpoint.parent)
    with pytest.raises(
        CheckpointError, match="there is no checkpoint 'run/net' here; the folder 'run' has no 'net' in it"
    ):
        find_origin("run/net")


def test_an_address_has_no_card_before_it_is_built(caplog: pytest.LogCaptureFixture) -> None:
    origin = find_origin(f"{DICTIONARY},width=6")
    assert (origin.card, origin.source) == (None, origin.words)
    assert origin.stem == Path("python-strangers-Dictionary")
    net = origin.network(Asked("seg"))
    assert not net.training
    assert net.card.options == {"width": 6}
    assert "no weights were loaded (pretrained=true asks its library for some): they are random" in caplog.text


def test_the_data_say_how_many_classes_there_are() -> None:
    net = network_of(NetworkSpec(DICTIONARY), Asked("seg", lambda _: dataset()))
    assert net.out_channels == 19
    assert net.channel_names == dataset().classes.names  # type: ignore[union-attr]
    said = network_of(NetworkSpec(DICTIONARY, {"num_classes": 7}), Asked("seg", lambda _: dataset()))
    assert said.out_channels == 7
    assert network_of(NetworkSpec(DICTIONARY), Asked("seg")).out_channels == 3, "its own"
    depth = network_of(NetworkSpec(DICTIONARY), Asked("depth", lambda _: pytest.fail("opened")))
    assert depth.out_channels == 1


@pytest.mark.parametrize(("own", "count"), [(None, 19), (("a", "b"), 2)], ids=["unnamed", "named"])
def test_weights_that_come_with_classes_keep_them(
    own: tuple[str, ...] | None, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(num_classes: int = 2, pretrained: Any = False) -> torch.nn.Module:
        kept = own if num_classes == 2 else None
        return segdepth.wrap(Dictionary(num_classes), classes=kept or num_classes)

    monkeypatch.setattr("strangers.build", build, raising=False)
    net = network_of(NetworkSpec("python:strangers:build", {"pretrained": True}), Asked("seg", lambda _: dataset()))
    assert len(net.channel_names) == net.out_channels == count


def test_a_network_that_takes_one_size_is_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(num_classes: int) -> torch.nn.Module:
        return segdepth.wrap(Dictionary(num_classes), classes=num_classes, size=(48, 64))

    monkeypatch.setattr("strangers.build", build, raising=False)
    net = network_of(NetworkSpec("python:strangers:build", {"num_classes": 3}), Asked("seg"))
    assert net.card.input_size == (48, 64)


def test_chance_is_a_matter_of_the_seed() -> None:
    def weights(seed: int) -> Mapping[str, torch.Tensor]:
        net = network_of(NetworkSpec(DICTIONARY), Asked("seg", seed=seed))
        assert isinstance(net, GuestNetwork)
        return net.state_dict()

    first, again, other = weights(1), weights(1), weights(2)
    name = "guest.head.weight"
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], other[name])


@pytest.mark.parametrize(
    ("options", "task", "words"),
    [
        ({}, None, "say what .* shall answer: --task seg or --task depth"),
        ({}, "sage", "no task named 'sage'"),
        ({"num_classes": "x"}, "seg", "num_classes must be a number"),
        ({"num_classes": True}, "seg", "num_classes must be a number"),
        ({"preprocessing": {"mean": 1}}, "seg", "preprocessing must be a name here"),
        ({"preprocessing": "imagnet"}, "seg", "no preprocessing named"),
    ],
    ids=["no task", "unknown task", "classes", "a truth", "preprocessing", "unknown preprocessing"],
)
def test_what_cannot_be_is_one_sentence(options: dict[str, Any], task: str | None, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        network_of(NetworkSpec(DICTIONARY, options), Asked(task))
