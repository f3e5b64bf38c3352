"""Neighbouring targets share the backward passes of coarse cells: counted, and as exact as one pass each."""

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency import Explainer, batched
from segdepth.saliency.batched import CoarsePass, Recorded
from segdepth.saliency.engines import Prepared
from segdepth.saliency.seeds import Seeds
from segdepth.saliency.tail import group_by_cells
from segdepth.saliency.target import fixed_targets
from segdepth.saliency.windowed import WindowedPass

HEIGHT, WIDTH = 24, 40
GRID = [(r, c) for r in range(0, HEIGHT, 2) for c in range(0, WIDTH, 2)]


def up(x: Tensor) -> Tensor:
    return F.interpolate(x, (HEIGHT, WIDTH), mode="bilinear", align_corners=False)


class Net(nn.Module):
    """A convolution of stride 8, something in the middle, a head, something at the end; three classes."""

    def __init__(self, middle: Callable[[Tensor], Tensor], end: Callable[[Tensor], Tensor] = up) -> None:
        super().__init__()
        self.encoder, self.head = nn.Conv2d(3, 6, 8, stride=8), nn.Conv2d(6, 3, 1)
        self.middle, self.end = Calls(middle), end

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.head(self.middle(self.encoder(x))))


class Calls(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Clips(torch.autograd.Function):
    """A gradient that no target shares with another."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: object, *given: Tensor) -> Tensor:
        return given[0] / given[0].norm().clamp(min=0.01)


class Passes(torch.autograd.Function):
    """Linear, as it happens; nobody can know that."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: object, *given: Tensor) -> Tensor:
        return given[0] * 3


def attention(x: Tensor) -> Tensor:
    q = x.flatten(2).transpose(1, 2)[:, None]
    found = F.scaled_dot_product_attention(q, q.sin(), q.cos())
    return found[:, 0].transpose(1, 2).unflatten(2, x.shape[2:])


def by_values(x: Tensor) -> Tensor:
    return attention(x.tanh() if x.mean() < 9 else x)


def clipped_by_a_hook(x: Tensor) -> Tensor:
    y = by_values(x)
    if y.requires_grad:
        y.register_hook(lambda g: g / g.norm().clamp(min=0.01))
    return y


@pytest.fixture
def image() -> Tensor:
    return torch.randn(3, HEIGHT, WIDTH, dtype=torch.float64)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many targets or cells went through each backward pass."""
    counted: list[int] = []

    def count(owner: type, name: str) -> None:
        original = getattr(owner, name)

        def counting(self: object, seeds: Tensor, *rest: object) -> Tensor:
            counted.append(len(seeds))
            return original(self, seeds, *rest)  # type: ignore[no-any-return]

        monkeypatch.setattr(owner, name, counting)

    count(Recorded, "products")
    count(WindowedPass, "gradients")
    return counted


def rows_of(net: nn.Module, image: Tensor, pixels: list[tuple[int, int]]) -> Tensor:
    """By autograd, one pass each."""
    x = image[None].clone().requires_grad_()
    y = net(x)
    values = [y[0, y[0, :, r, c].argmax(), r, c] for r, c in pixels]
    return torch.stack([torch.autograd.grad(value, x, retain_graph=True)[0][0] for value in values])


def explained(
    net: nn.Module,
    image: Tensor,
    engine: str,
    passes: list[int],
    pixels: list[tuple[int, int]] = GRID,
    **options: object,
) -> Prepared:
    """Explain pixels, compare them with autograd, and leave in ``passes`` what that took."""
    net = net.double().eval()
    at = Explainer(net, engine=engine).at(image, **options)  # type: ignore[arg-type]
    at.jacobian(pixels)  # gets all that is needed ready
    passes.clear()
    found = at.jacobian(pixels)
    rows, columns = options.get("crop", (slice(None), slice(None)))  # type: ignore[misc]
    expected = rows_of(net, image, pixels)[..., rows, columns]
    difference = (found - expected).abs().flatten(1).amax(1)
    assert (difference <= 1e-12 * expected.abs().flatten(1).amax(1)).all()
    return at._prepared[""]


def unique_cells(at: Prepared, pixels: list[tuple[int, int]] = GRID) -> int:
    cells = at.traced.tail.cells(
        Seeds(at.output, pixels, fixed_targets(at.output, pixels, "predicted")), at.traced.reach
    )
    assert cells is not None
    return len(np.unique(cells.cells))


ENDS: dict[str, Callable[[Tensor], Tensor]] = {
    "a resize": up,
    "a resize, in channels-last memory": lambda x: up(x.to(memory_format=torch.channels_last)),
    "a resize and a function of single numbers": lambda x: up(x).sigmoid() * 3,
    "two resizes": lambda x: up(F.interpolate(x, scale_factor=2, mode="nearest")),
    "a resize and a border": lambda x: F.pad(up(x)[..., 2:-2], (2, 2, 0, 0), mode="replicate"),
    "tokens": lambda x: up(x.flatten(2).transpose(1, 2).tanh().transpose(1, 2).unflatten(2, x.shape[2:])),
}


@pytest.mark.parametrize("engine", ["batched", "windowed"])
@pytest.mark.parametrize("end", ENDS)
def test_one_pass_for_each_cell(image: Tensor, passes: list[int], engine: str, end: str) -> None:
    at = explained(Net(attention, ENDS[end]), image, engine, passes)
    shared = sum(passes)
    passes.clear()
    assert shared == unique_cells(at) < len(GRID)


@pytest.mark.parametrize("engine", ["batched", "windowed"])
def test_in_a_crop(image: Tensor, passes: list[int], engine: str) -> None:
    explained(Net(torch.tanh), image, engine, passes, crop=(slice(3, 14), slice(5, 30)))
    assert 0 < sum(passes) < len(GRID)


@pytest.mark.parametrize("engine", ["batched", "windowed"])
def test_behind_what_is_called_as_it_is(image: Tensor, passes: list[int], engine: str) -> None:
    """PyTorch's own derivatives are linear, whatever the forward pass decides by."""
    at = explained(Net(by_values), image, engine, passes)
    assert [block.custom for block in at.traced.graph.blocks] == [True]
    assert sum(passes) == unique_cells(at)


@pytest.mark.parametrize("engine", ["batched", "windowed"])
@pytest.mark.parametrize("middle", [Clips.apply, Passes.apply, clipped_by_a_hook])
def test_not_what_may_be_other_than_linear(
    image: Tensor, passes: list[int], engine: str, middle: Callable[[Tensor], Tensor]
) -> None:
    explained(Net(middle), image, engine, passes)
    assert sum(passes) == len(GRID)


def test_not_where_the_network_cannot_be_taken_apart(image: Tensor, passes: list[int]) -> None:
    class Decides(Net):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x if x.mean() < 9 else -x)

    explained(Decides(torch.tanh), image, "batched", passes)
    assert sum(passes) == len(GRID)


