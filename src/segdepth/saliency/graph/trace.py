"""From a network to the list of ATen operations that it runs at one input size."""

import linecache
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map_only

from segdepth.core.errors import reason

from ..modules import named_modules
from ..target import require_tensor, run_network
from .calls import Again, Interception, Recorder, Tracer, intercepted, show_calls
from .unsupported import UnsupportedOperationError

__all__ = ["DETACH", "Opaque", "has_gradient_hook", "run_operation", "trace"]

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
    opaque: list[Opaque] | None,
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
        opaque: modules that are called as they are; those that are found here are added. None: nothing is.

    Raises:
        UnsupportedOperationError: if the network cannot be traced although its parts are called as they are.
    """
    paths = {module: path for path, module in named_modules(net)}
    as_it_is: list[Opaque] = [] if opaque is None else opaque
    known = {part.module for part in as_it_is}
    hooked = [module for module in paths if module is not net and module not in known and has_gradient_hook(module)]
    as_it_is += [Opaque(module, "a hook on gradients") for module in hooked]
    answers, by_numbers = None, False
    while True:
        tracer = Tracer(paths, {part.module: part.why for part in as_it_is}, answers)
        try:
            return _look(function, x, tracer, by_numbers)
        except UnsupportedOperationError as error:
            if opaque is None:
                raise
            module, why = tracer.failed, error.operation
            if tracer.unrecorded and answers is None:
                put_back()
                recorder = Recorder(paths, tracer.opaque)
                try:
                    answers = _record(function, x, recorder)
                    continue
                except UnsupportedOperationError as form:
                    module, why = recorder.failed, form.operation
            elif not by_numbers:  # it may decide by what it holds, which is the same for every picture
                by_numbers, answers = True, None
                continue
            if module is None or module is net or module not in paths or module in tracer.opaque:
                words = f"{why} in the forward pass of {type(net).__name__} itself"
                raise UnsupportedOperationError(words) from None
            as_it_is.append(Opaque(module, why))
            by_numbers, answers = False, None
        finally:
            put_back()


def has_gradient_hook(module: nn.Module) -> bool:
    """Whether a module's gradients may be changed behind a trace's back."""
    return bool(module._backward_hooks or module._backward_pre_hooks)


def _record(function: Callable[[Tensor], Tensor], x: Tensor, recorder: Recorder) -> list[Any]:
    with torch.enable_grad(), intercepted(recorder):
        run_network(function, x)
    return recorder.answers


def _look(function: Callable[[Tensor], Tensor], x: Tensor, tracer: Tracer, by_numbers: bool) -> fx.GraphModule:
    try:
        with torch.enable_grad():
            traced = _made(lambda y: _visibly(function, y, tracer, by_numbers), x)
            if any(map(_is_writing, traced.graph.nodes)):  # inside an operation of PyTorch's: circular padding
                traced = _made(Again(traced).run, x)
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise UnsupportedOperationError(f"a decision by the picture's values ({error.func})") from None
    except UnsupportedOperationError:
        raise
    except Exception as error:  # of any kind: what a network's forward makes of values without numbers
        raise UnsupportedOperationError(_in_words(error)) from error
    if any(map(_has_unknown_size, traced.graph.nodes)):
        raise UnsupportedOperationError("a decision by the picture's values (a size)")
    show_calls(traced.graph, tracer.calls)
    _without_copying(traced.graph)
    traced.graph.eliminate_dead_code()
    return traced


#: What PyTorch's own words about what it cannot trace mean.
_MEANINGS = {
    "data-dependent": "a decision by the picture's values",
    "mutating a non-functional tensor": "a tensor of its own that it writes what it computes to",
    "autograd.Function": "a custom autograd function",
    "requires_grad_": "a gradient that it takes itself",
}


def _in_words(error: Exception) -> str:
    known = (meaning for words, meaning in _MEANINGS.items() if words in str(error))
    return next(known, f"what cannot be traced ({reason(error)})")


def _made(function: Callable[[Tensor], Tensor], x: Tensor) -> fx.GraphModule:
    made = make_fx(torch.func.functionalize(function), tracing_mode="fake", _allow_non_fake_inputs=True)
    try:
        with _compiled_parts_uncompiled():
            traced: fx.GraphModule = made(x)
    finally:
        FakeTensorMode.cache_clear()  # PyTorch keeps 100 kB for each size of a picture, and the trace's source, without bound
    source = type(traced).forward.__code__.co_filename
    linecache.cache.pop(source, None)
    fx.graph_module._loader.eval_cache.pop(source, None)
    return traced


@contextmanager
def _compiled_parts_uncompiled() -> Iterator[None]:
    """What went through ``torch.compile`` runs as it was written; by default a trace of it is an error."""
    compiler: Any = sys.modules.get("torch._dynamo")
    if compiler is None:
        yield
        return
    with compiler.config.patch(error_on_nested_fx_trace=False):
        yield


def _is_writing(node: fx.Node) -> bool:
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable


def run_operation(target: Any, args: Any, kwargs: Any) -> Any:
    """An operation of a trace, at numbers that may take other steps in memory than the trace's values without numbers.

    Along axes of length 1 these do, as of tokens that are viewed as a map; some operations count on what they take.
    """
    if target is torch.ops.aten.view.default:
        return torch.reshape(*args, **kwargs)
    if target is torch.ops.aten.native_group_norm.default:
        try:
            return target(*args, **kwargs)
        except RuntimeError:
            return target(args[0].contiguous(), *args[1:], **kwargs)
    return target(*args, **kwargs)


def _has_unknown_size(node: fx.Node) -> bool:
    """Whether a size depends on values, as that of what truths choose."""
    return any(_is_of_unknown_size(one) for one in tree_leaves(node.meta.get("val")) if isinstance(one, Tensor))


def _without_copying(graph: fx.Graph) -> None:
    """A copy into a value has no derivative by itself; what is copied has."""
    for node in graph.nodes:
        if node.target is torch.ops.aten.copy.default:
            node.target, node.kwargs = torch.ops.aten.expand.default, {}
            node.args = (node.args[1], list(node.meta["val"].shape))


def _visibly(function: Callable[[Tensor], Tensor], x: Tensor, by: Interception, by_numbers: bool) -> Tensor:
    """The function's answer, with everything that autograd does not follow as an operation that a trace shows."""
    with intercepted(by), _Visible(by_numbers):  # not before: torch.fx sets its own interception when it begins
        return require_tensor(function(x.clone()))  # which it may write to


