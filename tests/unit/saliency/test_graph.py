"""Tracing, lowering, boxes and the passes of every engine, on networks drawn by chance from every kind of operation."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segdepth.saliency import Margin, UnsupportedOperationError, saliency_maps
from segdepth.saliency.batched import BatchedEngine
from segdepth.saliency.engines import ENGINES, Prepared
from segdepth.saliency.graphs import Function
from segdepth.saliency.sparse.passes import _Buffers
from segdepth.saliency.target import fixed_targets
from segdepth.saliency.windowed import GraphEngine

from ...oracles.random_networks import RandomNetwork, RandomWeb

FAST = [engine for engine in ENGINES if engine != "reference"]

#: The one operation of these networks that the sparse engine leaves to the windowed one.
SHUFFLE = "a reordering of channels (shuffle)"


def errors(seed: int, kind: type[RandomNetwork | RandomWeb] = RandomNetwork) -> Iterator[tuple[str, float]]:
    """Each engine's largest error at one random network, picture, window, target and chunk size, relative to the peak."""
    draw = np.random.default_rng(seed)
    net = kind(seed, int(draw.integers(1, 7 if kind is RandomNetwork else 16))).double().eval()
    height, width = (int(n) for n in draw.integers(12, 34, 2))
    image = torch.randn(net.inputs, height, width, dtype=torch.float64)
    places = draw.integers(0, (height, width), (int(draw.choice([1, 3, 9, 40, 150])), 2))
    pixels = [(0, 0), (height - 1, width - 1), *((int(r), int(c)) for r, c in places)]
    top, left = int(draw.integers(0, height - 2)), int(draw.integers(0, width - 2))
    window = (top, int(draw.integers(top + 1, height + 1))), (left, int(draw.integers(left + 1, width + 1)))
    if draw.integers(2):
        window = (0, height), (0, width)
    target = ("predicted", 1, Margin(0, 2))[int(draw.integers(3))]
    size = window[0][1] - window[0][0], window[1][1] - window[1][0]
    expected: Tensor | None = None
    for name in ["reference", *FAST]:
        try:
            explainer = ENGINES[name](Prepared(Function(net, net), image, window))
        except UnsupportedOperationError as error:
            if (name, error.operation) != ("sparse", SHUFFLE):
                raise
            continue
        if isinstance(explainer, BatchedEngine):
            explainer.chunk = int(draw.choice([1, 2, 7, 64]))
        if isinstance(explainer, GraphEngine):
            explainer.backward.lanes = int(draw.choice([1, 3, 8, explainer.backward.lanes]))
        found = torch.zeros(len(pixels), net.inputs, *size, dtype=torch.float64)
        targets = fixed_targets(explainer.output, pixels, target)
        for indices, (rows, columns), gradients in explainer.gradients(pixels, targets):
            inside = found[
                :,
                :,
                rows[0] - window[0][0] : rows[1] - window[0][0],
                columns[0] - window[1][0] : columns[1] - window[1][0],
            ]
            inside[indices] += gradients
        if expected is None:
            expected = found
        else:
            yield name, ((found - expected).abs().max() / (1e-6 + expected.abs().max())).item()


@pytest.mark.parametrize("seed", range(0, 8, 4))
def test_random_networks_agree_with_autograd(seed: int) -> None:
    for each in range(seed, seed + 4):
        for engine, error in errors(each):
            assert error <= 1e-12, (engine, each, str(RandomNetwork(each)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10_000, 10_400, 50))
def test_many_random_networks_agree_with_autograd(seed: int) -> None:
    for each in range(seed, seed + 50):
        for engine, error in errors(each):
            assert error <= 1e-12, (engine, each, str(RandomNetwork(each)))


@pytest.mark.parametrize("seed", range(0, 8, 4))
def test_random_webs_agree_with_autograd(seed: int) -> None:
    for each in range(seed, seed + 4):
        for engine, error in errors(each, RandomWeb):
            assert error <= 1e-12, (engine, each, str(RandomWeb(each)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10_000, 10_400, 50))
def test_many_random_webs_agree_with_autograd(seed: int) -> None:
    for each in range(seed, seed + 50):
        for engine, error in errors(each, RandomWeb):
            assert error <= 1e-12, (engine, each, str(RandomWeb(each)))


def test_maps_of_random_networks_are_the_reference_engine_s() -> None:
    """The same through the call, in a crop."""
    for seed in range(3):
        net = RandomNetwork(seed).double()
        image = torch.randn(net.inputs, 21, 26, dtype=torch.float64)
        options = {"crop": (slice(3, 19), slice(2, 26)), "target": 1}
        pixels = [(0, 0), (10, 12), (20, 25)]
        expected = saliency_maps(net, image, pixels, engine="reference", **options)
        for engine in FAST:
            found = saliency_maps(net, image, pixels, engine=engine, **options)
            torch.testing.assert_close(
                found, expected, rtol=1e-10, atol=1e-12 * (1 + expected.max().item()), msg=engine
            )


def test_the_fuzzer_can_fail() -> None:
    """A wrong gradient would be seen: one weight changed behind an engine's back."""
    net = nn.Conv2d(1, 2, 3, padding=1).double()
    image = torch.randn(1, 9, 9, dtype=torch.float64)
    window = (0, 9), (0, 9)
    right, wrong = (ENGINES[name](Prepared(Function(net, net), image, window)) for name in ("reference", "windowed"))
    assert isinstance(wrong, GraphEngine)
    list(wrong.gradients([(4, 4)], [0]))
    (weight,) = wrong.backward.graph._prepared.values()  # type: ignore[attr-defined]
    weight *= 1 + 1e-9
    (a,), (b,) = (list(e.gradients([(4, 4)], [0])) for e in (right, wrong))
    rows, columns = (slice(*span) for span in b.box)
    assert (a.gradients[..., rows, columns] - b.gradients).abs().max() > 1e-12


@pytest.mark.parametrize("engine", FAST)
def test_maps_side_by_side_and_crops_that_are_padded_again(engine: str) -> None:
    """What stands beyond a crop's border must not be taken for its own: rows of one map beside another's, and steps."""

    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.first(x)
            rows = torch.cat([y[..., :6, :], y.flip(2)[..., 6:, :]], 2)
            padded = F.pad(y[..., 3:, :8], (0, 4, 3, 0)) + rows.tanh()
            half = y[..., ::2, ::2]
            spread = F.pixel_shuffle(torch.stack([half, half * 2, half.tanh(), half], 2).flatten(1, 2), 2)
            return self.last(padded + spread)

    net = Joined().double()
    image = torch.randn(1, 12, 12, dtype=torch.float64)
    pixels = [(r, c) for r in range(12) for c in range(12)]
    expected = saliency_maps(net, image, pixels, engine="reference", target=1)
    torch.testing.assert_close(saliency_maps(net, image, pixels, engine=engine, target=1), expected)  # type: ignore[call-overload]


def test_memory_that_waits_is_bounded() -> None:
    """Layers need other sizes; what waits and fits none of them is given away."""
    buffers = _Buffers(np.dtype(np.float32))
    most = 0
    for rows in (*range(1000, 60_000, 1000), *range(60_000, 0, -1000)):
        both = buffers.take(rows, 16), buffers.take(rows // 10 + 1, 16)
        most = max(most, sum(taken.base.nbytes for taken in both))
        assert sum(taken.base.nbytes for taken in both) + sum(flat.nbytes for flat in buffers._free) <= most
        for taken in both:
            buffers.give(taken)
    kept = buffers._free[-1]
    assert buffers.take(len(kept) // 16, 16).base is kept, "what is there is used again"
