"""Segmentation networks of torchvision."""

from pathlib import Path
from typing import Any

import pytest
import torch

import segdepth
from segdepth import create_network
from segdepth.core.errors import ConfigError, InputError
from segdepth.networks import names_in, save_network
from segdepth.networks.preprocessing import PREPROCESSINGS
from segdepth.training.parameters import freeze

models: Any = pytest.importorskip("torchvision.models", reason="needs torchvision", exc_type=ImportError)

LRASPP = "torchvision:lraspp_mobilenet_v3_large"


@pytest.mark.parametrize(("task", "channels"), [("seg", 7), ("depth", 1), ("normals", 3)])
def test_each_task_has_its_channels_and_comes_back_from_its_card(task: str, channels: int, tmp_path: Path) -> None:
    net = create_network(LRASPP, task, num_classes=7).eval()
    assert net.out_channels == channels
    assert net.card.preprocessing == PREPROCESSINGS["imagenet"]
    save_network(net, tmp_path / "net.safetensors")
    x = torch.rand(1, 3, 33, 47)
    torch.testing.assert_close(segdepth.load(tmp_path / "net.safetensors")(x), net(x))


def test_an_auxiliary_head_is_made_only_when_asked_for_and_does_not_learn() -> None:
    plain = create_network("torchvision:deeplabv3_mobilenet_v3_large", num_classes=3)
    assert plain.idle_parameters() == []
    net = create_network("torchvision:deeplabv3_mobilenet_v3_large", num_classes=3, aux_loss=True)
    idle = net.idle_parameters()
    assert idle
    assert all(name.startswith("guest.aux_classifier.") for name in idle)
    assert net.train()(torch.rand(2, 3, 64, 96)).shape == (2, 3, 64, 96)


def test_its_backbone_is_frozen() -> None:
    net = create_network(LRASPP)
    (frozen,) = freeze(net, backbone=True, batch_norm=False)
    assert frozen is net.guest.backbone  # type: ignore[comparison-overlap]


def test_published_weights_are_fetched_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    name = LRASPP.partition(":")[2]
    source = models.get_model(name, weights=None, weights_backbone=None, num_classes=21)
    kind = type(models.get_model_weights(name).DEFAULT)
    asked = []
    monkeypatch.setattr(kind, "get_state_dict", lambda self, **options: asked.append(self) or source.state_dict())
    create_network(LRASPP)
    assert not asked
    whole = create_network(LRASPP, num_classes=None, pretrained=True).eval()
    assert whole.card.classes is not None
    assert whole.card.classes.names[:2] == ("__background__", "aeroplane")
    x = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(whole(x), source.eval()(x)["out"])
    caplog.clear()
    depth = create_network(LRASPP, "depth", pretrained=True)
    assert "no place for classifier.low_classifier.weight" in caplog.text
    assert torch.equal(depth.state_dict()["guest.backbone.0.0.weight"], source.state_dict()["backbone.0.0.weight"])


def test_weights_of_a_classifier_fit_the_backbone(tmp_path: Path) -> None:
    classifier = models.mobilenet_v3_large(weights=None)
    torch.save(classifier.state_dict(), tmp_path / "imagenet.pth")
    net = create_network(LRASPP, pretrained=tmp_path / "imagenet.pth")
    assert torch.equal(net.state_dict()["guest.backbone.0.0.weight"], classifier.state_dict()["features.0.0.weight"])
    assert net.card.guest is not None
    assert net.card.guest.weights == "imagenet.pth"


def test_a_batch_of_one_is_too_few_for_its_pooled_norms() -> None:
    net = create_network("torchvision:deeplabv3_mobilenet_v3_large", num_classes=3).train()
    with pytest.raises(
        InputError, match=r"does not answer pictures \[1, 3, 64, 96\] in training: ValueError: Expected more"
    ):
        net(torch.rand(1, 3, 64, 96))


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("deeplabv3_resnet5", {}, "no segmentation network of torchvision .*did you mean 'deeplabv3_resnet50'"),
        ("resnet50", {}, "no segmentation network of torchvision named 'resnet50'"),
        ("fcn_resnet50", {"aux": True}, r"no option 'aux' \(there are: aux_loss\)"),
        ("fcn_resnet50", {"weights": "DEFAULT"}, "takes no option 'weights': model.pretrained says"),
    ],
    ids=["name", "classifier", "option", "weights"],
)
def test_what_it_does_not_have_is_told(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        create_network(f"torchvision:{name}", **options)


def test_its_networks_are_listed() -> None:
    assert "fcn_resnet50" in names_in("torchvision")
