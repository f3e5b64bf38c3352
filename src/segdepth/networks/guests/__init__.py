"""Networks that were not written for this house: of other libraries, of other people."""

from .address import LIBRARIES, is_address, split_address
from .factory import encoder_of
from .guest import Guest, GuestNetwork, Wanted
from .invite import describe, invite, module_for
from .registry import find_registered, register

__all__ = [
    "LIBRARIES",
    "Guest",
    "GuestNetwork",
    "Wanted",
    "describe",
    "encoder_of",
    "find_registered",
    "invite",
    "is_address",
    "module_for",
    "register",
    "split_address",
]
