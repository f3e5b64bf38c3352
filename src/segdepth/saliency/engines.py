"""The engines by name, and which one is the fastest that can."""

import logging
from collections.abc import Callable
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from segdepth.core.tables import pick

from .batched import BatchedExplainer
from .boxes import Reach
from .engine import Explainer
from .graph import Box, UnsupportedOperationError, cached_graph
from .modes import undisturbed
from .reference import ReferenceExplainer
from .target import Target, check_output, output_function
from .windowed import GraphExplainer, WindowedPass

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


def _windowed(
    net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"], window: Box
) -> Explainer:
    graph = cached_graph(net, function, image)
    output, state = graph.forward(image)
    reach = Reach(graph, window)
    return GraphExplainer(output, WindowedPass(graph, state, reach), reach)


def _auto(
    net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"], window: Box
) -> Explainer:
    """The fastest that can."""
    try:
        return _windowed(net, function, image, window)
    except UnsupportedOperationError as error:
        log.warning("saliency: the batched engine is used, because of %s in the network", error.operation)
        return _batched(net, function, image, window)


ENGINES: dict[str, Build] = {
    "auto": _auto,
    "windowed": _windowed,
    "batched": _batched,
    "reference": _reference,
}


def explain_with(engine: str, net: nn.Module, image: Float[Tensor, "_ h w"], target: Target, window: Box) -> Explainer:
    """Get an engine ready for a picture; the network is in eval mode meanwhile and left as it was.

    Args:
        engine: its name.
        net: any module.
        image: in the network's input range.
        target: what will be explained.
        window: rows and columns of the picture that matter.

    Raises:
        ConfigError: if there is no such engine.
        InputError: if the target does not fit the network.
        UnsupportedOperationError: if the engine was named and does not know an operation of the network.
    """
    build = pick(ENGINES, engine, kind="saliency engine")
    with undisturbed(net):
        explainer = build(net, output_function(net, target), image.detach().clone(), window)
        check_output(explainer.output[None], image[None], target)
    return explainer
