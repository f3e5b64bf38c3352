"""Encoders of the package timm with a head of a line or two."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gallery.gallery import Entry, Library

__all__ = ["LIBRARY"]

timm: Any = pytest.importorskip("timm", reason="needs timm")


class Dense(nn.Module):
    """The last features of an encoder, and a convolution."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        self.encoder = timm.create_model(name, pretrained=False, features_only=True, **options)
        self.head = nn.Conv2d(self.encoder.feature_info.channels()[-1], 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(self.head(self.encoder(x)[-1]), x.shape[-2:], mode="bilinear")


class Tokens(nn.Module):
    """The tokens of a vision transformer and a linear layer."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        self.encoder = timm.create_model(name, pretrained=False, **options)
        self.head = nn.Linear(self.encoder.num_features, 3)

    def forward(self, x: Tensor) -> Tensor:
        patch = self.encoder.patch_embed.patch_size[0]
        tokens = self.encoder.forward_features(x)[:, self.encoder.num_prefix_tokens :]
        rows, columns = x.shape[-2] // patch, x.shape[-1] // patch
        return self.head(tokens).transpose(1, 2).unflatten(2, (rows, columns))


class Pyramid(nn.Module):
    """All features of an encoder, enlarged to the first's size, side by side, and a convolution."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        self.encoder = timm.create_model(name, pretrained=False, features_only=True, **options)
        self.head = nn.Conv2d(sum(self.encoder.feature_info.channels()), 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.encoder(x)
        size = list(maps[0].shape[-2:])
        return self.head(torch.cat([F.interpolate(found, size, mode="bilinear") for found in maps], 1))


class Swin(nn.Module):
    """Swin's features ``[b, h, w, c]`` and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = timm.create_model(
            "swin_tiny_patch4_window7_224", pretrained=False, features_only=True, img_size=32, window_size=4,
            embed_dim=8, depths=(2, 2), num_heads=(1, 2), out_indices=(0, 1),
        )  # fmt: skip
        self.head = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x)[-1]).permute(0, 3, 1, 2)


class Last(nn.Module):
    """The last features ``[b, h, w, c]`` of an encoder and a linear layer."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.encoder = timm.create_model(name, pretrained=False, features_only=True)
        self.head = nn.Linear(self.encoder.feature_info.channels()[-1], 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x)[-1]).permute(0, 3, 1, 2)


LIBRARY = Library(
    "timm",
    "2.14",
    [
        Entry("ViT + linear", lambda: Tokens("test_vit", img_size=32, num_classes=0)),
        Entry("ViT with relative positions + linear", lambda: Tokens("test_vit_relpos", img_size=32, num_classes=0)),
        Entry("EVA-like ViT + linear", lambda: Tokens("test_vit4", img_size=32, num_classes=0)),
        Entry("ConvNeXt + 1x1", lambda: Dense("test_convnext"), size=(64, 64)),
        Entry("ConvNeXt 2 + 1x1", lambda: Dense("test_convnext2"), size=(64, 64)),
        Entry(
            "ConvNeXtV2 + 1x1", lambda: Dense("convnextv2_atto", depths=(1, 1, 1, 1), dims=(4, 4, 8, 8)), size=(64, 64)
        ),
        Entry("EfficientNet + 1x1", lambda: Dense("test_efficientnet"), size=(64, 64)),
        Entry("EfficientNet evonorm + 1x1", lambda: Dense("test_efficientnet_evos"), size=(64, 64), digits=1e-6),
        Entry("EfficientNet groupnorm + 1x1", lambda: Dense("test_efficientnet_gn"), size=(64, 64)),
        Entry("EfficientNet layernorm + 1x1", lambda: Dense("test_efficientnet_ln"), size=(64, 64)),
        Entry("HRNet + 1x1", lambda: Pyramid("hrnet_w18_small")),
        Entry("Swin + 1x1", lambda: Swin()),
        Entry("MaxViT + 1x1", lambda: Dense("test_maxvit", img_size=64), size=(64, 64)),
        Entry("NFNet + 1x1", lambda: Dense("test_nfnet"), size=(64, 64)),
        Entry("MambaOut + linear", lambda: Last("test_mambaout"), size=(64, 64)),
        Entry("CoAtNet + 1x1", lambda: Dense("test_coatnet", img_size=64), size=(64, 64)),
        Entry("RepVGG-like ByobNet + 1x1", lambda: Dense("test_byobnet"), size=(64, 64)),
    ],
)
