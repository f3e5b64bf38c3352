"""The loops over rows of live units, one at a time, against dense arrays and PyTorch's own gradients."""

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy import ndarray

from segdepth.saliency.graph.route import Route
from segdepth.saliency.sparse import kernels
from segdepth.saliency.sparse.kernels import Rows
from segdepth.saliency.sparse.live import first_rows
from segdepth.saliency.sparse.point import point_function
from segdepth.saliency.sparse.processor import this_processor

LANES = 4
Shape = tuple[int, int, int]
Box = tuple[tuple[int, int], tuple[int, int]]

NO_FACTORS, NO_WINNERS = np.empty((0, 0)), np.empty((0, 0), np.int32)


class Value:
    """A value's gradient: dense ``[lanes, c, h, w]``, and as rows of its live units over a box.

    Args:
        shape: of the value.
        box: where its rows are.
        seed: of which units are live, and of the numbers.
        lanes: numbers in a row.
    """

    def __init__(self, shape: Shape, box: Box, seed: int, lanes: int = LANES) -> None:
        self.shape, self.box = shape, box
        dice = np.random.default_rng(seed)
        channels, height, width = shape
        self.live = dice.random(shape) < 0.6
        self.inside = np.zeros((height, width), bool)
        self.inside[slice(*box[0]), slice(*box[1])] = True
        start = np.concatenate([[0], self.live.sum(0).flatten().cumsum()]).astype(np.int64)
        listed = [np.flatnonzero(self.live[:, r, c]) for r, c in np.ndindex(height, width)]
        first = first_rows(start, width, box)
        numbers = (*box[0], *box[1], width, channels)
        self.rows = Rows(
            dice.standard_normal((int(first[-1]), lanes)),
            start,
            np.concatenate(listed).astype(np.uint16),
            first,
            numbers,
        )

    @property
    def dense(self) -> ndarray:
        """Zeros at what is dead or outside of the box."""
        found = np.zeros((self.rows.buffer.shape[1], *self.shape))
        row = 0
        for r, c in product(range(*self.box[0]), range(*self.box[1])):
            for channel in np.flatnonzero(self.live[:, r, c]):
                found[:, channel, r, c] = self.rows.buffer[row]
                row += 1
        return found

    def masked(self, dense: ndarray) -> ndarray:
        """What of a dense gradient has rows here."""
        return np.where(self.live & self.inside, dense, 0)

    @property
    def span(self) -> tuple[int, int]:
        return self.box[0]


def identity(channels: int) -> Route:
    return Route(0, (1, 0, 1), (1, 0, 1), (0, channels), 0)


ROUTES = {
    "itself": (identity(4), (4, 6, 7)),
    "a crop": (Route(0, (1, 2, 1), (1, 1, 1), (0, 4), 0), (4, 9, 9)),
    "one of a concatenation": (Route(0, (1, 0, 1), (1, 0, 1), (2, 6), 2), (7, 6, 7)),
    "every other row": (Route(0, (2, 1, 1), (3, 0, 1), (0, 4), 0), (4, 13, 20)),
    "at even places of the value": (Route(0, (1, 0, 2), (1, 1, 2), (0, 4), 0), (4, 3, 4)),
}


