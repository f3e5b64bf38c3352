"""Names that somebody else's code gave: registered in this process, or by an installed package."""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from torch import nn

from segdepth.core.errors import ConfigError, reason

__all__ = ["GROUP", "Factory", "find_registered", "register", "registered_names"]

#: Entry points of this group, in installed packages: ``name = package.module:factory``.
GROUP = "segdepth.networks"

#: Makes a module, or a network (see :func:`segdepth.wrap`), from keyword arguments.
Factory = Callable[..., nn.Module]

_REGISTERED: dict[str, Factory] = {}


def register(name: str, build: Factory) -> None:
    """Let ``model.arch``, cards and :func:`segdepth.create_network` know a network by a name, in this process.

    A package does the same for all processes with an entry point of the group ``segdepth.networks``.

    Args:
        name: without a colon.
        build: called with the options of the configuration or card, and with the number of channels as ``num_classes``,
            ``classes`` or ``out_channels`` where it has such a parameter; gives a module, or a network of
            :func:`segdepth.wrap`.

    Raises:
        ConfigError: if the name cannot be one.
    """
    if not name or ":" in name:
        raise ConfigError(f"a network cannot be called {name!r}: a name has no colon, which addresses have")
    if not callable(build):
        raise ConfigError(
            f"build of {name!r} is a {type(build).__name__}; give a function or class that makes a module"
        )
    _REGISTERED[name] = build


def find_registered(name: str) -> Factory | None:
    """What was registered under a name; packages are asked only where this process registered nothing.

    Raises:
        ConfigError: if the package that gave the name cannot be imported.
    """
    if name in _REGISTERED:
        return _REGISTERED[name]
    for entry in entry_points(group=GROUP, name=name):
        try:
            found: Any = entry.load()
        except Exception as error:
            raise ConfigError(
                f"the network {name!r} is {entry.value!r} of an installed package, which cannot be imported: {reason(error)}"
            ) from None
        return found  # type: ignore[no-any-return]
    return None


def registered_names() -> dict[str, str]:
    """Every name that there is, and who gave it; nothing is imported."""
    packages = {
        entry.name: f"{entry.value} of the package {entry.dist.name if entry.dist else '?'}"
        for entry in entry_points(group=GROUP)
    }
    return packages | dict.fromkeys(_REGISTERED, "registered in this process")
