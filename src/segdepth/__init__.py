"""Train, evaluate and explain CNNs for semantic segmentation and monocular depth: one network, two tasks."""

from typing import TYPE_CHECKING, Any

from .core.tables import LazyTable

if TYPE_CHECKING:
    from .networks import load_network as load
    from .networks import load_reference_state, register
    from .tasks import create_network, wrap

__all__ = ["create_network", "load", "load_reference_state", "register", "wrap"]

_HOMES: LazyTable[Any] = LazyTable(
    {
        "create_network": "segdepth.tasks:create_network",
        "load": "segdepth.networks:load_network",
        "load_reference_state": "segdepth.networks:load_reference_state",
        "register": "segdepth.networks:register",
        "wrap": "segdepth.tasks:wrap",
    }
)


def __getattr__(name: str) -> Any:
    """The public names, imported when first asked for: torch takes a second, and ``segdepth --help`` needs none of it."""
    return _HOMES.attribute(name, __name__)
