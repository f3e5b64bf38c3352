"""A network is looked at in eval mode, and left as it was."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar
from weakref import WeakSet

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from segdepth.core.errors import InputError, SegdepthError, reason

from .memory import is_out_of_memory
from .modules import set_eval, tensors
from .snapshot import Snapshot
from .steady import say_once, statistics_words, steady_answer

__all__ = [
    "Precision", "arithmetic", "first_pass", "grad_mode_kept", "gradients_kept", "one_at_a_time", "recording", "step_by_step",
    "taking_back", "undisturbed", "uninterrupted",
]  # fmt: skip

T = TypeVar("T")

#: How numbers are multiplied: as they are; on NVIDIA GPUs with 10 bits of fraction; gradients with 7 bits of fraction.
Precision = Literal["full", "tf32", "bf16"]


#: Held while a network is looked at: PyTorch traces one function at a time, and of two threads that put a network back, the
#: second one would put it back to what the first had made of it.
one_at_a_time = threading.RLock()


@contextmanager
def undisturbed(net: nn.Module) -> Iterator[None]:
    """Eval mode inside; every module as it was afterwards, also after an error or Ctrl-C. Other threads wait."""
    with one_at_a_time:
        yield from _undisturbed(net)


def _undisturbed(net: nn.Module) -> Iterator[None]:
    before = Snapshot(net)
    try:
        set_eval(net)
        with grad_mode_kept(), torch.inference_mode(mode=False), gradients_kept(net):
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
    with one_at_a_time:
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
def gradients_kept(net: nn.Module) -> Iterator[None]:
    """The weights' gradients are afterwards what they were: backward functions of users', of reversible layers, add to them."""
    before = [(t, t.grad) for t in tensors(net) if isinstance(t, nn.Parameter) and not is_lazy(t)]
    try:
        for parameter, gradient in before:
            if gradient is not None:
                parameter.grad = None
        yield
    finally:
        with uninterrupted():
            for parameter, gradient in before:
                if parameter.grad is not gradient:
                    parameter.grad = gradient


#: The precisions that are asked for now, by whom, the latest last; several threads may ask.
_asked: list[tuple[object, Precision]] = []

#: The user's settings while there is one of these.
_users_own: list[Any] = []

_settings_change = threading.RLock()


@contextmanager
def arithmetic(precision: Precision) -> Iterator[None]:
    """Products of float32 numbers on an NVIDIA GPU are exact, or TF32's; the user's settings are put back afterwards.

    PyTorch's own default for convolutions is TF32, whose maps are wrong by some thousandths of their peak. The settings are
    the whole process's: of several threads, the last one to leave puts them back. A caller's autocast is not asked either: a
    network is explained in its own type (with what it casts itself).
    """
    who = object()
    try:
        with _settings_change:
            if not _asked:
                _users_own[:] = [getattr(place, name) for place, name in _settings()]
            _asked.append((who, precision))
            _set_for(precision)
        with _without_autocast():
            yield
    finally:
        try:
            with uninterrupted():
                _put_back(who)
        except KeyboardInterrupt:  # see undisturbed
            _put_back(who)
            raise


@contextmanager
def _without_autocast() -> Iterator[None]:
    on = [device for device in ("cpu", "cuda") if torch.is_autocast_enabled(device)]
    try:
        for device in on:
            torch.set_autocast_enabled(device, False)
        yield
    finally:
        for device in on:
            torch.set_autocast_enabled(device, True)


def _settings() -> list[tuple[Any, str]]:
    cudnn: Any = torch.backends.cudnn
    matmul: Any = torch.backends.cuda.matmul
    if hasattr(matmul, "fp32_precision"):  # PyTorch 2.9 and later; mixing it with the older settings is an error there
        return [(cudnn.conv, "fp32_precision"), (matmul, "fp32_precision")]
    return [(cudnn, "allow_tf32"), (matmul, "allow_tf32")]


def _set_for(precision: Precision) -> None:
    wanted = precision == "tf32"
    for place, name in _settings():
        setattr(place, name, wanted if name == "allow_tf32" else "tf32" if wanted else "ieee")


def _put_back(who: object) -> None:
    with _settings_change:
        if all(one is not who for one, _ in _asked):
            return
        _asked[:] = [(one, precision) for one, precision in _asked if one is not who]
        if _asked:
            _set_for(_asked[-1][1])
        else:
            for (place, name), old in zip(_settings(), _users_own, strict=True):
                setattr(place, name, old)


def step_by_step(items: Iterator[T], net: nn.Module, precision: Precision = "full") -> Iterator[T]:
    """The same items; each step leaves alone the caller's grad mode and arithmetic, and the gradients of a network's weights."""
    while True:
        with grad_mode_kept(), arithmetic(precision), gradients_kept(net):
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
def taking_back() -> Iterator[None]:
    """Autograd works inside, as in :func:`recording`; what the network's own backward functions raise becomes one sentence.

    Raises:
        InputError: with PyTorch's reason; but when memory has run out, what says so.
    """
    try:
        with recording():
            yield
    except Exception as error:  # of any kind: backward functions are users' code, too
        if isinstance(error, SegdepthError) or is_out_of_memory(error):
            raise
        raise InputError(
            f"PyTorch's autograd cannot take the network's answer back to the picture ({reason(error)})"
        ) from error


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
