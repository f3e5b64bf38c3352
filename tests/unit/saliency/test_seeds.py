"""Where backward passes begin, against autograd of the explained number with respect to the answer."""

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency import Margin, Target, Weighted
from segdepth.saliency.apart import structure
from segdepth.saliency.boxes import NOTHING, Reach
from segdepth.saliency.seeds import Seeds
from segdepth.saliency.target import fixed_targets, target_value

PIXELS = [(0, 0), (5, 6), (2, 3), (5, 0)]


@pytest.fixture
def output() -> Tensor:
    return 1 + torch.rand(3, 6, 7, dtype=torch.float64)


def neighbours(out: Tensor, pixel: tuple[int, int]) -> Tensor:
    """Reads more than one place."""
    row, column = pixel
    return (out[0, 1, max(0, row - 1) : row + 2, column] ** 2).sum()


def nowhere(out: Tensor, _: tuple[int, int]) -> Tensor:
    return 0 * out.sum()


def gradients(output: Tensor, target: Target) -> Tensor:
    """Of every pixel's number with respect to the whole answer; "predicted" stays what it was."""
    one = output[None].clone().requires_grad_()
    targets = fixed_targets(output, PIXELS, target)
    values = [target_value(one, pixel, own) for pixel, own in zip(PIXELS, targets, strict=True)]
    return torch.stack([torch.autograd.grad(value, one, retain_graph=True)[0][0] for value in values])


def whole(output: Tensor, box: tuple[tuple[int, int], tuple[int, int]], seed: Tensor) -> Tensor:
    """A seed as a gradient of all of the answer."""
    found = torch.zeros(*seed.shape[:-3], *output.shape, dtype=output.dtype)
    found[..., slice(*box[0]), slice(*box[1])] = seed
    return found


def seeds_of(output: Tensor, target: Target) -> Seeds:
    return Seeds(output, PIXELS, fixed_targets(output, PIXELS, target))


TARGETS = ["predicted", 2, Margin(2, 0), Weighted((0.5, -2.0, 0.25)), "direction", neighbours, nowhere]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: getattr(target, "__name__", str(target)))
def test_a_seed_is_the_gradient_of_the_number(output: Tensor, target: Target) -> None:
    seeds, expected = seeds_of(output, target), gradients(output, target)
    for index in range(len(PIXELS)):
        box, seed = seeds.of(index)
        torch.testing.assert_close(whole(output, box, seed), expected[index])


@pytest.mark.parametrize("target", ["predicted", "depth", "log_depth", 0])
def test_of_one_channel(output: Tensor, target: Target) -> None:
    depth = output[:1]
    seeds, expected = seeds_of(depth, target), gradients(depth, target)
    for index in range(len(PIXELS)):
        torch.testing.assert_close(whole(depth, *seeds.of(index)), expected[index])


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: getattr(target, "__name__", str(target)))
def test_several_stand_in_the_box_that_holds_all(output: Tensor, target: Target) -> None:
    box, values = seeds_of(output, target).gather([2, 0])
    torch.testing.assert_close(whole(output, box, values), gradients(output, target)[[2, 0]])


def test_a_function_s_box_is_as_small_as_can_be(output: Tensor) -> None:
    boxes = [seeds_of(output, neighbours).of(index)[0] for index in range(len(PIXELS))]
    assert boxes == [((0, 2), (0, 1)), ((4, 6), (6, 7)), ((1, 4), (3, 4)), ((4, 6), (0, 1))]
    assert seeds_of(output, nowhere).of(1)[0] == ((5, 6), (6, 7))


def test_what_does_not_reach_the_window_has_no_seed(output: Tensor) -> None:
    net = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1)).double().eval()
    graph = structure(net, net, torch.rand(1, 6, 7, dtype=torch.float64))
    seeds = seeds_of(output, 1)
    boxes, values = seeds.behind([0, 2], Reach(graph, ((0, 6), (0, 7))))
    assert boxes.values[-1] == ((0, 3), (0, 4))
    assert (values.sum((0, 2, 3)) == torch.tensor([0.0, 2.0, 0.0], dtype=torch.float64)).all()
    boxes, values = seeds.behind([0, 2], Reach(graph, ((3, 6), (0, 7))))  # of (2, 3) only its lower neighbours matter
    assert boxes.values[-1] == ((2, 3), (0, 4))
    assert torch.equal(values[:, 1, 0], torch.tensor([[0, 0, 0, 0], [0, 0, 0, 1]], dtype=torch.float64))
    boxes, values = seeds.behind([0], Reach(graph, ((3, 6), (0, 7))))
    assert boxes.values[-1] == NOTHING
    assert values.shape == (1, 3, 0, 0)
