"""A part between two convolutions, and every engine held against the obvious loop at it."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from segdepth.saliency import Explainer

HEIGHT, WIDTH = 12, 17
PIXELS = [(0, 0), (11, 16), (6, 8), (6, 8), (4, 16)]
CROP = (slice(2, 9), slice(3, 11))
ENGINES = ("windowed", "sparse", "auto")


def picture(seed: int = 0) -> Tensor:
    return torch.randn(3, HEIGHT, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


class Part(nn.Module):
    """A function with modules of its own."""

    def __init__(self, function: Callable[..., Any], **modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self, *args, **kwargs)


class Held(nn.Module):
    """A part between two convolutions, at numbers of which some are 0."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.first, self.part, self.last = nn.Conv2d(3, 4, 3, padding=1), part, nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.part(self.first(x).relu()))


def held(function: Callable[..., Any], **modules: nn.Module) -> Held:
    return Held(Part(function, **modules)).double()


def rows(net: nn.Module, image: Tensor, target: int = 0) -> Tensor:
    """The obvious loop, on a copy of the network."""
    net = copy.deepcopy(net).eval()
    x = image[None].clone().requires_grad_()
    y = net(x.clone())
    found = [torch.autograd.grad(y[0, target, r, c], x, retain_graph=True)[0][0] for r, c in PIXELS]
    return torch.stack(found)


def attack(net: nn.Module, *pictures: Tensor, engines: tuple[str, ...] = ENGINES) -> None:
    """All engines, at all pictures with one explainer, back and forth, and in a crop; the weights' gradients stay."""
    pictures = pictures or (picture(0), picture(1))
    expected = [rows(net, image) for image in pictures]
    for engine in engines:
        explainer = Explainer(net, engine=engine)
        explained = [explainer.at(image) for image in pictures]
        for at, right in [*zip(explained, expected, strict=True), (explained[0], expected[0])]:
            torch.testing.assert_close(at.jacobian(PIXELS, target=0), right)
        cropped = explainer.at(pictures[-1], crop=CROP).jacobian(PIXELS, target=0)
        torch.testing.assert_close(cropped, expected[-1][:, :, *CROP])
        assert all(parameter.grad is None for parameter in net.parameters())
