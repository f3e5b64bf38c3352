"""A network is looked at in eval mode, and left as it was."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar
from weakref import WeakSet

import torch
from torch import Tensor, nn

from .modules import set_eval
from .snapshot import Snapshot
from .steady import say_once, statistics_words, steady_answer

__all__ = [
    "Precision", "arithmetic", "first_pass", "grad_mode_kept", "recording", "step_by_step", "undisturbed", "uninterrupted",
]  # fmt: skip

T = TypeVar("T")

#: How numbers are multiplied: as they are; on NVIDIA GPUs with 10 bits of fraction; gradients with 7 bits of fraction.
Precision = Literal["full", "tf32", "bf16"]


@contextmanager
def undisturbed(net: nn.Module) -> Iterator[None]:
    """Eval mode inside; every module as it was afterwards, also after an error or Ctrl-C."""
    before = Snapshot(net)
    try:
        set_eval(net)
        with grad_mode_kept(), torch.inference_mode(mode=False):
            yield
    finally:
        try:
            with uninterrupted():
                before.restore()
        except KeyboardInterrupt:  # on the threshold of the block, or held back by it
            before.restore()
            raise


#: Networks that have made a pass of their own here.
_ran: WeakSet[nn.Module] = WeakSet()


def first_pass(net: nn.Module, run: Callable[[], Tensor]) -> Tensor:
    """What a network answers, before anybody looks at how.

    The first time it is asked, and whenever it makes itself ready anew (hooks that it installs, weights of lazy modules), a
    network is left as this pass leaves it: whatever it notes, and wherever, is as after a forward pass of its own. Later it is
    left as it was.

    Args:
        net: in any mode; it answers in eval mode.
        run: makes the forward pass.

    Raises:
        InputError: if it draws random numbers that change its answer.
    """
    before = Snapshot(net)
    keep = False
    try:
        set_eval(net)
        with grad_mode_kept(), torch.inference_mode(mode=False), torch.no_grad():
            answer = steady_answer(net, run)
        keep = net not in _ran or before.sees_a_first_pass()
        if noted := before.restore_statistics():
            say_once(net, statistics_words(noted))
        _ran.add(net)
    finally:
        with uninterrupted():
            (before.restore_modes if keep else before.restore)()
    return answer


@contextmanager
def grad_mode_kept() -> Iterator[None]:
    """Autograd is on afterwards if it was on before: Ctrl-C on the threshold of ``torch.no_grad()`` leaves it off."""
    before = torch.is_grad_enabled()
    try:
        yield
    finally:
        try:
            torch.set_grad_enabled(before)
        except KeyboardInterrupt:
            torch.set_grad_enabled(before)
            raise


@contextmanager
def arithmetic(precision: Precision) -> Iterator[None]:
    """Products of float32 numbers on an NVIDIA GPU are exact, or TF32's; the user's settings are put back afterwards.

    PyTorch's own default for convolutions is TF32, whose maps are wrong by some thousandths of their peak.
    """
    wanted = precision == "tf32"
    cudnn: Any = torch.backends.cudnn
    matmul: Any = torch.backends.cuda.matmul
    if hasattr(matmul, "fp32_precision"):  # PyTorch 2.9 and later; mixing it with the older settings is an error there
        value = "tf32" if wanted else "ieee"
        settings: list[tuple[Any, str, Any]] = [(place, "fp32_precision", value) for place in (cudnn.conv, matmul)]
    else:
        settings = [(cudnn, "allow_tf32", wanted), (matmul, "allow_tf32", wanted)]
    before = [getattr(place, name) for place, name, _ in settings]

    def put_back() -> None:
        for (place, name, _), old in zip(settings, before, strict=True):
            setattr(place, name, old)

    try:
        for place, name, value in settings:
            setattr(place, name, value)
        yield
    finally:
        try:
            with uninterrupted():
                put_back()
        except KeyboardInterrupt:  # see undisturbed
            put_back()
            raise


def step_by_step(items: Iterator[T], precision: Precision = "full") -> Iterator[T]:
    """The same items; the caller's grad mode and arithmetic are left alone by each step, however it ends."""
    while True:
        with grad_mode_kept(), arithmetic(precision):
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
        if waiting and callable(before):  # called, not raised anew: whoever counts signals would count a second one
            before(signal.SIGINT, None)
        elif waiting:
            signal.raise_signal(signal.SIGINT)
