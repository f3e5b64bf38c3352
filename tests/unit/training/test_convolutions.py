"""The gradient of convolutions' weights is PyTorch's, up to rounding, whichever way it is computed."""

import copy
from collections.abc import Iterator
from contextlib import nullcontext
from unittest import mock

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from segdepth.tasks import create_network
from segdepth.training import convolutions
from segdepth.training.convolutions import FasterGradients


@pytest.fixture(autouse=True)
def avx2() -> Iterator[None]:
    """A processor on which it pays."""
    with mock.patch("torch.backends.cpu.get_cpu_capability", return_value="AVX2"):
        yield


LAYERS = {
    "tiles": (nn.Conv2d(64, 40, 3, padding=1), (95, 93)),
    "tiles, one strip": (nn.Conv2d(40, 64, 3, padding=(0, 1), bias=False), (18, 34)),
    "tiles, wide border": (nn.Conv2d(32, 48, 3, padding=(70, 3)), (40, 29)),
    "tiles, 2x3": (nn.Conv2d(48, 40, (2, 3), padding=1), (95, 40)),
    "tiles, 3x2": (nn.Conv2d(48, 40, (3, 2), padding=1), (35, 93)),
    "tiles, 2x2": (nn.Conv2d(72, 70, 2), (34, 35)),
    "strips, wide border": (nn.Conv2d(32, 48, 4, padding=400), (9, 30)),
    "strips": (nn.Conv2d(64, 64, 5, padding=2), (700, 70)),
    "strips, strided": (nn.Conv2d(32, 64, 5, stride=2, padding=2), (41, 69)),
    "strips, dilated and bare": (nn.Conv2d(32, 40, 3, dilation=(2, 3), bias=False), (60, 60)),
    "many weights": (nn.Conv2d(128, 256, (2, 5), padding=(1, 2)), (7, 9)),
    "many weights, strided": (nn.Conv2d(128, 256, 3, stride=(2, 1), padding=1), (7, 9)),
    "very many weights": (nn.Conv2d(96, 256, (4, 7), stride=(1, 2), padding=(2, 3), dilation=(2, 1)), (9, 10)),
    "few outputs": (nn.Conv2d(64, 3, 3, padding=6, dilation=6), (120, 50)),
    "few outputs, no padding": (nn.Conv2d(64, 19, (2, 3)), (30, 31)),
    "few inputs": (nn.Conv2d(9, 48, 5, stride=2, padding=2), (71, 50)),
    "transposed": (nn.ConvTranspose2d(64, 48, 3, stride=2, padding=1, output_padding=1), (30, 31)),
    "transposed, few outputs": (nn.ConvTranspose2d(19, 16, 4, stride=2, padding=1, bias=False), (30, 31)),
}


#: In double precision these take half a minute.
LARGE = {"strips, wide border", "strips"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else []) for name in LAYERS]
)
def test_gradients_are_those_of_double_precision(name: str) -> None:
    torch.manual_seed(0)
    layer, size = LAYERS[name]
    exact = copy.deepcopy(layer).double()
    ours = copy.deepcopy(layer).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(2, layer.in_channels, *size).to(memory_format=torch.channels_last).requires_grad_()
    wanted_x = x.detach().double().requires_grad_()
    with FasterGradients():
        output = ours(x)
    assert type(output.grad_fn).__name__ == "_ConvolutionBackward"
    gradient = torch.randn_like(output)
    output.backward(gradient)
    wanted = exact(wanted_x)
    wanted.backward(gradient.double())
    pairs = [(output, wanted), (x.grad, wanted_x.grad)]
    pairs += [(a.grad, b.grad) for a, b in zip(ours.parameters(), exact.parameters(), strict=True)]
    for found, right in pairs:
        assert found is not None
        assert right is not None
        assert (found.double() - right).norm() <= 1e-5 * right.norm()


