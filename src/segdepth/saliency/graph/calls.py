"""What a trace cannot hold is called as it is: custom autograd functions, and modules that a trace would get wrong."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from threading import get_ident
from typing import Any, NamedTuple
from weakref import ref

import torch
from torch import Tensor, fx, nn
from torch.fx.experimental.proxy_tensor import get_proxy_mode
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from segdepth.core.errors import reason

from .unsupported import UnsupportedOperationError

__all__ = ["Again", "Call", "Interception", "Recorder", "Tracer", "intercepted", "show_calls"]


#: What is compared by value and holds nothing else.
_PLAIN = (bool, int, float, str, type(None), torch.dtype, torch.device)


class Call:
    """One call of a function or a module, as a single operation from tensors to tensors.

    Args:
        function: what is called.
        args: of the call.
        kwargs: of the call.
        name: for people.
        answer: the form of what it answers, at every picture.

    Attributes:
        name: for people.
        holds_others: whether an argument is an object, which may be, or hold, the network.
    """

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str, answer: "_Answer"
    ) -> None:
        self._function = function
        leaves, self._spec = tree_flatten((args, kwargs))
        self._leaves = [None if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        self._places = [k for k, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]
        self._answer = answer
        self.holds_others = any(not isinstance(leaf, _PLAIN) for leaf in self._leaves)
        self.name = name
        self.__name__ = "call"  # as torch.fx asks of what it calls

    def __call__(self, tensors: list[Tensor]) -> list[Tensor]:
        """The tensors of the answer, in the order of its leaves.

        Raises:
            UnsupportedOperationError: if it fails, as what is told otherwise than by arguments makes it, or if the
                answer has another form than at the picture at which the trace was made.
        """
        leaves = list(self._leaves)
        for place, tensor in zip(self._places, tensors, strict=True):
            leaves[place] = tensor.clone()  # which it may write to
        args, kwargs = tree_unflatten(leaves, self._spec)
        try:
            answer = self._function(*args, **kwargs)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # of any kind: it is the network's own code
            raise UnsupportedOperationError(
                f"{self.name}, which fails when it is called alone ({reason(error)})"
            ) from error
        if _Answer(answer) != self._answer:
            raise UnsupportedOperationError(f"{self.name}, which answers in another form at another picture")
        # their numbers one after the other in memory, as a trace has them
        return [leaf.contiguous() for leaf in tree_flatten(answer)[0] if isinstance(leaf, Tensor)]


class _Form(NamedTuple):
    """A tensor without its numbers."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device


class _Answer:
    """The form of what a call answered: tensors without their numbers, and what else it is.

    Raises:
        UnsupportedOperationError: if something in it can not be compared with another answer's.
    """

    def __init__(self, answer: Any) -> None:
        leaves, self._spec = tree_flatten(answer)
        if not any(isinstance(leaf, Tensor) for leaf in leaves):
            raise UnsupportedOperationError("a part that answers something else than tensors")
        self._leaves: list[Any] = [
            _Form(tuple(leaf.shape), leaf.dtype, leaf.device) if isinstance(leaf, Tensor) else leaf for leaf in leaves
        ]
        if any(not isinstance(leaf, (_Form, *_PLAIN)) for leaf in self._leaves):
            raise UnsupportedOperationError("a part that answers something else than tensors")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Answer) and (self._spec, self._leaves) == (other._spec, other._leaves)

    __hash__ = None  # type: ignore[assignment]

    def empty(self) -> list[Tensor]:
        """Tensors of this form."""
        forms = (leaf for leaf in self._leaves if isinstance(leaf, _Form))
        return [torch.empty(form.shape, dtype=form.dtype, device=form.device) for form in forms]

    def filled(self, tensors: list[Tensor]) -> Any:
        """The answer with these tensors."""
        left = iter(tensors)
        spec: TreeSpec = self._spec
        return tree_unflatten([next(left) if isinstance(leaf, _Form) else leaf for leaf in self._leaves], spec)


def _calling(original: Callable[..., Any], module: nn.Module) -> Callable[..., Any]:
    """A module's call, which does not keep it alive: its hooks may hold the network."""
    held = ref(module)

    def call(*args: Any, **kwargs: Any) -> Any:
        return original(held(), *args, **kwargs)

    return call


