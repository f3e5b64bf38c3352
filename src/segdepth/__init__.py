"""Train, evaluate and explain CNNs for semantic segmentation and monocular depth: one network, two tasks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .core.tables import LazyTable

if TYPE_CHECKING:
    from . import explore
    from .api import analyse, evaluate, study, train
    from .data import register_dataset
    from .losses import register_loss
    from .metrics import register_metric
    from .networks import load_network as load
    from .networks import load_reference_state, register
    from .tasks import create_network, wrap

__all__ = [
    "analyse",
    "create_network",
    "evaluate",
    "explore",
    "load",
    "load_reference_state",
    "register",
    "register_dataset",
    "register_loss",
    "register_metric",
    "study",
    "train",
    "wrap",
]

_HOMES: LazyTable[Any] = LazyTable(
    {
        "analyse": "segdepth.api:analyse",
        "create_network": "segdepth.tasks:create_network",
        "evaluate": "segdepth.api:evaluate",
        "load": "segdepth.networks:load_network",
        "load_reference_state": "segdepth.networks:load_reference_state",
        "register": "segdepth.networks:register",
        "register_dataset": "segdepth.data:register_dataset",
        "register_loss": "segdepth.losses:register_loss",
        "register_metric": "segdepth.metrics:register_metric",
        "study": "segdepth.api:study",
        "train": "segdepth.api:train",
        "wrap": "segdepth.tasks:wrap",
    }
)


def __getattr__(name: str) -> Any:
    """The public names, imported when first asked for: torch takes a second, and ``segdepth --help`` needs none of it."""
    if name == "explore":  # a module with a name of its own
        return import_module("segdepth.explore")
    return _HOMES.attribute(name, __name__)
