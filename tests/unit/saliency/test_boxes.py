"""How far gradients reach, against where autograd's gradients are not zero."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency.apart import structure
from segdepth.saliency.boxes import NOTHING, Boxes, Reach, box_size
from segdepth.saliency.graph import Box, Graph

HEIGHT, WIDTH = 17, 22
WHOLE = ((0, HEIGHT), (0, WIDTH))


class Fork(nn.Module):
    """Strides, dilation, a tall and a wide branch, and a resize; positive weights, so that nothing cancels out."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3, stride=2, padding=1)
        self.tall = nn.Conv2d(2, 2, (3, 1), padding=(2, 0), dilation=(2, 1))
        self.wide = nn.Conv2d(2, 2, (1, 5), padding=(0, 2))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, 0.5, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return F.interpolate(self.tall(x) + self.wide(x), (HEIGHT, WIDTH), mode="bilinear", align_corners=False)


@pytest.fixture(scope="module")
def net() -> Fork:
    torch.manual_seed(0)
    return Fork().double().eval()


@pytest.fixture(scope="module")
def graph(net: Fork) -> Graph:
    return structure(net, net, torch.rand(1, HEIGHT, WIDTH, dtype=torch.float64))


def touched(net: nn.Module, target: Box, window: Box = WHOLE) -> Box:
    """Where in a window the picture's gradient of a box of the answer is not zero."""
    x = torch.rand(1, 1, HEIGHT, WIDTH, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x)[0, :, slice(*target[0]), slice(*target[1])].sum(), x)
    (top, bottom), (left, right) = window
    inside = gradient[0, 0, top:bottom, left:right].ne(0)
    rows, columns = (inside.any(axis).nonzero().flatten().tolist() for axis in (1, 0))
    return (top + rows[0], top + rows[-1] + 1), (left + columns[0], left + columns[-1] + 1)


@pytest.mark.parametrize(
    "target", [((0, 1), (0, 1)), ((8, 9), (11, 12)), ((16, 17), (21, 22)), ((3, 9), (5, 7)), WHOLE]
)
def test_boxes_are_those_of_autograd(net: Fork, graph: Graph, target: Box) -> None:
    boxes = Reach(graph, WHOLE).back(target)
    assert boxes.values[-1] == target
    assert boxes.values[0] == touched(net, target)


def contributed(graph: Graph, boxes: Boxes, value: int) -> set[tuple[int, int]]:
    """Positions of a value to which any of its readers contributes."""
    found = set()
    for node, parts in zip(graph.nodes, boxes.parts, strict=True):
        for read, ((top, bottom), (left, right)) in zip(node.inputs, parts, strict=False):
            if read == value:
                found |= {(r, c) for r in range(top, bottom) for c in range(left, right)}
    return found


def test_a_value_s_box_holds_what_each_of_its_readers_contributes(graph: Graph) -> None:
    boxes = Reach(graph, WHOLE).back(((8, 9), (11, 12)))
    for value, ((top, bottom), (left, right)) in enumerate(boxes.values[:-1]):
        rows, columns = zip(*contributed(graph, boxes, value), strict=True)
        assert (min(rows), max(rows) + 1, min(columns), max(columns) + 1) == (top, bottom, left, right)


def test_nothing_outside_the_window_matters(net: Fork, graph: Graph) -> None:
    target, window = ((8, 9), (11, 12)), ((0, 7), (10, 22))
    found, needed = Reach(graph, window).back(target).values[0], touched(net, target, window)
    for (start, stop), (first, last), (low, high) in zip(found, needed, window, strict=True):
        assert low <= start <= first < last <= stop <= high
    far = Reach(graph, ((0, 1), (0, 1))).back(((16, 17), (21, 22)))
    assert far.values == [NOTHING] * len(graph.nodes)


def test_the_cone_is_what_a_change_of_the_window_reaches(net: Fork, graph: Graph) -> None:
    window = ((0, 3), (18, 22))
    x = torch.zeros(1, 1, HEIGHT, WIDTH, dtype=torch.float64)
    change = x.clone()
    change[..., slice(*window[0]), slice(*window[1])] = 1
    with torch.no_grad():
        moved = (net(x + change) - net(x))[0, 0].ne(0)
    rows, columns = (moved.any(axis).nonzero().flatten().tolist() for axis in (1, 0))
    cone = Reach(graph, window).cone
    assert cone[0] == window
    assert cone[-1] == ((rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1))


def test_boxes_begin_at_any_value(graph: Graph) -> None:
    reach = Reach(graph, WHOLE)
    whole = reach.back(((8, 9), (11, 12)))
    last = len(graph.nodes) - 2  # before the resize
    again = reach.back(whole.values[last], last)
    assert again.values[: last + 1] == whole.values[: last + 1]
    assert again.values[last + 1] == NOTHING


@pytest.mark.parametrize(("targets", "size"), [(1, (1, 1)), (4, (5, 5)), (6, (5, 9)), (64, (17, 22))])
def test_a_tile_is_so_many_neighbours_in_the_middle(graph: Graph, targets: int, size: tuple[int, int]) -> None:
    reach = Reach(graph, WHOLE)
    box = reach.tile(targets).values[-1]
    assert box_size(box) == size
    for (start, stop), length in zip(box, (HEIGHT, WIDTH), strict=True):
        assert 0 <= start < stop <= length
        assert abs((start + stop) / 2 - length / 2) <= 1 or stop == length
    corner = Reach(graph, ((0, 4), (0, 4))).tile(1).values[-1]
    assert corner == ((2, 3), (2, 3))


def test_work_is_counted_per_value_and_grows_with_the_box(graph: Graph) -> None:
    reach = Reach(graph, WHOLE)
    one, all_of_it = (reach.works(reach.back(target)) for target in (((8, 9), (11, 12)), WHOLE))
    assert len(one) == len(all_of_it) == len(graph.nodes)
    assert 0 < sum(work.mixed for work in one) < sum(work.mixed for work in all_of_it)


def test_the_size_of_a_box() -> None:
    assert box_size(((2, 7), (3, 4))) == (5, 1)
    assert box_size(NOTHING) == (0, 0)
