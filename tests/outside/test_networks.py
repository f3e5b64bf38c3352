"""Networks of other libraries, fresh from their constructors, against autograd; run by `make test-outside`."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency import reference_gradients, saliency_maps

SIZE = (64, 96)
PIXELS = [(0, 0), (31, 40), (32, 44), (63, 95)]


class Picked(nn.Module):
    """One field of an answer that is a dictionary."""

    def __init__(self, net: nn.Module, field: str) -> None:
        super().__init__()
        self.net = net
        self.field = field

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)[self.field]


def smp(arch: str, encoder: str) -> nn.Module:
    library = pytest.importorskip("segmentation_models_pytorch", reason="needs segmentation_models_pytorch")
    return library.create_model(arch, encoder, encoder_weights=None, classes=5)  # type: ignore[no-any-return]


def torchvision(name: str) -> nn.Module:
    models = pytest.importorskip("torchvision.models.segmentation", reason="needs torchvision", exc_type=ImportError)
    return Picked(getattr(models, name)(weights=None, weights_backbone=None, num_classes=5), "out")


def lively(net: nn.Module) -> nn.Module:
    """Batch norms as after some training."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in (
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.5, 2.0),
                (module.weight.data, 0.5, 1.5),
            ):
                assert tensor is not None
                tensor.uniform_(low, high)
    return net


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "unet-resnet34": lambda: smp("unet", "resnet34"),
    "unet-efficientnet": lambda: smp("unet", "efficientnet-b0"),
    "unetplusplus-resnet18": lambda: smp("unetplusplus", "resnet18"),
    "fpn-resnet18": lambda: smp("fpn", "resnet18"),
    "pspnet-resnet18": lambda: smp("pspnet", "resnet18"),
    "deeplabv3plus-mobilenet": lambda: smp("deeplabv3plus", "mobilenet_v2"),
    "segformer-mit": lambda: smp("segformer", "mit_b0"),
    "unet-timm-mobilenet": lambda: smp("unet", "tu-mobilenetv3_small_100"),
    "fcn-resnet50": lambda: torchvision("fcn_resnet50"),
    "lraspp": lambda: torchvision("lraspp_mobilenet_v3_large"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_fresh_network_of_another_library(name: str) -> None:
    net = lively(NETWORKS[name]()).double()
    image = torch.randn(3, *SIZE, dtype=torch.float64)
    found = saliency_maps(net, image, PIXELS * 4)
    expected = torch.stack([g.abs().amax(0) for g in reference_gradients(net, image, PIXELS, "predicted")]).repeat(
        4, 1, 1
    )
    peaks = expected.amax((1, 2))
    assert (peaks > 0).all()
    assert ((found - expected).abs().amax((1, 2)) <= 1e-10 * peaks).all()
    assert net.training
