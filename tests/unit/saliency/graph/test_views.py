"""Views of maps, against PyTorch's own reshaping and permuting of a tensor whose numbers say where they stand."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from segdepth.saliency.graph.views import (
    CHANNELS,
    COLUMNS,
    ROWS,
    Atom,
    View,
    element_numbers,
    is_run,
    numbers,
)

SHAPE = (6, 4, 8)


def numbered(shape: tuple[int, int, int] = SHAPE) -> Tensor:
    """A map whose values are the numbers of their places."""
    return torch.arange(math.prod(shape)).view(shape)


def agrees(view: View, tensor: Tensor, shape: tuple[int, int, int] = SHAPE) -> None:
    """A view shows the tensor, and takes what stands as the tensor's back to where it stands in the map."""
    assert view.sizes == tuple(tensor.shape)
    assert torch.equal(view.from_map(numbered(shape)), tensor)
    assert torch.equal(view.to_map(tensor), numbered(shape))


def split_somewhere(sizes: list[int], dice: np.random.Generator) -> list[int]:
    """Other sizes of the same elements: an axis in two, or two neighbours in one."""
    if len(sizes) > 1 and dice.random() < 0.4:
        k = int(dice.integers(len(sizes) - 1))
        return [*sizes[:k], sizes[k] * sizes[k + 1], *sizes[k + 2 :]]
    k = int(dice.integers(len(sizes)))
    inner = int(dice.choice([d for d in range(1, sizes[k] + 1) if sizes[k] % d == 0]))
    return [*sizes[:k], sizes[k] // inner, inner, *sizes[k + 1 :]]


@pytest.mark.parametrize("seed", range(20))
def test_reshaping_and_permuting_are_pytorch_s(seed: int) -> None:
    dice = np.random.default_rng(seed)
    view, tensor = View.of_map(0, SHAPE), numbered()[None]
    for _ in range(12):
        if dice.random() < 0.5:
            order = dice.permutation(tensor.ndim).tolist()
            view, tensor = view.permuted(order), tensor.permute(order)
        else:
            sizes = split_somewhere(list(tensor.shape), dice)
            found = view.reshaped(sizes)
            if found is not None:
                view, tensor = found, tensor.reshape(sizes)
        agrees(view, tensor)


def test_axes_that_stand_in_the_way_are_cut_evenly_or_not_at_all() -> None:
    view = View.of_map(0, (6, 4, 1)).permuted([0, 2, 1, 3])  # rows, then channels
    assert view.reshaped([24]) is not None
    assert view.reshaped([2, 12]) is not None
    assert view.reshaped([3, 8]) is None  # four rows are no three pieces
    assert view.reshaped([25]) is None
    assert view.reshaped([12]) is None


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [((1, 5, 2, 3), (5, 2, 3)), ((7, 5), (5, 7, 1)), ((2, 7, 5), (5, 14, 1)), ((5,), (5, 1, 1)), ((), (1, 1, 1))],
)
def test_any_tensor_is_a_map_of_its_own(sizes: tuple[int, ...], shape: tuple[int, int, int]) -> None:
    view, found = View.of_tensor(3, sizes)
    assert (view.values, found, view.sizes) == ((3,), shape, sizes)
    tensor = torch.arange(math.prod(sizes)).reshape(sizes)
    assert torch.equal(view.from_map(view.to_map(tensor)), tensor)
    if len(sizes) == 3:  # tokens: one channel of the map is one of the last axis
        assert torch.equal(view.to_map(tensor), tensor.reshape(-1, sizes[-1]).T[..., None])


def test_tokens_that_run_over_the_same_positions_are_a_map_of_these() -> None:
    tokens = View.of_map(0, SHAPE).reshaped([1, 6, 32])
    assert tokens is not None
    tokens = tokens.permuted([0, 2, 1])  # [1, positions, channels]
    found = tokens.of_positions(5, (1, 32, 10), SHAPE)
    assert found is not None
    view, shape = found
    assert (view.values, shape) == ((5,), (10, 4, 8))
    wide = torch.arange(320).view(1, 32, 10)
    assert torch.equal(view.to_map(wide), wide[0].T.reshape(10, 4, 8))
    assert tokens.of_positions(5, (1, 16, 10), SHAPE) is None
    assert tokens.of_positions(5, (32, 10), SHAPE) is None
    only_channels = View((0,), ((Atom(CHANNELS, 1, 6),),))
    assert only_channels.of_positions(5, (6,), SHAPE) is None


def test_leading_axes_stay_where_they_are() -> None:
    view = View.of_map(0, SHAPE).permuted([0, 2, 3, 1])
    several = torch.randn(3, 5, *SHAPE)
    shown = view.from_map(several, 2)
    assert torch.equal(shown, several[:, :, None].permute(0, 1, 2, 4, 5, 3))
    assert torch.equal(view.to_map(shown, 2), several)


def test_elements_of_a_shuffled_map_are_numbered_by_the_other() -> None:
    view = View.of_map(0, SHAPE).reshaped([1, 2, 3, 2, 2, 8])
    assert view is not None
    view = view.permuted([0, 2, 1, 4, 3, 5]).reshaped([1, 6, 4, 8])
    assert view is not None
    groups = view.groups()
    assert groups is not None
    tensor = numbered().view(1, 2, 3, 2, 2, 8).permute(0, 2, 1, 4, 3, 5).reshape(SHAPE)
    assert torch.equal(element_numbers(groups, SHAPE), tensor)
    assert View.of_map(0, SHAPE).permuted([1, 0, 2, 3]).groups() is None
    assert View((0,), ((), (Atom(CHANNELS, 1, 6),))).groups() is None


def test_pieces_of_two_views_are_paired_where_both_are_cut() -> None:
    mine = View.of_map(0, (12, 1, 1)).reshaped([12])
    theirs = View((1,), ((Atom(ROWS, 1, 3), Atom(COLUMNS, 1, 4)),))
    assert mine is not None
    pairs = mine.split_like(theirs)
    assert pairs == [(Atom(CHANNELS, 4, 3), Atom(ROWS, 1, 3)), (Atom(CHANNELS, 1, 4), Atom(COLUMNS, 1, 4))]
    uneven = View((1,), ((Atom(ROWS, 1, 4), Atom(COLUMNS, 1, 3)),))
    assert theirs.split_like(uneven) is None


def test_one_axis_may_run_over_another_map() -> None:
    view = View.of_map(0, SHAPE).replaced(1, 7, CHANNELS, 3, stride=2)
    assert (view.values, view.sizes) == ((7,), (1, 3, 4, 8))
    assert view.axes[1] == (Atom(CHANNELS, 2, 3),)
    assert View.of_map(0, SHAPE).replaced(1, 7, CHANNELS, 1).axes[1] == ()


def test_runs_and_new_numbers() -> None:
    pieces = (Atom(ROWS, 4, 2), Atom(ROWS, 1, 4))
    assert is_run(pieces, ROWS, 8)
    assert not is_run(pieces[::-1], ROWS, 8)
    assert not is_run(pieces, COLUMNS, 8)
    assert not is_run(pieces, ROWS, 9)
    assert is_run((), ROWS, 1)
    groups = ((Atom(ROWS, 1, 3), Atom(CHANNELS, 1, 2)), (Atom(CHANNELS, 2, 5),), ())
    assert numbers(groups) == {
        Atom(ROWS, 1, 3): Atom(CHANNELS, 2, 3),
        Atom(CHANNELS, 1, 2): Atom(CHANNELS, 1, 2),
        Atom(CHANNELS, 2, 5): Atom(ROWS, 1, 5),
    }
