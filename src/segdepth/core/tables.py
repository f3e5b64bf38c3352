"""Pick a variant by its name, or say which names there are."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from .errors import ConfigError

__all__ = ["did_you_mean", "pick"]

V = TypeVar("V")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The end of an error message: the choices and, where one is close, the likely one.

    Example:
        >>> did_you_mean("fcm", ["fcn", "segnet"])
        "(there are: fcn, segnet); did you mean 'fcn'?"
    """
    names = sorted(names)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"(there are: {', '.join(names)})" + (f"; did you mean {close[0]!r}?" if close else "")


def pick(table: Mapping[str, V], name: str, kind: str) -> V:
    """The entry ``name`` of a table of variants.

    Args:
        table: the variants by name.
        name: what the user wrote.
        kind: what the table holds, for the message ("network", "loss", ...).

    Raises:
        ConfigError: if there is no such entry; the message lists the names and the closest one.

    Example:
        >>> pick({"fcn": 1, "segnet": 2}, "segnet", kind="network")
        2
    """
    if name in table:
        return table[name]
    raise ConfigError(f"no {kind} named {name!r} {did_you_mean(name, table)}")
