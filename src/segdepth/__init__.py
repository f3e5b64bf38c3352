"""Train, evaluate and explain CNNs for semantic segmentation and monocular depth: one network, two tasks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .networks import load_network as load
    from .networks import load_reference_state
    from .tasks import create_network

__all__ = ["create_network", "load", "load_reference_state"]

_HOMES = {
    "create_network": ("segdepth.tasks", "create_network"),
    "load": ("segdepth.networks", "load_network"),
    "load_reference_state": ("segdepth.networks", "load_reference_state"),
}


def __getattr__(name: str) -> Any:
    """The public names, imported when first asked for: torch takes a second, and ``segdepth --help`` needs none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'segdepth' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
