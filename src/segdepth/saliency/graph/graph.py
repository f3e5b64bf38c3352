"""A network as a list of few kinds of operations, and what one picture makes of it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from ..modes import undisturbed, uninterrupted
from ..snapshot import Snapshot
from .fold import fold_scales
from .lower import lower
from .nodes import MaxPool, Node, Pointwise
from .trace import trace

__all__ = ["Answered", "Graph", "State", "build_graph"]

#: What the gradient depends on, by value: a pointwise derivative ``[c, h, w]``, or who won a pooling ``[c, h, w]``.
State = dict[int, Tensor]

#: The output ``[c, h, w]`` for a picture, and the state.
Answered = tuple[Tensor, State]

T = TypeVar("T")

#: PyTorch traces one function at a time; a second thread that asks for it fails.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, eq=False)
class Graph:
    """A network at one input size.

    Attributes:
        nodes: in an order in which each comes after its inputs; the first is the picture, the last the output.
        traced: the same network as PyTorch runs it.
        like: an empty tensor of the picture's type, on its device.
    """

    nodes: list[Node]
    traced: fx.GraphModule
    like: Tensor
    _prepared: dict[tuple[int, Any], Any] = field(default_factory=dict, repr=False)

    def prepared(self, index: int, prepare: Callable[[Any], T]) -> T:
        """What an engine makes of a node whatever the picture is; made once."""
        key = (index, prepare)
        if key not in self._prepared:
            self._prepared[key] = prepare(self.nodes[index])
        return self._prepared[key]  # type: ignore[no-any-return]

    def forward(self, image: Float[Tensor, "_ h w"]) -> Answered:
        """The output for a picture, and what the gradients at this picture depend on."""
        run = _Forward(self)
        with torch.no_grad():
            output = run.run(image[None])
        return output[0], run.state


class _Forward(fx.Interpreter):
    """Runs the trace and keeps masks, derivatives and winners, nothing else."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph.traced)
        self.state: State = {}
        self._kept: dict[fx.Node, list[tuple[int, Pointwise | MaxPool]]] = {}
        for index, node in enumerate(graph.nodes):
            if isinstance(node, (Pointwise, MaxPool)):
                self._kept.setdefault(node.source, []).append((index, node))

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        for index, node in self._kept.get(n, ()):
            if isinstance(node, MaxPool):
                self.state[index] = result[1][0]
            else:
                arguments, _ = self.fetch_args_kwargs_from_env(n)
                self.state[index] = node.derivative(arguments, result)[0]
        return result


def build_graph(net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"]) -> Graph:
    """Take a function of one picture apart.

    Args:
        net: whose function; it is left as it was.
        function: ``[1, ., h, w]`` to ``[1, c, h, w]``, the network or a method of it.
        image: any picture of the size, type and device.

    Raises:
        UnsupportedOperationError: at an operation that is not known.
    """
    with _ONE_AT_A_TIME, undisturbed(net):
        before = Snapshot(net)
        with uninterrupted():
            traced = trace(function, image[None], before.restore)
    with torch.no_grad():
        return Graph(fold_scales(lower(traced)), traced, image.new_empty(0))