class Interception:
    """Is asked at every call of a module or a custom function while it is :func:`intercepted`.

    Args:
        paths: of the network's modules.
        opaque: the modules that are called as they are, and why, in words.

    Attributes:
        failed: the innermost module in whose forward pass an error was raised.
    """

    def __init__(self, paths: dict[nn.Module, str], opaque: dict[nn.Module, str]) -> None:
        self.paths = paths
        self.opaque = opaque
        self.failed: nn.Module | None = None
        self._inside: list[nn.Module] = []

    def module(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """A module's call."""
        self._inside.append(module)
        try:
            if module in self.opaque:
                return self.opaquely(_calling(original, module), args, kwargs, self.opaque[module])
            return self.openly(original, module, args, kwargs)
        except Exception:
            self.failed = self.failed or module
            raise
        finally:
            self._inside.pop()

    def openly(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """The call of a module that is looked into."""
        return original(module, *args, **kwargs)

    def opaquely(self, function: Callable[..., Any], args: Any, kwargs: Any, name: str) -> Any:
        """A call that is not looked into."""
        raise NotImplementedError


class Recorder(Interception):
    """Notes the form of what opaque calls answer, in a forward pass with numbers.

    Attributes:
        answers: of the calls, in their order.
    """

    def __init__(self, paths: dict[nn.Module, str], opaque: dict[nn.Module, str]) -> None:
        super().__init__(paths, opaque)
        self.answers: list[_Answer] = []
        self._deep = False

    def opaquely(self, function: Callable[..., Any], args: Any, kwargs: Any, name: str) -> Any:
        """See :meth:`Interception.opaquely`."""
        del name
        if self._deep:
            return function(*args, **kwargs)
        self._deep = True
        try:
            answer = function(*args, **kwargs)
        finally:
            self._deep = False
        try:
            self.answers.append(_Answer(answer))
        except UnsupportedOperationError:  # what holds it may answer tensors alone
            self.failed = next((module for module in reversed(self._inside) if module not in self.opaque), None)
            raise
        return answer


class Tracer(Interception):
    """Shows opaque calls as one operation each, and notes in which module every operation stands.

    Args:
        paths: see :class:`Interception`.
        opaque: see there.
        answers: of a :class:`Recorder`; None if none has been asked.

    Attributes:
        unrecorded: whether there was a call whose answer's form is not known.
    """

    def __init__(
        self, paths: dict[nn.Module, str], opaque: dict[nn.Module, str], answers: list[_Answer] | None
    ) -> None:
        super().__init__(paths, opaque)
        self.unrecorded = False
        self.calls: list[Call] = []
        self._answers = answers

    def openly(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """See :meth:`Interception.openly`."""
        begin = _length()
        answer = original(module, *args, **kwargs)
        self._mark(begin, module)
        return answer

    def opaquely(self, function: Callable[..., Any], args: Any, kwargs: Any, name: str) -> Any:
        """See :meth:`Interception.opaquely`."""
        number = len(self.calls)
        if self._answers is None or number >= len(self._answers):
            self.unrecorded = True
            raise UnsupportedOperationError(f"{name}, which is called another number of times at every look")
        begin, answer = _length(), self._answers[number]
        self.calls.append(Call(function, args, kwargs, name, answer))
        _shown[number] = answer
        tensors = [leaf for leaf in tree_flatten((args, kwargs))[0] if isinstance(leaf, Tensor)]
        shown = torch.ops.segdepth.opaque(tensors, number)
        if not torch.is_grad_enabled():
            shown = [torch.ops.aten.detach_copy.default(one) for one in shown]
        self._mark(begin, self._inside[-1] if self._inside else None)
        return answer.filled(shown)

    def _mark(self, begin: int, module: nn.Module | None) -> None:
        _mark_new(begin, (self.paths.get(module, ""), type(module).__name__))  # type: ignore[arg-type]


class Again(fx.Interpreter):
    """Runs a trace while it is traced again, and hands on in which module every operation stands."""

    def run_node(self, n: fx.Node) -> Any:
        """See :class:`torch.fx.Interpreter`."""
        begin = _length()
        result = super().run_node(n)
        _mark_new(begin, n.meta.get("module", ("", "")))
        return result


def _length() -> int:
    mode = get_proxy_mode()
    return len(mode.tracer.graph.nodes) if mode is not None else 0


def _mark_new(begin: int, module: tuple[str, str]) -> None:
    mode = get_proxy_mode()
    if mode is None:
        return
    nodes = mode.tracer.graph.nodes
    for node in islice(reversed(nodes), len(nodes) - begin):
        node.meta.setdefault("module", module)


#: The form of what each call answers, in the trace that is being made.
_shown: dict[int, _Answer] = {}


@torch.library.custom_op("segdepth::opaque", mutates_args=())
def _opaque(tensors: list[Tensor], number: int) -> list[Tensor]:
    del tensors, number
    raise RuntimeError("stands in traces only, until show_calls")


@_opaque.register_fake
def _(tensors: list[Tensor], number: int) -> list[Tensor]:
    del tensors
    return _shown[number].empty()


def show_calls(graph: fx.Graph, calls: list[Call]) -> None:
    """Put the calls themselves in the place of the operations that stand for them."""
    for node in graph.nodes:
        if node.target is torch.ops.segdepth.opaque.default:
            node.target = calls[node.args[1]]
            node.args = (node.args[0],)


@contextmanager
def intercepted(by: Interception) -> Iterator[None]:
    """Every call of a module or of a custom autograd function by this thread goes through ``by`` inside."""
    module_call, apply = nn.Module.__call__, torch.autograd.Function.__dict__["apply"]
    thread = get_ident()

    def call(module: nn.Module, /, *args: Any, **kwargs: Any) -> Any:
        if get_ident() != thread:
            return module_call(module, *args, **kwargs)
        return by.module(module_call, module, args, kwargs)

    def call_function(cls: Any, *args: Any, **kwargs: Any) -> Any:
        if get_ident() != thread:
            return apply.__get__(None, cls)(*args, **kwargs)
        return by.opaquely(
            lambda *a, **k: apply.__get__(None, cls)(*a, **k), args, kwargs, f"the custom function {cls.__name__}"
        )

    nn.Module.__call__ = call  # type: ignore[method-assign]
    torch.autograd.Function.apply = classmethod(call_function)  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        nn.Module.__call__ = module_call  # type: ignore[method-assign]
        torch.autograd.Function.apply = apply  # type: ignore[method-assign]
