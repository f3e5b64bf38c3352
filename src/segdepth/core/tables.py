"""Tables of variants: pick one by its name, or say which names there are; import it then; read its options."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, TypeVar, get_type_hints

from .errors import ConfigError

__all__ = ["LazyTable", "did_you_mean", "pick", "signature_options"]

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


class LazyTable(Mapping[str, V]):
    """A table whose entries are imported when they are picked.

    Args:
        entries: by name, each written ``"module:name"`` with the module's full name; a test follows them as it follows imports.

    Example:
        >>> table = LazyTable({"half": "fractions:Fraction", "none": "no_such_module:Nothing"})
        >>> "none" in table, list(table), table["half"](1, 2)
        (True, ['half', 'none'], Fraction(1, 2))
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._entries = entries

    def __getitem__(self, name: str) -> V:
        module, _, attribute = self._entries[name].partition(":")
        return getattr(import_module(module), attribute)  # type: ignore[no-any-return]

    def __contains__(self, name: object) -> bool:
        return name in self._entries  # Mapping's own picks the entry

    def attribute(self, name: str, module: str) -> V:
        """An entry as an attribute of a module, for its ``__getattr__``.

        Raises:
            AttributeError: if there is no such entry, as Python words it.
        """
        if name not in self:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def signature_options(variant: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The options of a function or of a class's constructor: its keyword-only parameters, with their types as annotations."""
    function = variant.__init__ if inspect.isclass(variant) else variant
    types = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters
    return {name: p.replace(annotation=types[name]) for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
