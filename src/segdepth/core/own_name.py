"""A name that no other writer has: of this process among all that share a folder, on this machine and on others."""

import hashlib
import os
import platform
import secrets
from datetime import UTC, datetime
from typing import Any

__all__ = ["of_this_machine", "this_process", "unlike_any"]

#: Tells this process from those of other machines, which may have its number.
_CHANCE = secrets.token_hex(4)


def unlike_any() -> str:
    """Names this process among all that may write into a folder, on this machine and on others."""
    return f"{os.getpid()}-{_CHANCE}"


def of_this_machine(number: int) -> str:
    """A number among those of this machine, which is the same after a restart."""
    return f"{number}-{hashlib.sha256(platform.node().encode()).hexdigest()[:8]}"


def this_process() -> dict[str, Any]:
    """This process, for people: its number, its machine, and the time now in UTC, since when it does something."""
    since = datetime.now(UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    return {"pid": os.getpid(), "host": platform.node(), "since": since}
