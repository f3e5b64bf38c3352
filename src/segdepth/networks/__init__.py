"""One paper, one file, one class, two tasks."""

from typing import TYPE_CHECKING, Any

from segdepth.core.tables import LazyTable

from .build import (
    ALIASES,
    NETWORKS,
    build_network,
    is_guest,
    is_known,
    is_named,
    network_options,
    prepared,
    register,
    resolve_arch,
)
from .card import Card, Classes, GuestFacts
from .checkpoint import find_weights, load_network, load_state, read_card, require_tensors, save_network
from .devices import device_of, usable_device
from .guests import (
    LIBRARIES,
    PACKAGES,
    REGISTERED,
    GuestNetwork,
    NetworkSpec,
    Wanted,
    invite,
    is_address,
    is_installed,
    kind_said_by,
    names_in,
    parse_network,
    split_address,
)
from .hub import HubNetwork, fetch, is_repository
from .model_page import model_page
from .network import MIN_SIZE, Network, read_picture, resize_output
from .old_names import load_reference_state, rename_ancestor_state
from .outputs import OUTPUTS, Output
from .preprocessing import PREPROCESSINGS, NamedNormalisation, Normalisation, Preprocessing
from .recognise import AncestorNetwork, recognise_ancestor, recognise_backbone, resembled_backbone
from .sizes import SizeRule
from .state_files import read_state
from .weights import load_backbone, load_backbone_state

if TYPE_CHECKING:
    from .deeplab import DeepLab
    from .dispnet import DispNet
    from .fcn import FCN8s
    from .fcrn import FCRN
    from .frrn import FRRN
    from .segnet import SegNet

__all__ = [
    "ALIASES",
    "FCRN",
    "FRRN",
    "LIBRARIES",
    "MIN_SIZE",
    "NETWORKS",
    "OUTPUTS",
    "PACKAGES",
    "PREPROCESSINGS",
    "REGISTERED",
    "AncestorNetwork",
    "Card",
    "Classes",
    "DeepLab",
    "DispNet",
    "FCN8s",
    "GuestFacts",
    "GuestNetwork",
    "NamedNormalisation",
    "Network",
    "NetworkSpec",
    "Normalisation",
    "Output",
    "Preprocessing",
    "SegNet",
    "SizeRule",
    "Wanted",
    "build_network",
    "device_of",
    "fetch",
    "find_weights",
    "invite",
    "is_address",
    "is_guest",
    "is_installed",
    "is_known",
    "is_named",
    "is_repository",
    "kind_said_by",
    "load_backbone",
    "load_backbone_state",
    "load_network",
    "load_reference_state",
    "load_state",
    "names_in",
    "network_options",
    "parse_network",
    "prepared",
    "read_card",
    "read_picture",
    "read_state",
    "recognise_ancestor",
    "recognise_backbone",
    "register",
    "rename_ancestor_state",
    "require_tensors",
    "resembled_backbone",
    "resize_output",
    "resolve_arch",
    "save_network",
    "split_address",
    "usable_device",
]

# whoever reads a network finds its class in the table, and every class in the table stands on this one
HubNetwork.write_checkpoint, HubNetwork.read_checkpoint = save_network, load_network
HubNetwork.front_page = lambda net: model_page(net.card)

_PAPERS: LazyTable[Any] = LazyTable(
    {
        "DeepLab": "segdepth.networks.deeplab:DeepLab",
        "DispNet": "segdepth.networks.dispnet:DispNet",
        "FCN8s": "segdepth.networks.fcn:FCN8s",
        "FCRN": "segdepth.networks.fcrn:FCRN",
        "FRRN": "segdepth.networks.frrn:FRRN",
        "SegNet": "segdepth.networks.segnet:SegNet",
    }
)


def __getattr__(name: str) -> Any:
    """The papers' classes, imported when first asked for, as the table of networks imports them."""
    return _PAPERS.attribute(name, __name__)
