"""Other people's libraries: imported when asked for; a missing one is a sentence with the command that installs it."""

from collections.abc import Collection
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from segdepth.core.errors import ConfigError, InputError, reason
from segdepth.core.tables import did_you_mean

__all__ = ["check_options", "imported", "known_name"]

#: More names than these are not listed in a message.
_LISTED = 60


def imported(module: str, extra: str) -> Any:
    """A library's module.

    Args:
        module: its full name.
        extra: of segdepth, that installs it.

    Raises:
        InputError: if it, or what it stands on, is not installed, or is broken.
    """
    install = f"pip install 'segdepth[{extra}]'"
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).partition(".")[0]
        whose = "" if missing == module.partition(".")[0] else f" (for {module.partition('.')[0]})"
        raise InputError(f"networks of {extra}: need the package {missing!r}{whose}: {install}") from None
    except Exception as error:  # a torchvision of another torch raises RuntimeError
        raise InputError(
            f"networks of {extra}: need the package {module.partition('.')[0]!r}, which is installed, but cannot be imported "
            f"({reason(error)}); torchvision must match torch exactly: {install}"
        ) from None


def known_name(name: str, names: Collection[str], kind: str) -> str:
    """A name as its library writes it, whatever its capitals.

    Args:
        name: what the user wrote.
        names: the library's.
        kind: what they are of, for the message.

    Raises:
        ConfigError: if there is none of that name.
    """
    if name in names:
        return name
    lower = {known.lower(): known for known in names}
    if name.lower() in lower:
        return lower[name.lower()]
    if len(names) <= _LISTED:
        raise ConfigError(f"no {kind} named {name!r} {did_you_mean(name, names)}")
    close = get_close_matches(name.lower(), lower, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(repr(lower[found]) for found in close)}?" if close else ""
    raise ConfigError(f"no {kind} named {name!r} (there are {len(names)}){hint}")


def check_options(arch: str, options: Collection[str], allowed: Collection[str], ours: dict[str, str]) -> None:
    """Refuse options that a network does not have, and those that are said elsewhere.

    Args:
        arch: whose options.
        options: given.
        allowed: that it has.
        ours: option -> who says it instead, as the end of a sentence.

    Raises:
        ConfigError: naming the first.
    """
    for key in options:
        if key in ours:
            raise ConfigError(f"{arch} takes no option {key!r} here: {ours[key]}")
        if key not in allowed:
            raise ConfigError(f"{arch} has no option {key!r} {did_you_mean(key, set(allowed) - ours.keys())}")
