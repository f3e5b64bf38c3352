"""How far back a gradient reaches: the box of every value, from the targets' box to the picture's."""

import math
from dataclasses import dataclass
from functools import cached_property

from .graph import Axis, Box, Graph, Span
from .graph.axes import EMPTY, hull, intersect
from .graph.operations.node import Work
from .tiles import STEP

__all__ = ["Boxes", "Reach", "box_size"]

Pair = tuple[int, int]
NOTHING: Box = (EMPTY, EMPTY)


def box_size(box: Box) -> Pair:
    """Rows and columns."""
    return box[0][1] - box[0][0], box[1][1] - box[1][0]


@dataclass(frozen=True)
class Boxes:
    """The boxes of one tile of targets.

    Attributes:
        values: per value of the graph, where its gradient can be other than 0 and matters.
        parts: per node, per input, what of the input's box this node contributes to.
    """

    values: list[Box]
    parts: list[tuple[Box, ...]]


class Reach:
    """The connectivity of a graph, ready for look-up.

    Args:
        graph: the network.
        window: rows and columns of the picture that matter; what cannot reach them is left out.
    """

    def __init__(self, graph: Graph, window: Box) -> None:
        self.graph = graph
        self.window = window
        self._axes = [
            [node.axes(place, graph.nodes[value].shape[1:]) for place, value in enumerate(node.inputs)]
            for node in graph.nodes
        ]

    @cached_property
    def cone(self) -> list[Box]:
        """Per value, the box that depends on the window."""
        cone = [self.window]
        for node, axes in zip(self.graph.nodes[1:], self._axes[1:], strict=True):
            box = NOTHING
            for value, pair in zip(node.inputs, axes, strict=True):
                box = _hull(box, _forth(pair, cone[value]))
            cone.append(box)
        return cone

    def back(self, target: Box, last: int = -1) -> Boxes:
        """The boxes behind a box of the value ``last``; of the output by default."""
        nodes = self.graph.nodes
        last %= len(nodes)
        values = [NOTHING] * len(nodes)
        parts: list[tuple[Box, ...]] = [()] * len(nodes)
        values[last] = _intersect(target, self.cone[last])
        for index in range(last, 0, -1):
            found = []
            for value, pair in zip(nodes[index].inputs, self._axes[index], strict=True):
                box = _intersect(_back(pair, values[index]), self.cone[value])
                values[value] = _hull(values[value], box)
                found.append(box)
            parts[index] = tuple(found)
        return Boxes(values, parts)

    def tile(self, targets: int, last: int = -1) -> Boxes:
        """The boxes behind so many neighbours in the middle of the window: targets, or places of the value ``last``."""
        _, rows, columns = self.graph.nodes[last].shape
        step = STEP if last == -1 else 1
        high = math.isqrt(targets)
        wide = -(-targets // high)
        middle = [
            sum(span) * after // (2 * before)
            for span, before, after in zip(self.window, self.graph.nodes[0].shape[1:], (rows, columns), strict=True)
        ]
        return self.back((_around(middle[0], high, step, rows), _around(middle[1], wide, step, columns)), last)

    def works(self, boxes: Boxes) -> list[Work]:
        """What the gradients inside the boxes take: of each value, per target."""
        steps = zip(self.graph.nodes, boxes.values, boxes.parts, strict=True)
        return [node.work(box, parts[0]) if parts else Work() for node, box, parts in steps]


def _around(middle: int, targets: int, step: int, size: int) -> Span:
    """As much as so many targets side by side take."""
    length = step * (targets - 1) + 1
    start = max(0, middle - length // 2)
    return start, min(size, start + length)


def _axis_back(axis: Axis, span: Span) -> Span:
    return axis.back(span) if span[0] < span[1] else EMPTY


def _back(pair: tuple[Axis, Axis] | None, box: Box) -> Box:
    if pair is None:
        return box
    return _whole((_axis_back(pair[0], box[0]), _axis_back(pair[1], box[1])))


def _forth(pair: tuple[Axis, Axis] | None, box: Box) -> Box:
    if pair is None:
        return box
    return _whole((pair[0].forth(box[0]), pair[1].forth(box[1])))


def _intersect(a: Box, b: Box) -> Box:
    return _whole((intersect(a[0], b[0]), intersect(a[1], b[1])))


def _hull(a: Box, b: Box) -> Box:
    return hull(a[0], b[0]), hull(a[1], b[1])


def _whole(box: Box) -> Box:
    """A box without rows or without columns is empty both ways."""
    return box if box[0][0] < box[0][1] and box[1][0] < box[1][1] else NOTHING
