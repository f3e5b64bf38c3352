"""The device that a user names."""

import torch

from segdepth.core.errors import InputError, reason

__all__ = ["device_of", "usable_device"]


def usable_device(device: str | torch.device) -> torch.device:
    """The device of a name, tried.

    Raises:
        InputError: if there is no such device on this machine, torch was built without it, or it holds no numbers.
    """
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):  # which lists every device that torch was ever built for
        raise InputError(f"{str(device)!r} is no device; there are 'cpu', 'cuda', 'cuda:1', 'mps'") from None
    try:
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"the device {str(device)!r} cannot be used here ({reason(error)}); try 'cpu'") from None
    if found.type == "meta":
        raise InputError("the device 'meta' holds shapes without numbers; there are 'cpu', 'cuda', 'cuda:1', 'mps'")
    return found


def device_of(name: str) -> torch.device:
    """The device of a name; "auto" is CUDA or MPS where there is one.

    Raises:
        InputError: see :func:`usable_device`.
    """
    if name != "auto":
        return usable_device(name)
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return found or torch.device("cpu")
