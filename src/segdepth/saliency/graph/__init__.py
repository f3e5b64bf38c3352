"""A network taken apart: which operations it runs, and which inputs each output touches."""

from .axes import Axis, Box, Span
from .cache import cached_graph, forget
from .graph import Graph, State, build_graph
from .unsupported import UnsupportedOperationError

__all__ = [
    "Axis",
    "Box",
    "Graph",
    "Span",
    "State",
    "UnsupportedOperationError",
    "build_graph",
    "cached_graph",
    "forget",
]
