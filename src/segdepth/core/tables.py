"""Tables of variants: pick one by its name, or say which names there are; import it then; let others add; read its options."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar, get_type_hints

from .errors import ConfigError, reason

__all__ = ["LazyTable", "OpenTable", "did_you_mean", "pick", "require_readable_options", "signature_options"]

V = TypeVar("V")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The end of an error message: the choices and, where one is close, the likely one.

    Example:
        >>> did_you_mean("fcm", ["fcn", "segnet"])
        "(there are: fcn, segnet); did you mean 'fcn'?"
    """
    names = sorted(set(names))
    if not names:
        return "(there are none)"
    close = get_close_matches(str(name), names, n=1, cutoff=0.6)  # in Python anything is given
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
    names = [*table, *table.others()] if isinstance(table, OpenTable) else table
    raise ConfigError(f"no {kind} named {name!r} {did_you_mean(name, names)}")


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


class OpenTable(Mapping[str, V]):
    """A table of ours that other people's code adds to: in this process, or by an installed package.

    It lists what is ours and what this process registered. Packages are asked for one name, and only where it is neither.

    Args:
        own: ours, by name.
        kind: what the table holds, for messages ("loss", "data set").
        group: of the entry points by which packages add: ``name = package.module:thing``.
        checked: makes an entry of what somebody gives; raises :class:`ConfigError` with words that follow "the loss 'x': ".

    Example:
        >>> table = OpenTable({"ours": 1}, kind="number", group="segdepth.examples", checked=int)
        >>> table.register("theirs", "2")
        >>> dict(table), "another" in table
        ({'ours': 1, 'theirs': 2}, False)
    """

    def __init__(self, own: Mapping[str, V], *, kind: str, group: str, checked: Callable[[Any], V]) -> None:
        self._own = own
        self._kind = kind
        self._group = group
        self._checked = checked
        self._registered: dict[str, V] = {}
        self._of_packages: dict[str, V] = {}

    def register(self, name: str, given: Any) -> None:
        """Add an entry for this process; one that it registered before under this name is replaced.

        Raises:
            ConfigError: if the name is one of ours, or cannot be one, or nothing like this can be in the table.
        """
        if not isinstance(name, str) or not name or ":" in name:
            raise ConfigError(f"a {self._kind} cannot be called {name!r}: a name has no colon, which addresses have")
        if name in self._own:
            raise ConfigError(f"{name!r} is a {self._kind} of segdepth's own; register yours under another name")
        self._registered[name] = self._entry(name, given)

    def others(self) -> dict[str, str]:
        """Every name that somebody else gave, and who did; nothing is imported."""
        packages = {entry.name: f"{entry.value} of {_package(entry)}" for entry in entry_points(group=self._group)}
        return packages | dict.fromkeys(self._registered, "registered in this process")

    def __getitem__(self, name: str) -> V:
        for table in (self._own, self._registered, self._of_packages):
            if name in table:
                return table[name]
        entry = self._entry_point(name)
        if entry is None:
            raise KeyError(name)
        try:
            given = entry.load()
        except Exception as error:
            raise ConfigError(f"{self._of_package(entry)}, which cannot be imported: {reason(error)}") from None
        self._of_packages[name] = self._entry(name, given)
        return self._of_packages[name]

    def __contains__(self, name: object) -> bool:
        tables = (self._own, self._registered, self._of_packages)
        return any(name in table for table in tables) or (isinstance(name, str) and self._entry_point(name) is not None)

    def __iter__(self) -> Iterator[str]:
        return iter((*self._own, *self._registered))

    def __len__(self) -> int:
        return len(self._own) + len(self._registered)

    def _entry(self, name: str, given: Any) -> V:
        try:
            return self._checked(given)
        except ConfigError as error:
            raise ConfigError(f"the {self._kind} {name!r}: {error}") from None

    def _entry_point(self, name: str) -> EntryPoint | None:
        """What an installed package calls so.

        Raises:
            ConfigError: if two packages do.
        """
        found = list({entry.value: entry for entry in entry_points(group=self._group, name=name)}.values())
        if len(found) > 1:
            of = " and ".join(sorted(_package(entry) for entry in found))
            raise ConfigError(f"{of} both give a {self._kind} {name!r}; uninstall one of them")
        return found[0] if found else None

    def _of_package(self, entry: EntryPoint) -> str:
        return f"the {self._kind} {entry.name!r} is {entry.value!r} of {_package(entry)}"


def _package(entry: EntryPoint) -> str:
    return "an installed package" if entry.dist is None else f"the package {entry.dist.name}"


def signature_options(variant: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The options of a function or of a class's constructor: its keyword-only parameters, with their types as annotations.

    What has no type is taken as it is.
    """
    function = variant.__init__ if inspect.isclass(variant) else variant
    types = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters
    return {
        name: p.replace(annotation=types.get(name, Any)) for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY
    }


def require_readable_options(variant: Callable[..., Any]) -> None:
    """Refuse somebody's function or class whose options cannot be read.

    Raises:
        ConfigError: words that follow a name and a colon.
    """
    try:
        signature_options(variant)
    except (TypeError, ValueError, NameError) as error:  # of something in C; of types that are not there
        raise ConfigError(f"the options of its signature cannot be read: {reason(error)}") from None
