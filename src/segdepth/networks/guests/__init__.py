"""Networks that were not written for this house: of other libraries, of other people."""

from .address import (
    LIBRARIES,
    PACKAGES,
    NetworkSpec,
    is_address,
    is_installed,
    kind_said_by,
    names_in,
    parse_network,
    split_address,
)
from .factory import encoder_of
from .guest import Guest, GuestNetwork, Wanted
from .invite import describe, invite, module_for
from .registry import REGISTERED, Factory

__all__ = [
    "LIBRARIES",
    "PACKAGES",
    "REGISTERED",
    "Factory",
    "Guest",
    "GuestNetwork",
    "NetworkSpec",
    "Wanted",
    "describe",
    "encoder_of",
    "invite",
    "is_address",
    "is_installed",
    "kind_said_by",
    "module_for",
    "names_in",
    "parse_network",
    "split_address",
]
