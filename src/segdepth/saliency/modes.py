"""A network is looked at in eval mode, and left as it was."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import nn

__all__ = ["grad_mode_kept", "recording", "step_by_step", "undisturbed", "uninterrupted"]

T = TypeVar("T")


@contextmanager
def undisturbed(net: nn.Module) -> Iterator[None]:
    """Eval mode inside; every module's own mode again afterwards, also after an error or Ctrl-C."""
    modes = [(module, module.training) for module in net.modules()]
    try:
        net.eval()
        with grad_mode_kept(), torch.inference_mode(mode=False):
            yield
    finally:
        with uninterrupted():
            for module, mode in modes:
                module.training = mode


@contextmanager
def grad_mode_kept() -> Iterator[None]:
    """Autograd is on afterwards if it was on before: Ctrl-C on the threshold of ``torch.no_grad()`` leaves it off."""
    before = torch.is_grad_enabled()
    try:
        yield
    finally:
        torch.set_grad_enabled(before)


def step_by_step(items: Iterator[T]) -> Iterator[T]:
    """The same items; the caller's grad mode is left alone by each step, however it ends."""
    while True:
        with grad_mode_kept():
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


@contextmanager
def recording() -> Iterator[None]:
    """Autograd works inside, whatever mode the caller is in."""
    with torch.inference_mode(mode=False), torch.enable_grad():
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the end of the block.

    PyTorch's tracing does not survive it: the process is aborted, or every later trace fails. Signals are handled in the
    main thread only, so in any other nothing has to be done.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    waiting: list[int] = []

    def note(number: int, _frame: Any) -> None:
        waiting.append(number)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if waiting:
            signal.raise_signal(signal.SIGINT)
