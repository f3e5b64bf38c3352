"""Networks that were not written for this house: of other libraries, of other people."""

from .address import LIBRARIES, is_address, split_address
from .factory import encoder_of
from .guest import Guest, GuestNetwork, Wanted
from .invite import describe, invite, module_for
from .registry import REGISTERED, Factory

__all__ = [
    "LIBRARIES",
    "REGISTERED",
    "Factory",
    "Guest",
    "GuestNetwork",
    "Wanted",
    "describe",
    "encoder_of",
    "invite",
    "is_address",
    "module_for",
    "split_address",
]
