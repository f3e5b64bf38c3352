"""One paper, one file, one class, two tasks."""

from .build import ALIASES, NETWORKS, build_network, network_options, resolve_arch
from .card import Card, Classes
from .checkpoint import find_weights, load_network, read_card, read_state, save_network
from .network import MIN_SIZE, Network, read_picture, resize_output
from .old_names import load_reference_state, rename_reference_state
from .preprocessing import PREPROCESSINGS, Preprocessing
from .recognise import ReferenceNetwork, recognise_backbone, recognise_reference
from .weights import load_backbone, load_backbone_state

__all__ = [
    "ALIASES",
    "MIN_SIZE",
    "NETWORKS",
    "PREPROCESSINGS",
    "Card",
    "Classes",
    "Network",
    "Preprocessing",
    "ReferenceNetwork",
    "build_network",
    "find_weights",
    "load_backbone",
    "load_backbone_state",
    "load_network",
    "load_reference_state",
    "network_options",
    "read_card",
    "read_picture",
    "read_state",
    "recognise_backbone",
    "recognise_reference",
    "rename_reference_state",
    "resize_output",
    "resolve_arch",
    "save_network",
]
