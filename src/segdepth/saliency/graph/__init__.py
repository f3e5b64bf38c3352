"""A network taken apart: which operations it runs, and which inputs each output touches."""

from .axes import Axis, Box, Span
from .graph import Answered, Graph, State
from .unsupported import UnsupportedOperationError

__all__ = [
    "Answered",
    "Axis",
    "Box",
    "Graph",
    "Span",
    "State",
    "UnsupportedOperationError",
]
