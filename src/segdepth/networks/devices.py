"""The device that a user names."""

import torch

from segdepth.core.errors import InputError, reason

__all__ = ["usable_device"]


def usable_device(device: str | torch.device) -> torch.device:
    """The device of a name, tried.

    Raises:
        InputError: if there is no such device on this machine, or torch was built without it.
    """
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):  # which lists every device that torch was ever built for
        raise InputError(f"{str(device)!r} is no device; there are 'cpu', 'cuda', 'cuda:1', 'mps'") from None
    try:
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"the device {str(device)!r} cannot be used here ({reason(error)}); try 'cpu'") from None
    return found
