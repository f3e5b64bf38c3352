"""The engines by name, and which one is the fastest that can."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Literal
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.core.errors import ConfigError
from segdepth.core.tables import pick

from .agreement import wrong_derivative
from .batched import BatchedExplainer
from .boxes import Reach
from .engine import Explainer
from .graph import Box, Graph, State, UnsupportedOperationError, forget, graph_at
from .modes import Precision, arithmetic, first_pass, undisturbed
from .reference import ReferenceExplainer
from .tail import Tail
from .target import Target, check_output, output_function, run_network
from .windowed import BackwardPass, GraphExplainer, WindowedPass

__all__ = ["ENGINES", "EngineName", "explain_with"]

log = logging.getLogger(__name__)

EngineName = Literal["auto", "sparse", "windowed", "batched", "reference"]

#: Builds an explainer of a network's function at a picture, for a window of it.
Build = Callable[[nn.Module, Callable[[Tensor], Tensor], Float[Tensor, "_ h w"], Box], Explainer]


def _reference(
    net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"], window: Box
) -> Explainer:
    del net
    return ReferenceExplainer(function, image, window)


def _batched(
    net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"], window: Box
) -> Explainer:
    del net
    return BatchedExplainer(function, image, window)


def _graph_engine(make_pass: Callable[[Graph, State, int, Reach], BackwardPass]) -> Build:
    """An engine that takes the network apart; they differ in what does the backward pass."""

    def build(
        net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"], window: Box
    ) -> Explainer:
        graph, (output, state) = graph_at(net, function, image, wrong_derivative)
        reach, tail = Reach(graph, window), Tail(graph, state)
        return GraphExplainer(output, make_pass(graph, state, tail.last, reach), tail, reach)

    return build


def _sparse_pass(graph: Graph, state: State, last: int, reach: Reach) -> BackwardPass:
    from .sparse import SparsePass  # Numba takes a second to import, which only this engine's users should wait

    return SparsePass(graph, state, last, reach)


#: By name; "auto" is not among them, it is the fastest of them that can.
ENGINES: dict[str, Build] = {
    "sparse": _graph_engine(_sparse_pass),
    "windowed": _graph_engine(WindowedPass),
    "batched": _batched,
    "reference": _reference,
}


def _bf16_pass(graph: Graph, state: State, last: int, reach: Reach) -> BackwardPass:
    return WindowedPass(graph, state, last, reach, dtype=torch.bfloat16)


#: The one engine that can go back in bfloat16: its masks come from a forward pass in full precision.
BF16 = _graph_engine(_bf16_pass)

#: From how many pixels on the sparse engine's longer preparation pays.
MANY = 16


def _fastest(image: Float[Tensor, "_ h w"], count: int) -> list[str]:
    """Engines to try, the fastest first."""
    if image.dtype not in (torch.float32, torch.float64):
        return ["batched"]
    sparse = ["sparse"] if image.device.type == "cpu" and count >= MANY else []
    return [*sparse, "windowed", "batched"]


#: What was said of each network.
_said: WeakKeyDictionary[nn.Module, set[str]] = WeakKeyDictionary()


def _say_once(net: nn.Module, words: str) -> None:
    """A study asks for a thousand pictures; one warning is enough."""
    said = _said.setdefault(net, set())
    if words not in said:
        said.add(words)
        log.warning("%s", words)


def _checked(
    answer: Float[Tensor, "c h w"],
    build: Build,
    net: nn.Module,
    function: Callable[[Tensor], Tensor],
    image: Float[Tensor, "_ h w"],
    window: Box,
) -> Explainer:
    """An engine whose graph answers what the network does.

    A graph that was made before may be of another network by now: not everything that a forward pass depends on can be
    seen from outside.

    Raises:
        UnsupportedOperationError: if a graph made anew does not either.
    """
    explainer = build(net, function, image, window)
    if not isinstance(explainer, GraphExplainer):
        return explainer
    if not _alike(explainer.output, answer):
        forget(net)
        explainer = build(net, function, image, window)
        if not _alike(explainer.output, answer):
            raise UnsupportedOperationError("something that gives another answer at every look")
    return explainer


def _alike(output: Float[Tensor, "c h w"], answer: Float[Tensor, "c h w"]) -> bool:
    """Whether two answers are the same but for rounding, and for poolings whose ties fall otherwise by it."""
    if output.shape != answer.shape:
        return False
    difference = (output - answer).abs().nan_to_num(0, 0, 0).mean()
    known = torch.equal(output.isfinite(), answer.isfinite())
    scale = answer.abs().nan_to_num(0, 0, 0).mean()
    return known and bool(difference <= torch.finfo(output.dtype).eps ** 0.5 * scale)


def explain_with(
    engine: str,
    net: nn.Module,
    image: Float[Tensor, "_ h w"],
    target: Target,
    window: Box,
    count: int,
    precision: Precision = "full",
    *,
    check: bool = True,
) -> Explainer:
    """Get an engine ready for a picture; the network is in eval mode meanwhile and left as it was.

    Args:
        engine: its name.
        net: any module.
        image: in the network's input range.
        target: what will be explained.
        window: rows and columns of the picture that matter.
        count: how many pixels will be explained.
        precision: of the arithmetic; bfloat16 is the windowed engine's.
        check: compare a graph's answer with the network's, which takes a forward pass.

    Raises:
        ConfigError: if there is no such engine, or it does not work in this precision.
        InputError: if the target does not fit the network.
        UnsupportedOperationError: if the engine was named and does not know an operation of the network.
    """
    pick({"auto": None, **ENGINES}, engine, kind="saliency engine")
    names = _fastest(image, count) if engine == "auto" else [engine]
    if precision == "bf16":
        if engine not in ("auto", "windowed"):
            raise ConfigError(f"precision 'bf16' is for the engine 'windowed' (or 'auto'), not {engine!r}")
        names = ["windowed"]
    function, image = output_function(net, target), image.detach().clone()
    with arithmetic(precision):
        answer = first_pass(net, lambda: run_network(function, image[None])) if check else None
    if answer is not None:
        check_output(answer, image[None], target)
    passed: dict[str, list[str]] = {}
    for name in names:
        build = BF16 if precision == "bf16" else ENGINES[name]
        try:
            with undisturbed(net), arithmetic(precision):
                make = build if answer is None else partial(_checked, answer[0], build)
                explainer = make(net, function, image, window)
        except UnsupportedOperationError as error:
            if name == names[-1]:
                raise
            passed.setdefault(error.operation, []).append(repr(name))
            continue
        for operation, engines in passed.items():
            known = f"the engine {engines[0]} does" if len(engines) == 1 else f"the engines {' and '.join(engines)} do"
            _say_once(net, f"saliency: the network holds {operation}, which {known} not know; {name!r} goes on")
        log.debug("saliency: engine %s", name)
        return explainer
    raise AssertionError("the last engine either explains or raises")
