"""Networks that a function or class of somebody's own makes: ``python:package.module:factory``."""

import sys
from collections.abc import Callable, Collection
from importlib import import_module
from pathlib import Path
from typing import Any

from segdepth.core.errors import CheckpointError, ConfigError, raised

from .factory import guest_of
from .guest import Guest, Wanted

__all__ = ["guest", "names"]


def guest(wanted: Wanted, allow: Collection[str]) -> Guest:
    """What a factory makes, if its code may be run.

    Raises:
        CheckpointError: if it may not.
        ConfigError: if there is no such factory, or it raises.
    """
    address = f"python:{wanted.name}"
    if address not in ((allow,) if isinstance(allow, str) else allow):  # of one string, parts of it would do
        raise CheckpointError(
            f"this network is made by code of its own, {address}, which is not run unless you say so: --allow-code {address} "
            f"(in Python allow={[address]!r})"
        )
    return guest_of(_factory(wanted.name), wanted, address)


def _factory(name: str) -> Callable[..., Any]:
    module, _, path = name.partition(":")
    if not module or not path:
        raise ConfigError(f"the address 'python:{name}' must look like python:package.module:factory")
    found: Any = _imported(module)
    for part in path.split("."):
        if not hasattr(found, part):
            raise ConfigError(f"python:{name}: {module!r} has no {path!r}")
        found = getattr(found, part)
    if not callable(found):
        raise ConfigError(
            f"python:{name} is a {type(found).__name__}; it has to be a function or class that makes a module"
        )
    return found  # type: ignore[no-any-return]


def _imported(module: str) -> Any:
    """A module of an installed package, or of the folder where the work is done, as ``python -m`` finds it."""
    here = str(Path.cwd())
    added = here not in sys.path and "" not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        return import_module(module)
    except (Exception, SystemExit) as error:  # a script that is no module ends its process
        raise ConfigError(f"python:{module} cannot be imported: {raised(error)}") from None
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


def names() -> list[str]:
    """None: any module that Python finds may have factories."""
    return []
