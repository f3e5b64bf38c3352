"""Values of files that may hold anything, taken for what they should be, or for nothing."""

import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["count", "mapping", "numbers", "word"]

#: What a number of a log can be; a JSON may hold larger ones.
_LARGEST = sys.float_info.max


def word(value: Any) -> str | None:
    """A name, or None."""
    return value if isinstance(value, str) else None


def count(value: Any) -> int | None:
    """A whole number, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among values."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
    }
