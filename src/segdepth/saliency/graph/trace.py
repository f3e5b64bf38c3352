"""From a network to the list of ATen operations that it runs at one input size."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

from segdepth.core.errors import reason

from ..modules import named_modules
from ..target import require_tensor
from .calls import Interception, Recorder, Tracer, intercepted, show_calls
from .unsupported import UnsupportedOperationError

__all__ = ["DETACH", "Opaque", "trace"]

#: How a trace shows where autograd is told to stop.
DETACH = (torch.ops.aten.detach.default, torch.ops.aten.detach_copy.default)


@dataclass(frozen=True)
class Opaque:
    """A module that is called as it is.

    Attributes:
        module: which.
        why: what a trace would get wrong, in words.
    """

    module: nn.Module
    why: str


def trace(
    net: nn.Module,
    function: Callable[[Tensor], Tensor],
    x: Tensor,
    put_back: Callable[[], None],
    opaque: list[Opaque],
) -> fx.GraphModule:
    """Record what a function does to an input of this shape, without computing it.

    In-place operations are rewritten as plain ones. Parameters and buffers are referred to, not copied. Where autograd is off,
    results are shown as detached. Custom functions are single operations, and so are the innermost modules that cannot be traced
    rightly.

    Args:
        net: whose modules.
        function: from input to output; the network is in eval mode.
        x: an input; its numbers matter to modules that are called as they are only.
        put_back: called after each look: what a network notes of it are values without numbers.
        opaque: modules that are called as they are; those that are found here are added.

    Raises:
        UnsupportedOperationError: if the network cannot be traced although its parts are called as they are.
    """
    paths = {module: path for path, module in named_modules(net)}
    known = {part.module for part in opaque}
    hooked = [module for module in paths if module is not net and module not in known and _has_gradient_hook(module)]
    opaque += [Opaque(module, "a hook on gradients") for module in hooked]
    answers = None
    while True:
        tracer = Tracer(paths, {part.module: part.why for part in opaque}, answers)
        try:
            return _look(function, x, tracer)
        except UnsupportedOperationError as error:
            if tracer.unrecorded and answers is None:
                put_back()
                answers = _record(function, x, Recorder(paths, tracer.opaque))
                continue
            module = tracer.failed
            if module is None or module is net or module not in paths or module in tracer.opaque:
                raise UnsupportedOperationError(f"{error.operation} in the forward pass of {type(net).__name__} itself") from None
            opaque.append(Opaque(module, error.operation))
            answers = None
        finally:
            put_back()


def _has_gradient_hook(module: nn.Module) -> bool:
    return bool(module._backward_hooks or module._backward_pre_hooks)


def _record(function: Callable[[Tensor], Tensor], x: Tensor, recorder: Recorder) -> list[Any]:
    with torch.enable_grad(), intercepted(recorder):
        function(x)
    return recorder.answers


def _look(function: Callable[[Tensor], Tensor], x: Tensor, tracer: Tracer) -> fx.GraphModule:
    try:
        with torch.enable_grad():
            traced: fx.GraphModule = make_fx(
                torch.func.functionalize(lambda y: _visibly(function, y, tracer)),
                tracing_mode="fake",
                _allow_non_fake_inputs=True,
            )(x)
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise UnsupportedOperationError(f"a decision by the input's values ({error.func})") from None
    except UnsupportedOperationError:
        raise
    except Exception as error:  # of any kind: what a network's forward makes of values without numbers
        if "mutating a non-functional tensor" in str(error):
            raise UnsupportedOperationError("a tensor of its own that it writes what it computes to") from error
        raise UnsupportedOperationError(f"what cannot be traced ({reason(error)})") from error
    show_calls(traced.graph, tracer.calls)
    _without_writing(traced.graph)
    traced.graph.eliminate_dead_code()
    return traced


def _without_writing(graph: fx.Graph) -> None:
    """What operations of PyTorch's write to values of their own, plain operations do as well: a trace reads the result."""
    for node in graph.nodes:
        name, _, overload = str(node.target).removeprefix("aten.").partition(".")
        if isinstance(node.target, torch._ops.OpOverload) and name.endswith("_") and not name.startswith("_"):
            plain = getattr(getattr(torch.ops.aten, name[:-1], None), overload, None)
            node.target = plain or node.target


def _visibly(function: Callable[[Tensor], Tensor], x: Tensor, by: Interception) -> Tensor:
    """The function's answer, with everything that autograd does not follow as an operation that a trace shows."""
    with intercepted(by), _Visible():  # not before: torch.fx sets its own interception when it begins
        return require_tensor(function(x))


class _Visible(TorchFunctionMode):
    """Makes visible what a trace does not show: ``detach`` (an alias from PyTorch 2.14 on), ``.data``, autograd switched off.

    Raises:
        UnsupportedOperationError: at what no trace can show: hooks on gradients, and values that are changed behind autograd's back.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        if func in _HIDDEN:
            raise UnsupportedOperationError(_HIDDEN[func])
        if func in _DETACHING:
            return _detached(args[0])
        if torch.is_grad_enabled():
            return func(*args, **(kwargs or {}))
        if _writes(func) and _is_computed(args[0]):
            raise UnsupportedOperationError(f"{func.__name__} under torch.no_grad()")
        return tree_map_only(Tensor, _detached, func(*args, **(kwargs or {})))


def _detached(value: Tensor) -> Tensor:
    return torch.ops.aten.detach_copy.default(value) if value.is_floating_point() and _is_computed(value) else value


def _is_computed(value: Any) -> bool:
    """Whether a value is of this look; parameters and buffers are the network's own."""
    return isinstance(value, Tensor) and torch._is_functional_tensor(value)


def _writes(func: Any) -> bool:
    name = getattr(func, "__name__", "")
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))


#: How a value is got out of autograd; as the functions that a mode is told of.
_DETACHING = (Tensor.detach, torch.detach, Tensor.data.__get__)  # type: ignore[attr-defined]

#: What no trace shows.
_HIDDEN: dict[Any, str] = {
    Tensor.data.__set__: "a value changed by its .data",  # type: ignore[attr-defined]
    Tensor.register_hook: "a hook on a gradient",
}
