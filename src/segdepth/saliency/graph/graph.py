"""A network as a list of few kinds of operations, and what one picture makes of it."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, fx

from segdepth.core.errors import InputError
from segdepth.core.giving_way import give_way

from ..changes import digests
from ..modes import recording
from .calls import Call
from .operations.block import Block, BlockState
from .operations.node import Node
from .trace import run_operation

__all__ = ["Answered", "Graph", "State"]

#: What the gradient depends on, by value: derivatives, winners of poolings, histories of blocks.
State = dict[int, Any]

#: The output ``[c, h, w]`` for a picture, and the state.
Answered = tuple[Tensor, State]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Graph:
    """A network at one input size.

    Attributes:
        nodes: in an order in which each comes after its inputs; the first is the picture, the last the output.
        traced: the same network as PyTorch runs it.
        like: an empty tensor of the picture's type, on its device.
        unknown: why operations of the trace are in blocks, in words; not of those that stand between such ones.
        differences: sentences about parts that differed from autograd, and are in blocks for that.
    """

    nodes: list[Node]
    traced: fx.GraphModule
    like: Tensor
    unknown: dict[fx.Node, str] = field(default_factory=dict)
    differences: tuple[str, ...] = ()
    _prepared: dict[tuple[Hashable, ...], Any] = field(default_factory=dict, repr=False)
    _known: list[tuple[Tensor, Answered]] = field(default_factory=list, repr=False)
    _digests: list[list[int]] | None = field(default=None, repr=False)

    def sealed(self, image: Float[Tensor, "_ h w"], answered: Answered) -> "Graph":
        """The same graph, known to be right: it need not run for the first one who asks for this picture.

        Its weights are the network's own: what is written to them behind PyTorch's back, before an engine lays them out, is seen.
        """
        tensors = [_tensors(node) for node in self.nodes]
        found = iter(digests([one for some in tensors for one in some]))
        return replace(self, _known=[(image, answered)], _digests=[list(islice(found, len(some))) for some in tensors])

    def prepared(self, index: int, prepare: Callable[..., T], *arguments: Hashable) -> T:
        """What an engine makes of a node (and of more) whatever the picture is; made once.

        Raises:
            InputError: if the node's weights are not those that the graph was made of.
        """
        key = (index, prepare, *arguments)
        found = self._prepared.get(key)
        if found is None:
            if self._digests and digests(_tensors(self.nodes[index])) != self._digests[index]:
                raise InputError(
                    "the network was changed since at(image): a weight holds other values; call at(image) again"
                )
            found = self._prepared[key] = prepare(self.nodes[index], *arguments)
        return found

    @property
    def blocks(self) -> list[Block]:
        """The parts that autograd takes back."""
        return [node for node in self.nodes if isinstance(node, Block)]

    @property
    def holds_others(self) -> bool:
        """Whether it keeps alive what it was not made of: the network itself, perhaps."""
        return any(isinstance(node.target, Call) and node.target.holds_others for node in self.traced.graph.nodes)

    def is_linear(self, state: State) -> bool:
        """Whether, at a picture, gradients of several targets may be added before they are taken back."""
        return all(node.is_linear(state.get(index)) for index, node in enumerate(self.nodes))

    def forward(self, image: Float[Tensor, "_ h w"]) -> Answered:
        """The output for a picture, and what the gradients at this picture depend on."""
        if self._known:
            known, answered = self._known.pop()
            if known is image:
                return answered
        run = _Forward(self)
        with torch.inference_mode(mode=False), torch.no_grad():
            output = run.run(image[None])
        for index, node in enumerate(self.nodes):
            if isinstance(node, Block):
                run.state[index] = kept = run.history(node)
                node.look(kept)
        return output[0].detach(), run.state


def _tensors(node: Node) -> list[Tensor]:
    """That it was made with; what it makes of itself later does not count."""
    values = (getattr(node, one.name) for one in fields(node))
    return [value for value in values if isinstance(value, Tensor)]


class _Forward(fx.Interpreter):
    """Runs the trace and keeps what nodes keep, nothing else; blocks are run with autograd."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph.traced)
        self.state: State = {}
        self._kept: dict[fx.Node, list[tuple[int, Node]]] = {}
        self._block_of: dict[fx.Node, Block] = {}
        self._leaves: dict[Block, dict[fx.Node, Tensor]] = {}
        self._results: dict[Block, dict[fx.Node, Tensor]] = {}
        for index, node in enumerate(graph.nodes):
            if isinstance(node, Block):
                self._block_of.update(dict.fromkeys(node.members, node))
                self._leaves[node], self._results[node] = {}, {}
            elif node.keeps and node.source is not None:
                self._kept.setdefault(node.source, []).append((index, node))

    def history(self, block: Block) -> BlockState:
        """A block's inputs and results."""
        leaves, results = self._leaves[block], self._results[block]
        return BlockState([leaves[n] for n in block.arguments], [results[n] for n in block.results])

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        return run_operation(target, args, kwargs)

    def run_node(self, n: fx.Node) -> Any:
        give_way()
        block = self._block_of.get(n)
        if block is not None:
            return self._run_in(block, n)
        result = super().run_node(n)
        for index, node in self._kept.get(n, ()):
            arguments, _ = self.fetch_args_kwargs_from_env(n)
            self.state[index] = node.keep(arguments, result)
        return result

    def _run_in(self, block: Block, n: fx.Node) -> Any:
        """One operation of a block, from its inputs on with history."""
        leaves = self._leaves[block]

        def value(node: fx.Node) -> Any:
            found = self.env[node]
            if node in block.members or not isinstance(found, Tensor):
                return found
            if node in block.arguments:
                if node not in leaves:
                    leaves[node] = found.detach().requires_grad_()
                return leaves[node]
            return found.detach()

        args: Any = fx.node.map_arg(n.args, value)
        kwargs: Any = fx.node.map_arg(n.kwargs, value)
        with recording():
            result = run_operation(n.target, args, kwargs)
        if n in block.results:
            self._results[block][n] = result
        return result
