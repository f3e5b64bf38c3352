"""Kinds of truth: what a picture's truth may be, and all that depends on which it is."""

from collections.abc import Mapping
from types import MappingProxyType

from .depth import Depth
from .given import by_kind
from .kind import Colours, Kind, LegendEntry
from .labels import IGNORE, Labels
from .normals import Normals
from .relative_depth import RelativeDepth, RelativeInverseDepth

__all__ = ["ANSWERS", "IGNORE", "KINDS", "Colours", "Kind", "LegendEntry", "by_kind"]

#: By the name that data sets, files and samples call them by.
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in (Labels(), Depth(), Normals())})

#: By the first of their units: what answers may be; the kinds of truth, and those that no truth is of.
ANSWERS: Mapping[str, Kind] = MappingProxyType(
    {kind.units[0]: kind for kind in (*KINDS.values(), RelativeDepth(), RelativeInverseDepth())}
)
