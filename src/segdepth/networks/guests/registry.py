"""Names that somebody else's code gave to networks: registered in this process, or by an installed package."""

from collections.abc import Callable
from typing import Any

from torch import nn

from segdepth.core.errors import ConfigError
from segdepth.core.tables import OpenTable

__all__ = ["REGISTERED", "Factory"]

#: Makes a module, or a network (see :func:`segdepth.wrap`), from keyword arguments.
Factory = Callable[..., nn.Module]


def _factory(given: Any) -> Factory:
    if not callable(given):
        raise ConfigError(f"it is a {type(given).__name__}; give a function or class that makes a module")
    return given  # type: ignore[no-any-return]


#: Who makes the networks that are neither ours nor have an address.
REGISTERED: OpenTable[Factory] = OpenTable({}, kind="network", group="segdepth.networks", checked=_factory)
