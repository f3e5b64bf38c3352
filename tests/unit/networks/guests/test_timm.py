"""Networks on encoders of timm."""

from pathlib import Path
from typing import Any

import pytest
import torch

import segdepth
from segdepth import create_network
from segdepth.core.errors import CheckpointError, ConfigError, InputError
from segdepth.networks import names_in, save_network

timm = pytest.importorskip("timm", reason="needs timm")


@pytest.mark.parametrize(
    ("name", "multiple", "fixed"),
    [
        ("test_convnext", 1, None),
        ("test_resnet", 1, None),
        ("test_mambaout", 1, None),  # channels last
        ("test_vit", 16, None),
        ("hrnet_w18_small", 32, None),
        ("test_maxvit", 1, (160, 160)),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_levels_are_summed_at_the_finest(name: str, multiple: int, fixed: tuple[int, int] | None) -> None:
    net = create_network(f"timm:{name}", num_classes=5, head_channels=8).eval()
    assert net.card.guest is not None
    assert (net.card.guest.size.multiple, net.card.guest.size.fixed) == (multiple, fixed)
    size = fixed or (37, 50)
    assert net(torch.rand(1, 3, *size)).shape == (1, 5, *size)


@pytest.mark.parametrize(("task", "channels"), [("seg", 7), ("depth", 1), ("normals", 3)])
def test_each_task_has_its_channels_and_comes_back_from_its_card(task: str, channels: int, tmp_path: Path) -> None:
    net = create_network("timm:test_resnet", task, num_classes=7, head_channels=8, out_indices=[1, 2, 3]).eval()
    assert net.out_channels == channels
    save_network(net, tmp_path / "net.safetensors")
    x = torch.rand(1, 3, 33, 47)
    torch.testing.assert_close(segdepth.load(tmp_path / "net.safetensors")(x), net(x))
    assert net.idle_parameters() == []


def test_the_input_range_is_what_timm_says() -> None:
    assert create_network("timm:test_vit").card.preprocessing.mean == (0.5, 0.5, 0.5)


def test_another_size_than_the_one_it_takes_is_told() -> None:
    with pytest.raises(InputError, match="160x160 only"):
        create_network("timm:test_maxvit")(torch.rand(1, 3, 64, 96))


def test_weights_of_the_whole_classifier_fit_its_encoder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    classifier = timm.create_model("test_convnext", pretrained=False)
    torch.save(classifier.state_dict(), tmp_path / "whole.pth")
    net = create_network("timm:test_convnext", pretrained=tmp_path / "whole.pth").eval()
    assert "no place for head.norm.weight, head.norm.bias, head.fc.weight, head.fc.bias" in caplog.text
    x = torch.rand(1, 3, 64, 64)
    want = classifier.eval().forward_features(x)
    torch.testing.assert_close(net.encoder(x)[-1], want)  # type: ignore[misc]
    with pytest.raises(CheckpointError, match=r"does not fit timm:test_resnet: .*conv1"):
        create_network("timm:test_resnet", pretrained=tmp_path / "whole.pth")


def test_weights_that_timm_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm.models, "is_model_pretrained", lambda name: False)
    with pytest.raises(CheckpointError, match=r"^model\.pretrained: timm has no weights of 'test_resnet'"):
        create_network("timm:test_resnet", pretrained=True)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("convnext_tinny", {}, "no network of timm named 'convnext_tinny' .*did you mean 'convnext_tiny'"),
        ("resnet18.nobody", {}, r"Invalid pretrained tag \(nobody\)"),
        ("test_resnet", {"foo": 1}, "unexpected keyword argument 'foo'"),
        ("test_resnet", {"head_channels": 0}, "head_channels .* whole number from 1; 0 is given"),
        (
            "test_resnet",
            {"checkpoint_path": "x.pth"},
            "takes no option 'checkpoint_path': model.pretrained takes a path",
        ),
    ],
    ids=["name", "tag", "option", "head", "checkpoint"],
)
def test_what_it_does_not_have_is_told(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        create_network(f"timm:{name}", **options)


def test_a_head_needs_its_number_of_classes() -> None:
    with pytest.raises(ConfigError, match="needs its number of classes"):
        create_network("timm:test_resnet", num_classes=None)


def test_its_networks_are_listed() -> None:
    assert "resnet18" in names_in("timm")
