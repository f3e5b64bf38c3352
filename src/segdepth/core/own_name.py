"""A name that no other writer has: of this process among all that share a folder, on this machine and on others."""

import hashlib
import os
import platform
import secrets

__all__ = ["of_this_machine", "unlike_any"]

#: Tells this process from those of other machines, which may have its number.
_CHANCE = secrets.token_hex(4)


def unlike_any() -> str:
    """Names this process among all that may write into a folder, on this machine and on others."""
    return f"{os.getpid()}-{_CHANCE}"


def of_this_machine(number: int) -> str:
    """A number among those of this machine, which is the same after a restart."""
    return f"{number}-{hashlib.sha256(platform.node().encode()).hexdigest()[:8]}"