class _Visible(TorchFunctionMode):
    """Makes visible what a trace does not show: ``detach`` (an alias from PyTorch 2.14 on), ``.data``, autograd switched off.

    Args:
        by_numbers: whether what is computed from parameters and buffers alone has its numbers.

    Raises:
        UnsupportedOperationError: at what no trace can show: hooks on gradients, values changed behind autograd's back.
    """

    def __init__(self, by_numbers: bool) -> None:
        super().__init__()
        self._by_numbers = by_numbers

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        result = self._made(func, args, kwargs or {})
        if any(isinstance(leaf, Tensor) and _is_of_unknown_size(leaf) for leaf in tree_leaves(result)):
            raise UnsupportedOperationError(
                f"a decision by the picture's values (the size of what {func.__name__} gives)"
            )
        return result

    def _made(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if func in _HIDDEN and _is_computed(args[0]):
            raise UnsupportedOperationError(_HIDDEN[func])
        if func in _DETACHING:
            return _detached(args[0])
        if self._by_numbers and func is Tensor.__getitem__:
            args = (args[0], _places(args[1]))
        if self._by_numbers and _is_known((args, kwargs)):
            with _disable_current_modes():
                return func(*args, **kwargs)
        if torch.is_grad_enabled():
            return func(*args, **kwargs)
        if _writes(func) and _is_computed(args[0]):
            raise UnsupportedOperationError(f"{func.__name__} under torch.no_grad()")
        return tree_map_only(Tensor, _detached, func(*args, **kwargs))


def _detached(value: Tensor) -> Tensor:
    return torch.ops.aten.detach_copy.default(value) if value.is_floating_point() and _is_computed(value) else value


def _is_computed(value: Any) -> bool:
    """Whether a value is of this look; parameters and buffers are the network's own."""
    return isinstance(value, Tensor) and torch._is_functional_tensor(value)


def _is_of_unknown_size(value: Tensor) -> bool:
    """Whether a size depends on the picture's numbers, as of what a mask picks."""
    return any(isinstance(size, torch.SymInt) for size in value.shape)


def _is_known(arguments: Any) -> bool:
    """Whether all tensors among arguments are the network's own, or made of such."""
    tensors = [leaf for leaf in tree_leaves(arguments) if isinstance(leaf, Tensor)]
    return bool(tensors) and not any(isinstance(t, FakeTensor) or _is_computed(t) for t in tensors)


def _places(index: Any) -> Any:
    """An index with places for the network's own truths."""
    if isinstance(index, tuple):
        parts = [_places(one) if isinstance(one, Tensor) else one for one in index]
        return tuple(chain.from_iterable(one if isinstance(one, tuple) else (one,) for one in parts))
    if not isinstance(index, Tensor) or index.dtype != torch.bool or not _is_known(index):
        return index
    with _disable_current_modes():
        return index.nonzero(as_tuple=True)


def _writes(func: Any) -> bool:
    name = getattr(func, "__name__", "")
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))


#: How a value is got out of autograd; as the functions that a mode is told of.
_DETACHING = (Tensor.detach, torch.detach, Tensor.data.__get__)  # type: ignore[attr-defined]

#: What no trace shows.
_HIDDEN: dict[Any, str] = {
    Tensor.data.__set__: "a value changed by its .data",  # type: ignore[attr-defined]
    Tensor.register_hook: "a hook on a gradient",
    **dict.fromkeys((Tensor.numpy, Tensor.__array__, Tensor.data_ptr), "numbers that leave PyTorch"),
}
