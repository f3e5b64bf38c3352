"""From a network to the list of ATen operations that it runs at one input size."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, fx
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.autograd.function import BackwardCFunction
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from segdepth.core.errors import reason

from ..target import require_tensor
from .unsupported import UnsupportedOperationError

__all__ = ["DETACH", "trace"]

#: How a trace shows where autograd is told to stop.
DETACH = (torch.ops.aten.detach.default, torch.ops.aten.detach_copy.default)


def trace(function: Callable[[Tensor], Tensor], x: Tensor, put_back: Callable[[], None]) -> fx.GraphModule:
    """Record what a function does to an input of this shape, without computing it.

    In-place operations are rewritten as plain ones. Parameters and buffers are referred to, not copied.

    Args:
        function: from input to output; a network in eval mode.
        x: an input; only its shape, type and device matter.
        put_back: called after each look: what a network notes of it are values without numbers.

    Raises:
        UnsupportedOperationError: if what is done depends on the input's values, a derivative is user-written, or
            autograd is switched off for a part whose result is used.
    """
    try:
        _refuse_other_derivatives(function, x)
        put_back()
        with torch.no_grad():
            traced: fx.GraphModule = make_fx(
                torch.func.functionalize(lambda y: _visibly(function, y)),
                tracing_mode="fake",
                _allow_non_fake_inputs=True,
            )(x)
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise UnsupportedOperationError(f"a decision by the input's values ({error.func})") from None
    except (RuntimeError, TypeError) as error:  # also of a forward that is wrong: run as it is, it says so itself
        if "mutating a non-functional tensor" in str(error):
            raise UnsupportedOperationError("a tensor of its own that it writes what it computes to") from error
        raise UnsupportedOperationError(f"what cannot be traced ({reason(error)})") from error
    return traced


def _visibly(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The function's answer, with every ``detach`` as an operation that a trace shows."""
    with _VisibleDetach():
        return function(x)


class _VisibleDetach(TorchFunctionMode):
    """From PyTorch 2.14 on a trace records ``detach`` as an alias, which has a derivative."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        if func in (Tensor.detach, torch.detach):
            return torch.ops.aten.detach_copy.default(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _refuse_other_derivatives(function: Callable[[Tensor], Tensor], x: Tensor) -> None:
    """A trace sees forward operations only, and would derive those that autograd does not, or derives otherwise."""
    watch = _Watch()
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.enable_grad(), watch, _WatchAttributes(watch):
        image = mode.from_tensor(x.detach()).requires_grad_()
        watch.follow(image)
        output = _visibly(function, image)
    require_tensor(output)
    for node in _history(output):
        if isinstance(node, BackwardCFunction):
            raise UnsupportedOperationError(f"the custom function {type(node).__name__.removesuffix('Backward')}")
    if used := watch.used or watch.stopped_at(output):
        raise UnsupportedOperationError(used)


class _Watch(TorchDispatchMode):
    """Finds what is computed from the picture with autograd switched off and used with autograd on.

    Values are told apart by their memory, which views and in-place operations share; a plain ``detach`` is none of
    these, it is in the trace.

    Attributes:
        used: the first such operation, in words; None: there is none.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.used: str | None = None
        self._from_image: dict[int, Any] = {}  # the memory is held, so that its number stays its own
        self._stopped: dict[int, str] = {}

    def follow(self, value: Tensor) -> int:
        """Note that a value depends on the picture; returns the number of its memory."""
        storage = value.untyped_storage()
        number: int = storage._cdata
        self._from_image[number] = storage
        return number

    def stop(self, value: Tensor, reason: str) -> None:
        """Note that autograd does not follow a value, if it depends on the picture, from here on."""
        if self._depends(value):
            self._stopped.setdefault(value.untyped_storage()._cdata, reason)

    def stopped_at(self, value: Tensor) -> str | None:
        """Why autograd does not follow a value; None: it does."""
        return self._stopped.get(value.untyped_storage()._cdata)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        result = func(*args, **(kwargs or {}))
        sources = [a for a in tree_leaves((args, kwargs)) if isinstance(a, Tensor) and self._depends(a)]
        if sources:
            self._note(func, sources, [r for r in tree_leaves(result) if isinstance(r, Tensor)])
        return result

    def _depends(self, value: Tensor) -> bool:
        return value.untyped_storage()._cdata in self._from_image

    def _note(self, func: Any, sources: list[Tensor], results: list[Tensor]) -> None:
        recorded = torch.is_grad_enabled()
        if recorded and self.used is None:
            self.used = next(filter(None, map(self.stopped_at, sources)), None)
        for result in results:
            if not result.is_floating_point():
                continue  # a comparison, an index: it has no derivative anyway
            number = self.follow(result)
            if not recorded and func not in DETACH:
                self._stopped.setdefault(number, f"{func} under torch.no_grad()")


class _WatchAttributes(TorchFunctionMode):
    """Finds what operations do not tell: values taken by ``.data``, and gradients that a hook may change.

    Args:
        watch: is told.
    """

    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        result = func(*args, **(kwargs or {}))
        if func in _WITHOUT_AUTOGRAD:
            self._watch.stop(args[0], _WITHOUT_AUTOGRAD[func])
        return result


#: How a value is got out of, or its gradient changed behind, autograd; as the functions that a mode is told of.
_WITHOUT_AUTOGRAD: dict[Any, str] = {
    Tensor.data.__get__: "a value used by its .data",  # type: ignore[attr-defined]
    Tensor.register_hook: "a hook on a gradient",
}


def _history(output: Tensor) -> Iterator[torch.autograd.graph.Node]:
    """Every backward step below an output, once."""
    waiting, seen = [output.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            yield node
            waiting += [below for below, _ in node.next_functions]