def routed(above: ndarray, route: Route, shape: Shape) -> ndarray:
    """The part of a dense gradient that a route reads."""
    found = np.zeros((LANES, *shape))
    for channel, r, c in np.ndindex(*shape):
        places = []
        for position, (times, offset, divisor), size in zip(
            (r, c), (route.rows, route.columns), above.shape[2:], strict=True
        ):
            scaled = position * times + offset
            places.append(scaled // divisor if scaled % divisor == 0 and 0 <= scaled // divisor < size else None)
        other = channel + route.shift
        if None not in places and route.channels[0] <= other < route.channels[1]:
            found[:, channel, r, c] = above[:, other, places[0], places[1]]
    return found


def added(before: ndarray, found: ndarray, fresh: bool) -> ndarray:
    return found if fresh else before + found


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("name", ROUTES)
def test_rows_at_matching_places_are_added(name: str, fresh: bool) -> None:
    route, size = ROUTES[name]
    out = Value((4, 6, 7), ((1, 6), (0, 5)), 0)
    above = Value(size, ((0, size[1] - 1), (1, size[2])), 1)
    before = out.dense
    kernels.add_routed(out.span, fresh, out.rows, above.rows, route.numbers(), (0, 0, 0, 0), NO_FACTORS, NO_WINNERS)
    np.testing.assert_allclose(out.dense, added(before, out.masked(routed(above.dense, route, out.shape)), fresh))


@pytest.mark.parametrize("per_unit", [True, False])
def test_rows_are_scaled_by_unit_or_by_channel(per_unit: bool) -> None:
    out, above = Value((4, 6, 7), ((0, 6), (0, 7)), 0), Value((4, 6, 7), ((0, 6), (0, 7)), 1)
    factors = np.random.default_rng(2).standard_normal((42 if per_unit else 1, 4))
    expected = above.dense * (factors.T.reshape(4, 6, 7) if per_unit else factors[0][:, None, None])
    kernels.add_routed(out.span, True, out.rows, above.rows, identity(4).numbers(), (0, 0, 0, 0), factors, NO_WINNERS)
    np.testing.assert_allclose(out.dense, out.masked(expected))


def test_threads_do_rows_of_positions_each() -> None:
    out, above = Value((4, 6, 7), ((0, 6), (0, 7)), 0), Value((4, 6, 7), ((0, 6), (0, 7)), 1)
    before, arguments = out.dense, (identity(4).numbers(), (0, 0, 0, 0), NO_FACTORS, NO_WINNERS)
    kernels.add_routed((2, 4), True, out.rows, above.rows, *arguments)
    expected = before.copy()
    expected[:, :, 2:4] = out.masked(above.dense)[:, :, 2:4]
    np.testing.assert_allclose(out.dense, expected)


#: Kernel, stride, padding, dilation, rows and columns.
FORMS = [((3, 3), (1, 1), (1, 1), (1, 1)), ((2, 3), (2, 1), (0, 2), (1, 2)), ((3, 2), (2, 3), (1, 0), (2, 1))]


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_a_convolution_that_keeps_channels_apart(form: tuple[tuple[int, int], ...], fresh: bool) -> None:
    kernel, stride, padding, dilation = form
    out = Value((3, 8, 9), ((0, 8), (1, 9)), 0)
    weight = torch.randn(3, 1, *kernel, dtype=torch.float64)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": 3}
    x = torch.zeros(1, 3, 8, 9, dtype=torch.float64, requires_grad=True)
    y = F.conv2d(x, weight, **options)
    _, _, height, width = y.shape
    above = Value((3, height, width), ((0, height), (0, width)), 1)
    before = out.dense
    expected = [
        torch.autograd.grad(y, x, torch.from_numpy(g)[None], retain_graph=True)[0][0].numpy() for g in above.dense
    ]
    kernels.add_by_taps(
        out.span, fresh, out.rows, above.rows, identity(3).numbers(), (0, height, 0, width),
        weight.flatten(1).T.contiguous().numpy(), NO_WINNERS, (*kernel, *stride, *padding, *dilation, 0), width,
    )  # fmt: skip
    np.testing.assert_allclose(out.dense, added(before, out.masked(np.stack(expected)), fresh), atol=1e-12)


@pytest.mark.parametrize(("size", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 1, 1)])
def test_only_winners_of_a_max_pooling_get_a_gradient(size: int, stride: int, padding: int) -> None:
    out = Value((3, 8, 9), ((0, 8), (0, 9)), 0)
    x = torch.randn(1, 3, 8, 9, dtype=torch.float64, requires_grad=True)
    y, places = F.max_pool2d(x, size, stride, padding, return_indices=True)
    _, _, height, width = y.shape
    above = Value((3, height, width), ((0, height), (0, width)), 1)
    expected = [
        torch.autograd.grad(y, x, torch.from_numpy(g)[None], retain_graph=True)[0][0].numpy() for g in above.dense
    ]
    winners = places[0].permute(1, 2, 0).flatten(0, 1).to(torch.int32).contiguous().numpy()
    kernels.add_by_taps(
        out.span, True, out.rows, above.rows, identity(3).numbers(), (0, height, 0, width),
        NO_FACTORS, winners, (size, size, stride, stride, padding, padding, 1, 1, 0), width,
    )  # fmt: skip
    np.testing.assert_allclose(out.dense, out.masked(np.stack(expected)))


