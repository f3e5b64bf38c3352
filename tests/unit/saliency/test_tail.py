"""Targets as weighted sums of coarse cells, against dense matrices and PyTorch's own resizing."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy import ndarray
from torch import Tensor, nn

from segdepth.saliency.apart import take_apart
from segdepth.saliency.boxes import Reach
from segdepth.saliency.seeds import Seeds
from segdepth.saliency.tail import (
    CellSeeds,
    Held,
    Tail,
    chosen,
    combine,
    group_by_cells,
    identity_seeds,
    still_needed,
)

SHAPE = (2, 3, 4)
HEIGHT, WIDTH = 12, 16


def sparse(dense: ndarray) -> CellSeeds:
    """The same matrix of targets by cells."""
    target, cell = dense.nonzero()
    starts = np.searchsorted(target, np.arange(len(dense) + 1))
    return CellSeeds(starts, cell, dense[target, cell], SHAPE)


@pytest.fixture
def dense() -> ndarray:
    dice = np.random.default_rng(0)
    return dice.standard_normal((7, 24)) * (dice.random((7, 24)) < 0.25)


def test_rows_are_those_of_the_dense_matrix(dense: ndarray) -> None:
    seeds = sparse(dense)
    for targets in ([0], [2, 5], [6, 1, 3]):
        needed = np.flatnonzero(dense[targets].any(0))
        np.testing.assert_array_equal(seeds.of(targets), needed)
        np.testing.assert_array_equal(seeds.matrix(targets, needed), dense[targets][:, needed])
    order = np.random.default_rng(1).permutation(24)[:15]  # any cells in any order
    np.testing.assert_array_equal(seeds.matrix(list(range(7)), order), dense[:, order])


def test_cells_have_places(dense: ndarray) -> None:
    cells = np.arange(24)
    numbers = np.stack(np.unravel_index(cells, SHAPE))[1:].T
    np.testing.assert_array_equal(sparse(dense).places(cells), numbers)


def test_the_last_use_of_a_cell(dense: ndarray) -> None:
    groups = [[3, 0], [1, 2], [6, 4, 5]]
    cells = np.flatnonzero(dense.any(0))
    expected = [max(k for k, group in enumerate(groups) if dense[group, cell].any()) for cell in cells]
    np.testing.assert_array_equal(sparse(dense).last_uses(groups)(cells), expected)


@pytest.mark.parametrize("largest", [1, 5, 9, 24])
def test_groups_need_few_cells_and_hold_every_target_once(dense: ndarray, largest: int) -> None:
    seeds, pixels = sparse(dense), [(k // 3, 4 * (k % 3)) for k in range(7)]
    groups = list(group_by_cells(seeds, pixels, largest))
    assert sorted(index for group in groups for index in group) == list(range(7))
    assert all(len(seeds.of(group)) <= largest or len(group) == 1 for group in groups)
    assert len(groups) == 1 or largest < 24


def test_seeds_of_single_cells_are_1_there_and_0_elsewhere() -> None:
    cells = np.array([5, 18, 7])
    (rows, columns), seeds = identity_seeds(SHAPE, cells, torch.empty(0, dtype=torch.float64))
    assert (rows, columns) == ((1, 2), (1, 4))  # 5 = (0, 1, 1), 18 = (1, 1, 2), 7 = (0, 1, 3)
    whole = torch.zeros(3, *SHAPE, dtype=torch.float64)
    whole[:, :, slice(*rows), slice(*columns)] = seeds
    np.testing.assert_array_equal(whole.flatten(1), np.eye(24)[cells])


def held(cells: list[int], box: tuple[tuple[int, int], tuple[int, int]], *, innermost: bool = False) -> Held:
    """Gradients of some cells, which say whose they are; perhaps with the cells innermost in memory."""
    size = (box[0][1] - box[0][0], box[1][1] - box[1][0])
    gradients = torch.tensor(cells, dtype=torch.float64).view(-1, 1, 1, 1).expand(-1, 2, *size) + 1
    if innermost:
        return Held(np.array(cells), box, gradients.permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1))
    return Held(np.array(cells), box, gradients.contiguous())


@pytest.mark.parametrize("innermost", [False, True])
def test_cells_of_several_passes_come_over_one_box(innermost: bool) -> None:
    first, second = ((1, 3), (0, 4)), ((2, 6), (3, 5))
    passes = [held([4, 9, 2], first, innermost=innermost), held([7, 1], second, innermost=innermost)]
    found = chosen(passes, np.array([1, 2, 4, 9, 23]))
    assert found is not None
    assert found.cells.tolist() == [4, 9, 2, 1]
    assert found.box == ((1, 6), (0, 5))
    expected = torch.zeros(4, 2, 5, 5, dtype=torch.float64)
    for one, value in zip(expected[:3], (5, 10, 3), strict=True):
        one[:, 0:2, 0:4] = value
    expected[3, :, 1:5, 3:5] = 2
    assert torch.equal(found.gradients, expected)
    assert (found.gradients.stride(0) == 1) == innermost
    assert chosen(passes, np.array([23])) is None
    nothing = Held(np.array([3]), ((0, 0), (0, 0)), torch.zeros(1, 2, 0, 0, dtype=torch.float64))
    assert chosen([nothing], np.array([3])) is None


def test_the_latest_of_what_is_needed_later_is_kept() -> None:
    box = ((0, 1), (0, 1))
    passes = [held([1, 2, 3], box), held([4, 5], box), held([6], box)]
    kept = still_needed(passes, lambda cells: np.isin(cells, [1, 2, 3, 5, 6]), most=4)
    assert [one.cells.tolist() for one in kept] == [[1, 2], [5], [6]]
    assert [one.gradients[:, 0, 0, 0].tolist() for one in kept] == [[2, 3], [6], [7]]
    assert still_needed(passes, lambda cells: np.zeros(len(cells), bool), most=4) == []
    (whole,) = still_needed(passes[:1], lambda cells: np.ones(len(cells), bool), most=4)
    assert whole.gradients is passes[0].gradients  # no copy


@pytest.mark.parametrize("innermost", [False, True])
def test_sums_of_gradients_are_products_with_the_matrix(innermost: bool) -> None:
    matrix = np.random.default_rng(0).standard_normal((5, 3))
    gradients = torch.randn(3, 2, 4, 6, dtype=torch.float64)
    if innermost:
        gradients = gradients.permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1)
    found = combine(matrix, gradients)
    torch.testing.assert_close(found, torch.einsum("tn,nchw->tchw", torch.from_numpy(matrix), gradients))
    assert (found.stride(0) == 1) == innermost


def test_what_is_no_number_stays_with_the_targets_that_depend_on_it() -> None:
    matrix = np.array([[1.0, 0.0], [0.0, 2.0]])
    gradients = torch.ones(2, 1, 1, 2, dtype=torch.float64)
    gradients[0, 0, 0, 0] = torch.inf
    found = combine(matrix, gradients)
    assert found[0].flatten().tolist() == [torch.inf, 1.0]
    assert found[1].flatten().tolist() == [2.0, 2.0]


class Coarse(nn.Module):
    """Answers a map of a quarter, enlarged."""

    def __init__(self, resize: str) -> None:
        super().__init__()
        self.head, self.resize = nn.Conv2d(3, 2, 4, stride=4), resize

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(self.head(x), x.shape[-2:], mode=self.resize)


@pytest.mark.parametrize("resize", ["bilinear", "nearest"])
def test_cells_are_the_weights_of_the_resize(resize: str) -> None:
    net = Coarse(resize).double().eval()
    image = torch.rand(3, HEIGHT, WIDTH, dtype=torch.float64)
    graph = take_apart(net, net, image)
    output, state = graph.forward(image)
    tail = Tail(graph, state)
    assert tail.resizes
    assert graph.nodes[tail.last].shape == SHAPE
    pixels = [(r, c) for r in range(HEIGHT) for c in range(WIDTH)]
    cells = tail.cells(Seeds(output, pixels, [1] * len(pixels)), Reach(graph, ((0, HEIGHT), (0, WIDTH))))
    assert cells is not None
    coarse = torch.eye(24, dtype=torch.float64).view(24, *SHAPE)
    enlarged = F.interpolate(coarse, (HEIGHT, WIDTH), mode=resize)[:, 1].flatten(1)
    np.testing.assert_allclose(cells.matrix(list(range(len(pixels))), np.arange(24)), enlarged.T, atol=1e-12)


def test_few_targets_share_no_cells_and_functions_none_at_all() -> None:
    net = Coarse("bilinear").double().eval()
    image = torch.rand(3, HEIGHT, WIDTH, dtype=torch.float64)
    graph = take_apart(net, net, image)
    output, state = graph.forward(image)
    tail, reach = Tail(graph, state), Reach(graph, ((0, HEIGHT), (0, WIDTH)))
    assert tail.cells(Seeds(output, [(5, 5)], [0]), reach) is None
    pixels = [(r, c) for r in range(HEIGHT) for c in range(WIDTH)]
    function = lambda out, pixel: out[0, 0, pixel[0], pixel[1]]  # noqa: E731
    assert tail.cells(Seeds(output, pixels, [function] * len(pixels)), reach) is None


def test_without_a_resize_there_is_nothing_to_share() -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.ReLU()).double().eval()
    image = torch.rand(3, HEIGHT, WIDTH, dtype=torch.float64)
    graph = take_apart(net, net, image)
    assert not Tail(graph, graph.forward(image)[1]).resizes
