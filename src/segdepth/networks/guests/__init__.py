"""Networks that were not written for this house: of other libraries, of other people."""

from .address import (
    LIBRARIES,
    PACKAGES,
    NetworkSpec,
    is_address,
    is_installed,
    names_in,
    parse_network,
    split_address,
    task_said_by,
)
from .factory import encoder_of
from .guest import Guest, GuestNetwork, Wanted
from .invite import invite, module_for
from .registry import find_registered, register, registered_names

__all__ = [
    "LIBRARIES",
    "PACKAGES",
    "Guest",
    "GuestNetwork",
    "NetworkSpec",
    "Wanted",
    "encoder_of",
    "find_registered",
    "invite",
    "is_address",
    "is_installed",
    "module_for",
    "names_in",
    "parse_network",
    "register",
    "registered_names",
    "split_address",
    "task_said_by",
]
