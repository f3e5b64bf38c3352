"""Places by the names that a command line gives them."""

import re

from segdepth.core.errors import InputError

from .cluster import Ray
from .places import Local, Place

__all__ = ["parse_place"]


def parse_place(text: str, cores: int = 1) -> Place:
    """The place of ``--on``.

    Args:
        text: ``local`` or ``local:4``; ``ray`` (a cluster on this machine, for this command), ``ray:auto`` or ``ray:<address>``
            (one that runs).
        cores: of each worker of a cluster.

    Raises:
        InputError: if it is none, or Ray is not installed.

    Example:
        >>> parse_place("local:4")
        Local(workers=4)
    """
    kind, colon, rest = text.partition(":")
    if kind == "local" and (not colon or re.fullmatch(r"[1-9]\d{0,3}", rest)):
        return Local(int(rest) if colon else None)
    if kind == "ray" and (rest or not colon):
        return Ray(rest or None, cores)
    raise InputError(f"--on {text!r} is no place; give local, local:4 (processes), ray, or ray:<address of a cluster>")
