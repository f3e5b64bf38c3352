"""What cannot be explained as it is given: one clear sentence each."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segdepth.core.errors import InputError
from segdepth.saliency import saliency_maps

PIXELS = [(2, 3), (5, 1)]


@pytest.fixture
def image() -> Tensor:
    return torch.rand(3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """Does something between two convolutions."""

    def __init__(self, between: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.between = between
        self.last = nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.between(self.first(x)))
        return y


class Stubborn(Net):
    """Has a part that cannot be put into eval mode."""

    def train(self, mode: bool = True) -> "Stubborn":
        super().train(mode)
        self.between.train()
        return self


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize(
    ("net", "words"),
    [
        (Net(lambda y: F.dropout(y, 0.3)), r"random numbers in eval mode.*F.dropout without training=self.training\?"),
        (Net(lambda y: y + torch.randn_like(y)), "answers otherwise at every look"),
        (Stubborn(nn.Dropout(0.3)), "'between' stays in training mode"),
    ],
)
def test_a_network_that_draws_random_numbers_is_told_so(net: Net, words: str, engine: str, image: Tensor) -> None:
    with pytest.raises(InputError, match=words):
        saliency_maps(net.double(), image, PIXELS, engine=engine)


def _seeded(y: Tensor) -> Tensor:
    torch.manual_seed(3)
    return F.dropout(y, 0.3)


def _drawn_in_vain(y: Tensor) -> Tensor:
    return y if torch.rand([]) < 2 else 2 * y


@pytest.mark.parametrize("between", [_seeded, _drawn_in_vain])
def test_random_numbers_that_change_nothing_are_fine(between: Callable[[Tensor], Tensor], image: Tensor) -> None:
    net = Net(between).double()
    x = image[None].requires_grad_()
    with torch.random.fork_rng():
        expected = [torch.autograd.grad(net(x)[0, 1, r, c], x)[0][0].abs().amax(0) for r, c in PIXELS]
    torch.testing.assert_close(saliency_maps(net, image, PIXELS, target=1), torch.stack(expected))


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_batch_statistics_that_are_left_on_are_told_and_left_alone(
    engine: str, image: Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    net = Stubborn(nn.BatchNorm2d(4)).double()
    x = image[None].clone().requires_grad_()
    expected = [torch.autograd.grad(net(x)[0, 1, r, c], x)[0][0].abs().amax(0) for r, c in PIXELS]
    before = {name: value.clone() for name, value in net.state_dict().items()}
    for _ in range(2):
        found = saliency_maps(net, image, PIXELS, target=1, engine=engine)
        torch.testing.assert_close(found, torch.stack(expected))
    said = [record.message for record in caplog.records if "picture's own" in record.message]
    assert len(said) == 1
    assert "BatchNorm2d 'between' of the network" in said[0]
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_batch_norm_without_running_statistics_is_nothing_to_tell(
    image: Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    saliency_maps(Net(nn.BatchNorm2d(4, track_running_stats=False)).double(), image, PIXELS)
    assert "picture's own" not in caplog.text


class TwoInputs(Net):
    def forward(self, x: Tensor, task: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x) * task


class Squares(Net):
    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-2] != x.shape[-1]:
            raise ValueError(f"this network takes squares only, not {list(x.shape[-2:])}")
        return super().forward(x)


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize(
    ("kind", "cut", "words"),
    [
        (TwoInputs, 8, "cannot be called with a picture alone: its forward needs 'task' beside it"),
        (Squares, 7, r"cannot take a picture of \[3, 7, 8\].*\(this network takes squares only, not \[7, 8\]\)"),
    ],
)
def test_what_a_network_does_not_take_is_told(
    kind: type[Net], cut: int, words: str, engine: str, image: Tensor
) -> None:
    with pytest.raises(InputError, match=words):
        saliency_maps(kind(nn.ReLU()).double(), image[:, :cut], PIXELS, engine=engine)


@pytest.mark.usefixtures("no_checker")
@pytest.mark.parametrize("dtype", [torch.complex64, torch.uint8, torch.bool])
def test_pictures_of_other_numbers_are_told(dtype: torch.dtype) -> None:
    with pytest.raises(InputError, match=f"the picture is {dtype}; give real numbers in the network's input range"):
        saliency_maps(Net(nn.ReLU()), torch.zeros(3, 8, 8, dtype=dtype), PIXELS)


class Fourier(Net):
    """Filters in the frequency domain."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.fft.rfft2(self.first(x))
        return self.last(torch.fft.irfft2(y * (1 + y.abs()).reciprocal(), s=x.shape[-2:]))


def test_a_fourier_transform_is_no_independence_of_the_picture(image: Tensor, caplog: pytest.LogCaptureFixture) -> None:
    net = Fourier(nn.ReLU()).double()
    x = image[None].clone().requires_grad_()
    expected = [torch.autograd.grad(net(x)[0, 1, r, c], x)[0][0].abs().amax(0) for r, c in PIXELS]
    torch.testing.assert_close(saliency_maps(net, image, PIXELS, target=1), torch.stack(expected))
    assert "does not depend" not in caplog.text