@pytest.mark.parametrize("kernel", [3, 5])
def test_what_hooks_give_back_in_another_layout_is_read_rightly(kernel: int) -> None:
    """As a checkpoint does, which computes again what was saved."""
    torch.manual_seed(0)
    layer = nn.Conv2d(16, 32, kernel).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(2, 16, 9, 9)
    wanted = copy.deepcopy(layer).double()
    wanted(x.double()).square().sum().backward()
    with FasterGradients():
        output = checkpoint(layer, x, use_reentrant=False)
    output.square().sum().backward()
    assert (layer.weight.grad - wanted.weight.grad).norm() <= 1e-5 * wanted.weight.grad.norm()


def test_calls_by_hand_and_odd_answers_are_plain_pytorchs() -> None:
    x = torch.randn(2, 16, 9, 9).to(memory_format=torch.channels_last)
    weight = torch.randn(32, 16, 3, 3).to(memory_format=torch.channels_last).requires_grad_()
    with FasterGradients():
        assert torch.conv2d(x, weight, None, 1, 1, 1, 1).shape == (2, 32, 9, 9)
        assert torch.conv2d(x, weight, None, (1,), (1,), (1,), 1).shape == (2, 32, 9, 9)
        wide = nn.ConvTranspose2d(16, 32, 3, dilation=2, output_padding=1).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        wide(x).sum().backward()
        none = nn.ConvTranspose2d(9, 130, 3, padding=(1, 3)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        none(torch.randn(2, 9, 23, 4).to(memory_format=torch.channels_last)).sum().backward()
        one, three = torch.randn(2, 1, 4, 5), torch.randn(2, 3, 4, 5)
        assert torch.cat([one, three], dim=1).is_contiguous()
        assert torch.cat([x[:, :, :, :4], torch.empty(0)], dim=1).shape == (2, 16, 9, 4)
        with pytest.raises(ValueError, match="non-empty"):
            torch.cat([], dim=1)
    assert not none.weight.grad.any()


def test_what_gains_nothing_is_left_alone() -> None:
    x = torch.randn(1, 16, 20, 20).to(memory_format=torch.channels_last)
    conv = nn.Conv2d(16, 16, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    cases = {
        "one pixel": lambda: nn.Conv2d(16, 16, 1)(x),
        "groups": lambda: nn.Conv2d(16, 16, 3, groups=2)(x),
        "picture": lambda: nn.Conv2d(3, 16, 3)(x[:, :3]),
        "default layout": lambda: nn.Conv2d(16, 16, 3)(x.contiguous()),
        "double": lambda: copy.deepcopy(conv).double()(x.double()),
        "frozen": lambda: copy.deepcopy(conv).requires_grad_(False)(x),
        "by name": lambda: torch.conv2d(x, conv.weight, padding="same"),
    }
    with mock.patch.object(convolutions, "_apply", side_effect=AssertionError), FasterGradients():
        for case in cases.values():
            case()
        with torch.no_grad():
            conv(x)
        with torch.autocast("cpu", torch.bfloat16):
            conv(x)
        with mock.patch("torch.backends.cpu.get_cpu_capability", return_value="AVX512"):
            conv(x)


@pytest.mark.parametrize("task", ["seg", "depth"])
@pytest.mark.parametrize("arch", ["fcn8s", "segnet", "frrn", "deeplab", "dispnet", "fcrn"])
def test_every_network_gets_the_same_gradients(arch: str, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In double precision, in which rounding is not what they differ by."""
    gains = convolutions._gains
    monkeypatch.setattr(convolutions, "_gains", lambda x, weight, *rest: gains(x.float(), weight.float(), *rest))
    torch.manual_seed(0)
    net = create_network(arch, task, width=0.25).double()
    x = torch.randn(2, 3, 64, 96, dtype=torch.float64)
    gradients = []
    for mode in (nullcontext(), FasterGradients()):
        net.zero_grad()
        torch.manual_seed(1)  # what dropout draws
        with mode:
            output = net(x)
        output.square().mean().backward()
        gradients.append([parameter.grad for parameter in net.parameters()])
    for plain, ours in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-7, atol=1e-12)
