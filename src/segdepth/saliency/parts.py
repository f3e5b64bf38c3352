"""What became of a network's parts, in a user's words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from torch import fx

from segdepth.core.words import first_of

from .graph import Graph
from .graph.arithmetic import share
from .graph.operations.block import Block
from .graph.regions import carrying

__all__ = ["Part", "parts_of"]

#: Operations of a block that are named.
NAMED = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a network, and how its gradient is taken.

    Attributes:
        module: its path; empty for the network itself.
        operation: what it does, for people; empty for all of it.
        how: "native": in windows, by the engine's own rules; "block": autograd takes all gradients of a tile through it at
            once; "whole": nothing is taken apart, autograd does all of the network.
        reason: why it is not native; empty where it is.
    """

    module: str
    operation: str
    how: Literal["native", "block", "whole"]
    reason: str


def parts_of(graph: Graph) -> list[Part]:
    """Every operation that is known, and every block, from the picture to the output."""
    parts = []
    operations = carrying(graph.traced)
    seen: set[fx.Node | None] = {member for block in graph.blocks for member in block.members}
    for node in graph.nodes[1:]:
        if isinstance(node, Block):
            parts.append(_of_block(graph, node, operations))
        elif node.source not in seen:
            seen.add(node.source)
            path, _ = node.source.meta.get("module", ("", "")) if node.source is not None else ("", "")
            parts.append(Part(path, node.name, "native", ""))
    return parts


def _of_block(graph: Graph, block: Block, operations: Sequence[fx.Node]) -> Part:
    unknown = [node for node in operations if node in block.members and node in graph.unknown]
    module = _common([node.meta.get("module", ("", ""))[0] for node in unknown])
    names = list(dict.fromkeys(graph.unknown[node] for node in unknown))
    named = first_of(names, NAMED)
    cost = share(block.members, operations)
    reach = "each position by itself" if block.own else "the whole map at once"
    reason = f"autograd takes {reach} back: {cost:.0%} of the network's arithmetic"
    return Part(module, named, "block", reason)


def _common(paths: Iterable[str]) -> str:
    """The innermost module that holds all of some."""
    columns = zip(*(path.split(".") for path in paths), strict=False)
    return ".".join(names[0] for names in takewhile(lambda names: len(set(names)) == 1, columns))
