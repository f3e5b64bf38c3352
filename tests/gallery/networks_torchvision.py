"""Segmentation networks of the package torchvision."""

from typing import Any

from torch import Tensor, nn
from torchvision.models import segmentation

from .gallery import Entry

__all__ = ["NETWORKS"]


def net(name: str) -> nn.Module:
    return getattr(segmentation, name)(weights=None, weights_backbone=None, num_classes=3)  # type: ignore[no-any-return]


def out(found: Any) -> Tensor:
    return found["out"]


NETWORKS = [
    Entry(name, lambda name=name: net(name), answer=out, picked='["out"]')
    for name in ("fcn_resnet50", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large")
]
