"""Segmentation networks of the package torchvision."""

from functools import partial
from typing import Any

import pytest
from torch import Tensor, nn

from gallery.gallery import Entry, Library

__all__ = ["LIBRARY"]

segmentation: Any = pytest.importorskip(
    "torchvision.models.segmentation", reason="needs torchvision", exc_type=ImportError
)


def net(name: str) -> nn.Module:
    return getattr(segmentation, name)(weights=None, weights_backbone=None, num_classes=3)  # type: ignore[no-any-return]


def out(found: Any) -> Tensor:
    return found["out"]


LIBRARY = Library(
    "torchvision",
    "2.14",
    [
        Entry(name, partial(net, name), answer=out, picked='["out"]')
        for name in ("fcn_resnet50", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large")
    ],
)
