"""The map of a pixel is the absolute gradient of its answer, and nothing is left behind in the network."""

import pytest
import torch
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.saliency import Target, saliency_maps
from segdepth.tasks import create_network


class Known(nn.Module):
    """Two channels whose gradients are known: 3 times the red of the left neighbour, and -5 times the blue here."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([3.0, -5.0]))
        self.norm = nn.BatchNorm2d(1, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        left = torch.roll(x[:, :1], 1, dims=3) * self.weight[0]
        here = x[:, 2:] * self.weight[1]
        return torch.cat([left, here], 1)


IMAGE = torch.rand(3, 4, 6) + 0.1


@pytest.mark.parametrize(("target", "place", "value"), [(0, (2, 2), 3.0), (1, (2, 3), 5.0), ("predicted", (2, 2), 3.0)])
def test_the_gradient_is_the_known_one(target: Target, place: tuple[int, int], value: float) -> None:
    (found,) = saliency_maps(Known(), IMAGE, [(2, 3)], target=target)
    expected = torch.zeros(4, 6)
    expected[place] = value
    torch.testing.assert_close(found, expected)


def test_a_callable_explains_any_number() -> None:
    (found,) = saliency_maps(
        Known(), IMAGE, [(2, 3)], target=lambda out, px: out[0, 0, px[0], px[1]] - out[0, 1, px[0], px[1]]
    )
    assert found[2, 2] == 3
    assert found[2, 3] == 5


def test_no_pixels_no_maps() -> None:
    assert saliency_maps(Known(), IMAGE, []).shape == (0, 4, 6)


@pytest.mark.parametrize("pixel", [(-1, 0), (4, 0), (0, 6), (300, 40)])
def test_a_pixel_outside_names_the_valid_range(pixel: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=r"outside the 4x6 picture: row must be 0\.\.3, column 0\.\.5"):
        saliency_maps(Known(), IMAGE, [pixel])


@pytest.mark.parametrize(
    ("target", "words"), [(7, r"0\.\.1"), ("depth", "one output channel"), ("disparity", "disparity")]
)
def test_a_target_that_does_not_fit_is_refused(target: Target, words: str) -> None:
    with pytest.raises(InputError, match=words):
        saliency_maps(Known(), IMAGE, [(0, 0)], target=target)


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_left_behind(fails: bool) -> None:
    net = Known().train()
    net.norm.eval()
    net.weight.grad = torch.ones(2)

    def target(out: Tensor, pixel: tuple[int, int]) -> Tensor:
        if fails:
            raise RuntimeError("in the middle")
        return out[0, 0, pixel[0], pixel[1]]

    if fails:
        with pytest.raises(RuntimeError, match="in the middle"):
            saliency_maps(net, IMAGE, [(0, 0)], target=target)
    else:
        saliency_maps(net, IMAGE, [(0, 0)], target=target)
    assert net.training
    assert not net.norm.training
    assert net.weight.requires_grad
    assert net.weight.grad.tolist() == [1, 1]
    assert not net._forward_hooks


def test_normalised_maps_of_depth_and_disparity_are_equal() -> None:
    net = create_network("fcrn", task="depth", width=0.125).double()
    image = torch.rand(3, 40, 64, dtype=torch.float64)
    metres, disparity = (saliency_maps(net, image, [(20, 30)], target=t)[0] for t in ("depth", "disparity"))
    torch.testing.assert_close(metres / metres.max(), disparity / disparity.max())
