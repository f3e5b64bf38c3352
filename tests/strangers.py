"""Modules of somebody else, and makers of them, as ``python:`` addresses find them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class Dictionary(nn.Module):
    """Answers a dictionary at half the picture's size, with a second answer while it learns; its head has two names."""

    def __init__(self, num_classes: int = 3, width: int = 4) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU())
        self.head = nn.Conv2d(width, num_classes, 1)
        self.tied = self.head

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        out = self.head(self.backbone(x))
        return {"out": out, "aux": 0 * out} if self.training else {"out": out}


class Supervised(nn.Module):
    """Has a second head that only helps training, and a layer that nothing reads."""

    def __init__(self, num_classes: int = 3) -> None:
        super().__init__()
        self.backbone = nn.Conv2d(3, 4, 3, 2, 1)
        self.head = nn.Conv2d(4, num_classes, 1)
        self.side = nn.Conv2d(4, num_classes, 1)
        self.unread = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = self.backbone(x)
        return [self.head(features), self.side(features)] if self.training else [self.head(features)]


class Strict(nn.Module):
    """Takes multiples of 16 only."""

    def __init__(self, out_channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, out_channels, 16, 16)

    def forward(self, x: Tensor) -> list[Tensor]:
        if x.shape[-2] % 16 or x.shape[-1] % 16:
            raise ValueError("multiples of 16")
        return [self.layer(x)]


class Listed(nn.Module):
    """Has an option that is a list."""

    def __init__(self, num_classes: int, widths: list[int]) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(x)
        return out


class Lazy(nn.Module):
    """Its weights have no shapes before its first picture."""

    def __init__(self, num_classes: int = 3) -> None:
        super().__init__()
        self.encoder = nn.LazyConv2d(4, 3, padding=1)
        self.norm = nn.LazyBatchNorm2d()
        self.head = nn.LazyConv2d(num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.head(self.norm(self.encoder(x)))
        return answer


class Unlearnable(nn.Module):
    """Its answer has no gradient."""

    def __init__(self, num_classes: int = 3) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, num_classes, 1)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.layer(x)
        return answer


class Flat(nn.Module):
    """Answers one number for each class, not a map."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(3, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.layer(x.mean((2, 3)))
        return answer


def broken() -> nn.Module:
    raise RuntimeError("no luck")


def leaving() -> nn.Module:
    raise SystemExit("usage: net")


def nothing() -> Any:
    return 3


ONE = Dictionary()


def always_the_same() -> nn.Module:
    return ONE


def ready(num_classes: int) -> nn.Module:
    """A factory that says all of it itself."""
    from segdepth import wrap

    return wrap(Strict(num_classes), classes=num_classes, size=16, scale=1, mean=(127,) * 3, std=(128,) * 3)


MAKERS: dict[str, Callable[..., Any]] = {"dictionary": Dictionary, "strict": Strict}
