"""What somebody gives for each kind of truth, checked: readers, losses, metrics."""

from collections.abc import Callable, Mapping
from typing import Any

from segdepth.core.errors import ConfigError
from segdepth.core.tables import did_you_mean

__all__ = ["by_kind"]


def by_kind(given: Any, kinds: Mapping[str, Any], wanted: str, fits: Callable[[Any], bool]) -> dict[str, Any]:
    """A mapping from kinds of truth to what is wanted of each.

    Args:
        given: by somebody else's code.
        kinds: those that there are, by name.
        wanted: of each kind, in words ("a reader, which is a subclass of segdepth.data.Dataset").
        fits: whether something is that.

    Raises:
        ConfigError: if it is no such mapping; words that follow a name and a colon.

    Example:
        >>> by_kind({"depth": len}, {"labels": 1, "depth": 2}, "a function", callable)
        {'depth': <built-in function len>}
    """
    if not isinstance(given, Mapping) or not given:
        raise ConfigError(
            f"it is {_what(given)}; it has to be a mapping from kinds of truth ({', '.join(kinds)}) to {wanted}"
        )
    for kind, value in given.items():
        if kind not in kinds:
            raise ConfigError(f"there is no kind of truth {kind!r} {did_you_mean(str(kind), kinds)}")
        if not fits(value):
            raise ConfigError(f"for {kind} it gives {_what(value)}; it has to be {wanted}")
    return dict(given)


def _what(value: Any) -> str:
    if isinstance(value, Mapping) and not value:
        return "empty"
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
