"""A network is looked at in eval mode, and left as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

__all__ = ["recording", "undisturbed"]


@contextmanager
def undisturbed(net: nn.Module) -> Iterator[None]:
    """Eval mode inside; every module's own mode again afterwards, also after an error or Ctrl-C."""
    modes = [(module, module.training) for module in net.modules()]
    try:
        net.eval()
        with torch.inference_mode(mode=False):
            yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def recording() -> Iterator[None]:
    """Autograd works inside, whatever mode the caller is in."""
    with torch.inference_mode(mode=False), torch.enable_grad():
        yield
