"""Where a network of somebody else is to be had: ``library:name``."""

from collections.abc import Callable
from typing import Any

from segdepth.core.errors import ConfigError
from segdepth.core.tables import LazyTable, pick

__all__ = ["DESCRIBERS", "LIBRARIES", "is_address", "split_address"]

#: One line each, imported when picked: a function from a :class:`~segdepth.networks.guests.guest.Wanted` to a
#: :class:`~segdepth.networks.guests.guest.Guest`.
LIBRARIES: LazyTable[Callable[..., Any]] = LazyTable(
    {
        "hf": "segdepth.networks.guests.transformers:guest",
        "smp": "segdepth.networks.guests.smp:guest",
        "timm": "segdepth.networks.guests.timm:guest",
        "torchvision": "segdepth.networks.guests.torchvision:guest",
        "python": "segdepth.networks.guests.python:guest",
    }
)

#: By the package that a module's class comes from: a function from the module to its address and a
#: :class:`~segdepth.networks.guests.guest.Guest`, or to None where its library would not build it again.
DESCRIBERS: LazyTable[Callable[..., Any]] = LazyTable(
    {"transformers": "segdepth.networks.guests.transformers:describe"}
)


def is_address(arch: str) -> bool:
    """Whether a name has a library in front."""
    return ":" in arch


def split_address(address: str) -> tuple[str, str]:
    """The library and the name in it.

    Raises:
        ConfigError: if there is no such library, or no name.
    """
    library, _, name = address.partition(":")
    pick(dict.fromkeys(LIBRARIES), library, kind="library of networks")
    if not name:
        raise ConfigError(f"the address {address!r} names no network; after the colon stands its name")
    return library, name