def test_not_where_nothing_is_resized(image: Tensor, passes: list[int]) -> None:
    at = explained(Net(torch.tanh, lambda x: up(x)[:, [2, 1, 0]].cumsum(2)), image, "batched", passes)
    assert sum(passes) == len(GRID)
    assert at.traced.tail.resizes is False


def test_few_targets_are_not_worth_taking_the_network_apart(
    image: Tensor, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = GRID[: batched.MANY - 1]
    monkeypatch.setattr("segdepth.saliency.graphs.take_apart", None)
    explained(Net(torch.tanh), image, "batched", passes, few)
    assert sum(passes) == len(few)


def test_no_pass_from_another_value(image: Tensor) -> None:
    """The value before the tail is recognised by its gradient; a value of the same form before it is another one."""
    net = Net(torch.tanh, lambda x: up(x.sin())).double().eval()
    at = Explainer(net, engine="batched").at(image)._prepared[""]
    at.engine("batched")
    found = at.recorded.before(at.traced.tail, at.traced.reach)
    assert isinstance(found, CoarsePass)
    at.recorded.last_values[:] = at.recorded.last_values[2:]
    assert at.recorded.before(at.traced.tail, at.traced.reach) is None


def test_the_history_is_gone_with_the_picture(image: Tensor) -> None:
    at = Explainer(Net(torch.tanh).double(), engine="batched").at(image)
    at.maps(GRID)
    history = weakref.ref(at._prepared[""].recorded)
    gc.collect()
    gc.disable()
    try:
        del at
        assert history() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("engine", ["windowed", "batched"])
def test_few_cells_of_several_groups_are_computed_twice(
    image: Tensor, passes: list[int], engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segdepth.saliency.windowed.HELD_CELLS", 18)
    monkeypatch.setattr(batched, "LARGEST", 1)
    monkeypatch.setattr("segdepth.saliency.windowed.LARGEST", 1)
    at = explained(Net(torch.relu), image, engine, passes)
    cells = at.traced.tail.cells(Seeds(at.output, GRID, fixed_targets(at.output, GRID, "predicted")), at.traced.reach)
    assert cells is not None
    groups = list(group_by_cells(cells, GRID, 12))
    assert len(groups) > 2
    assert unique_cells(at) <= sum(passes) < sum(len(cells.of(group)) for group in groups)