def test_an_unpooling_takes_the_row_of_the_place_where_a_value_was_put() -> None:
    out = Value((3, 4, 5), ((0, 4), (0, 5)), 0)
    above = Value((3, 8, 10), ((0, 8), (0, 10)), 1)
    places = F.max_pool2d(torch.randn(1, 3, 8, 10, dtype=torch.float64), 2, return_indices=True)[1]
    x = torch.zeros(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    y = F.max_unpool2d(x, places, 2)
    expected = [
        torch.autograd.grad(y, x, torch.from_numpy(g)[None], retain_graph=True)[0][0].numpy() for g in above.dense
    ]
    winners = places[0].permute(1, 2, 0).flatten(0, 1).to(torch.int32).contiguous().numpy()
    kernels.add_unpooled(out.span, True, out.rows, above.rows, identity(3).numbers(), (0, 0, 0, 0), winners, 10)
    np.testing.assert_allclose(out.dense, out.masked(np.stack(expected)))


@pytest.mark.parametrize("fresh", [True, False])
def test_linear_maps_along_rows_and_columns(fresh: bool) -> None:
    out = Value((3, 5, 6), ((0, 5), (1, 6)), 0)
    above = Value((3, 8, 11), ((1, 8), (0, 10)), 1)
    before = out.dense
    matrices, spans = [], []
    for outputs, inputs in ((8, 5), (11, 6)):
        resized = F.interpolate(torch.eye(inputs, dtype=torch.float64)[None], size=outputs, mode="linear")[0].T.numpy()
        matrices.append(np.ascontiguousarray(resized))
        ends = [np.flatnonzero(column)[[0, -1]] + (0, 1) for column in resized.T]
        spans.append(np.array(ends))
    kernels.add_separable(
        out.span, fresh, out.rows, above.rows, identity(3).numbers(), (0, 8, 0, 11), NO_FACTORS, NO_WINNERS,
        matrices[0], spans[0], matrices[1], spans[1],
    )  # fmt: skip
    expected = np.einsum("nczw,zr,wq->ncrq", above.dense, *matrices)
    np.testing.assert_allclose(out.dense, added(before, out.masked(expected), fresh), atol=1e-12)


def test_a_convolution_that_mixes_channels() -> None:
    processor = this_processor()
    lanes = processor.vector_bytes // 8
    out, above = Value((5, 6, 7), ((0, 6), (0, 7)), 0, lanes), Value((4, 5, 6), ((0, 5), (0, 6)), 1, lanes)
    weight = torch.randn(4, 5, 2, 2, dtype=torch.float64)
    blocks = np.zeros((1, 4, 4, 16))  # block, tap, output, input
    blocks[0, ..., :5] = weight.permute(2, 3, 0, 1).flatten(0, 1)
    numbers = (2, 2, 1, 1, 0, 0, 1, 1, 0, 5, 4, 16)
    zeros, units = np.zeros(lanes), processor.blocking.units
    done = kernels.back_convolution(
        out.span, out.rows, above.rows, identity(4).numbers(), point_function(processor, 8, 1), units, 4, kernels.FRESH,
        (0, 5, 0, 6), blocks.reshape(1, -1), numbers, above.rows, identity(4).numbers(), zeros.ctypes.data,
        kernels.scratch(numbers, units),
    )  # fmt: skip
    expected = F.conv_transpose2d(torch.from_numpy(above.dense), weight).numpy()
    np.testing.assert_allclose(out.dense, out.masked(expected), atol=1e-12)
    live = F.conv_transpose2d(torch.from_numpy(above.live[None] * 1.0), torch.ones(4, 5, 2, 2, dtype=torch.float64))
    assert done == (live[0].numpy() * out.live).sum()  # one multiply-add for each pair of live units
