"""Whether a network that was taken apart is still the same: its derivative against autograd's.

Forward answers alone cannot tell: a ``detach`` that a trace does not show, or a user's own backward, changes no answer.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from .boxes import NOTHING, Reach
from .graph import Answered, Box, Graph, State
from .modes import arithmetic, recording, taking_back
from .steady import alike
from .target import run_network
from .windowed import WindowedPass

__all__ = ["wrong_derivative"]

#: Largest error of a right graph, in units of the type's resolution: sums are taken in another order. Measured: at most 26 over
#: our networks and twelve of other libraries.
TOLERANCE = 1000


def wrong_derivative(
    graph: Graph, answered: Answered, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"]
) -> str | None:
    """What is wrong with a graph, in words; None: nothing that its answer and a vector-Jacobian product at a random output show.

    Args:
        graph: of the function at the picture's size, type and device.
        answered: what the picture makes of it.
        function: from ``[1, ., h, w]`` to ``[1, c, h, w]``.
        image: the picture.
    """
    with arithmetic("full"):  # what TF32 rounds is not a wrong derivative
        error = _error(graph, graph.forward(image) if image.is_cuda else answered, function, image)
    if error is None:
        return "an answer that the network itself gives otherwise"
    if error <= TOLERANCE * torch.finfo(image.dtype).eps:
        return None
    return f"a derivative that PyTorch's autograd takes otherwise (relative difference {error:.2g})"


def _error(
    graph: Graph, answered: Answered, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"]
) -> float | None:
    """Mean absolute difference of one random vector-Jacobian product, over the mean of autograd's.

    Infinite where one of the two is no number and the other is; None where the answers differ.
    """
    output, state = answered
    seed = torch.randn(output.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).to(output)[None]
    with recording():
        x = image.detach()[None].clone().requires_grad_()
        y = run_network(function, x)
        if y.shape != seed.shape or not alike(output, y[0].detach()):
            return None
        expected = _backward(y, x, seed)
        if expected.any() and expected.abs().max() < torch.finfo(expected.dtype).tiny / torch.finfo(expected.dtype).eps:
            seed = seed * 2.0**64  # what is smaller than the type's normal numbers has no digits to compare
            expected = _backward(y, x, seed)
        del y
    found = _graph_gradient(graph, state, image, seed)
    known = expected.isfinite()
    if not torch.equal(known, found.isfinite()):
        return float("inf")
    difference, size = ((t[known].abs().double().sum()) for t in (found - expected, expected))
    return float(difference / size) if difference > 0 else 0.0


def _backward(y: Tensor, x: Tensor, seed: Tensor) -> Tensor:
    if not y.requires_grad:
        return torch.zeros_like(x)
    with taking_back():
        (found,) = torch.autograd.grad(y, x, seed, retain_graph=True, allow_unused=True)
    return torch.zeros_like(x) if found is None else found


def _graph_gradient(
    graph: Graph, state: State, image: Float[Tensor, "_ h w"], seed: Float[Tensor, "1 c r q"]
) -> Float[Tensor, "1 _ h w"]:
    graph = replace(graph, _prepared=_NothingKept())
    height, width = image.shape[-2:]
    last = len(graph.nodes) - 1
    with torch.no_grad():
        reach = Reach(graph, ((0, height), (0, width)))
        boxes = reach.back(((0, seed.shape[-2]), (0, seed.shape[-1])), last)
        gradient = torch.zeros_like(image)[None]
        if boxes.values[0] != NOTHING:
            backward = WindowedPass(graph, state, last, reach)
            gradient[_inside(boxes.values[0])] = backward.gradients(seed[_inside(boxes.values[last])], boxes)
    return gradient


class _NothingKept(dict[Any, Any]):
    """What is laid out for one pass, operation by operation, is not kept: all weights together would take as much as they do."""

    def __setitem__(self, key: Any, value: Any) -> None:
        del key, value


def _inside(box: Box) -> tuple[slice, ...]:
    return (slice(None), slice(None), *(slice(*span) for span in box))
