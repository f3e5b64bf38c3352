"""Take a network apart, hold what comes out against autograd, and find the part that differs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.nn.modules import module as global_hooks

from segdepth.core.errors import reason

from .agreement import wrong_derivative
from .graph import Answered, Graph, UnsupportedOperationError
from .graph.lower import lower, name_of
from .graph.regions import between, carrying
from .graph.trace import Opaque, has_gradient_hook, trace
from .modes import undisturbed, uninterrupted
from .modules import named_modules
from .snapshot import Snapshot

__all__ = ["structure", "take_apart"]

T = TypeVar("T")

#: PyTorch's hooks on the gradients of every module there is.
_HOOKS_OF_ALL = (global_hooks._global_backward_hooks, global_hooks._global_backward_pre_hooks)

#: Parts that may differ from autograd before a network is left whole.
MOST_SUSPECTS = 4


def take_apart(net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"]) -> Graph:
    """The graph of one of a network's functions at the picture's size, type and device.

    What no operation is known for becomes blocks, and so does, by search, what differs from autograd.

    Args:
        net: whose function; it is in eval mode meanwhile and left as it was.
        function: from ``[1, ., h, w]`` to ``[1, c, h', w']``, the network or what is made of it.
        image: the picture at which the graph is compared with autograd.

    Raises:
        UnsupportedOperationError: if it cannot be traced, or differs from autograd whatever is made a block.
    """
    if any(_HOOKS_OF_ALL):
        raise UnsupportedOperationError("a hook on the gradients of all modules")
    if has_gradient_hook(net):
        raise UnsupportedOperationError("a hook on the gradients of the network itself")
    with undisturbed(net):
        return _Apart(net, function, image).found()


def structure(net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"]) -> Graph:
    """What is connected with what, without numbers: blocks count as reaching all of their inputs.

    Args:
        net: whose function; it is in eval mode meanwhile and left as it was.
        function: see :func:`take_apart`.
        image: any picture of the size, type and device.

    Raises:
        UnsupportedOperationError: at what cannot be traced, or would have to be called as it is.
    """
    with undisturbed(net):
        traced = _Apart(net, function, image).traced(None)
        like = image.new_empty(0)
        unknown: dict[fx.Node, str] = {}
        with torch.no_grad():
            lower(traced, like, unknown, set())
            return Graph(lower(traced, like, unknown, set(unknown)), traced, like, unknown)


class _CannotRunError(Exception):
    """A graph that raises an error at the picture."""


class _Apart:
    """One network, one function, one picture."""

    def __init__(self, net: nn.Module, function: Callable[[Tensor], Tensor], image: Float[Tensor, "_ h w"]) -> None:
        self._net = net
        self._function = function
        self._image = image

    def found(self) -> Graph:
        """The first graph that is right."""
        opaque: list[Opaque] = []
        suspects: dict[fx.Node, str] = {}
        differences: list[str] = []
        traced = self.traced(opaque)
        for _ in range(MOST_SUSPECTS):
            graph, wrong = self._graph(traced, suspects)
            if graph is not None and wrong is None:
                return replace(graph, differences=tuple(differences))
            assert wrong is not None
            operation = self._wrong_operation(traced, suspects)
            if operation is not None:
                suspects[operation] = f"{name_of(operation)}, whose gradient would be {wrong}"
                path, class_name = operation.meta.get("module", ("", type(self._net).__name__))
                differences.append(_difference(f"{name_of(operation)} in {path!r} ({class_name})", wrong))
                continue
            module = self._wrong_module(opaque, wrong)
            if module is None:
                raise UnsupportedOperationError(wrong)
            opaque.append(module)
            path = next(path for path, one in named_modules(self._net) if one is module.module)
            differences.append(_difference(f"{path!r} ({type(module.module).__name__})", wrong))
            traced, suspects = self.traced(opaque), {}
        raise UnsupportedOperationError(wrong or "")

    def traced(self, opaque: list[Opaque] | None) -> fx.GraphModule:
        """See :func:`trace`."""
        before = Snapshot(self._net)
        with uninterrupted():
            return trace(self._net, self._function, self._image[None], before.restore, opaque)

    def _graph(self, traced: fx.GraphModule, suspects: dict[fx.Node, str]) -> tuple[Graph | None, str | None]:
        """The graph with some operations in blocks, and what is wrong with it, in words; no graph where it cannot be run."""
        try:
            graph, answered = self._answered(traced, suspects)
            wrong = wrong_derivative(graph, answered, self._function, self._image)
            return graph.sealed(self._image, answered) if wrong is None else graph, wrong
        except _CannotRunError as error:
            return None, str(error)
        except (UnsupportedOperationError, torch.OutOfMemoryError, MemoryError):
            raise
        except Exception as error:  # in a form that nobody has thought of
            return None, f"an error ({reason(error)})"

    def _answered(self, traced: fx.GraphModule, suspects: dict[fx.Node, str]) -> tuple[Graph, Answered]:
        """The graph with some operations in blocks, and what the picture makes of it."""
        with torch.no_grad():
            unknown = dict(suspects)
            like = self._image.new_empty(0)
            graph = Graph(lower(traced, like, unknown, set()), traced, like, unknown)
            answered = self._forward(graph)
            everywhere = {node for block in graph.blocks if not block.own for node in block.members}
            joined = between(carrying(traced), everywhere)
            if not joined <= everywhere:
                del answered
                graph = Graph(lower(traced, like, unknown, joined), traced, like, unknown)
                answered = self._forward(graph)
        return graph, answered

    def _forward(self, graph: Graph) -> Answered:
        try:
            return graph.forward(self._image)
        except UnsupportedOperationError as error:  # of a part that is called as it is
            raise _CannotRunError(error.operation) from error

    def _wrong_operation(self, traced: fx.GraphModule, suspects: dict[fx.Node, str]) -> fx.Node | None:
        """By bisection: the operation that has to be in a block for the graph to be right; None: that is not enough."""
        native = [node for node in carrying(traced) if node not in suspects]

        def right(in_blocks: Sequence[fx.Node]) -> bool:
            return self._graph(traced, {**suspects, **dict.fromkeys(in_blocks, "")})[1] is None

        if not native or not right(native):
            return None
        return _culprit(native, right)

    def _wrong_module(self, opaque: list[Opaque], wrong: str) -> Opaque | None:
        """By descent: the innermost module that has to be called as it is for the graph to be right; None: there is none."""
        known = {part.module for part in opaque}
        path, found = "", None
        while True:
            below = _children(self._net, path, known)

            def right(as_they_are: Sequence[nn.Module]) -> bool:
                try:
                    traced = self.traced([*opaque, *(Opaque(module, wrong) for module in as_they_are)])
                    return self._graph(traced, {})[1] is None
                except UnsupportedOperationError:
                    return False

            modules = list(below)
            if not modules or not right(modules):
                return found
            module = _culprit(modules, right)
            path, found = below[module], Opaque(module, wrong)


def _difference(part: str, wrong: str) -> str:
    return f"{part}, taken apart, gave {wrong}: autograd takes this part back as one block, which is right but slower"


def _culprit(items: Sequence[T], right: Callable[[Sequence[T]], bool]) -> T:
    """The one of which it depends whether all is right; of several, one of them.

    Args:
        items: to search; with all of them set aside all is right.
        right: whether it is with some set aside.
    """
    suspects, aside = list(items), list[T]()
    while len(suspects) > 1:
        half = suspects[: len(suspects) // 2]
        if right([*aside, *half]):
            suspects = half
        else:
            aside += half
            suspects = suspects[len(half) :]
    return suspects[0]


def _children(net: nn.Module, path: str, known: set[nn.Module]) -> dict[nn.Module, str]:
    """The modules below one, of which each is called by itself: what lists of modules hold counts as the list's owner's."""
    prefix = f"{path}." if path else ""
    found: dict[nn.Module, str] = {}
    lists: list[str] = []
    for name, module in named_modules(net):
        inside = name.startswith(prefix) and name != path
        rest = name.removeprefix(prefix)
        if not inside or module in known:
            continue
        if any(name.startswith(f"{one}.") for one in found.values()):
            continue
        holders = [one for one in lists if name.startswith(f"{one}.")]
        if "." in rest and not holders:
            continue
        if type(module).forward is nn.Module.forward:  # a list or a dictionary of modules
            lists.append(name)
        else:
            found[module] = name
    return found
