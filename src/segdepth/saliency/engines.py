"""The engines by name, and which one is the fastest that can."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from segdepth.core.errors import ConfigError, InputError
from segdepth.core.tables import pick

from .batched import BatchedEngine, Recorded
from .boxes import Reach, box_size
from .changes import Fingerprint
from .choice import CLASSES, FORWARD, LEAST, costs
from .engine import Engine
from .graph import Box, Graph, State, UnsupportedOperationError
from .graphs import Function
from .modes import Precision, arithmetic, one_at_a_time, undisturbed
from .parts import Part, parts_of
from .reference import ReferenceEngine
from .steady import alike, say_once
from .tail import Tail
from .target import Pixel
from .tiles import neighbours
from .windowed import BackwardPass, GraphEngine, WindowedPass, lanes_of

__all__ = ["ENGINES", "EngineName", "Prepared", "Traced", "check_engine"]

log = logging.getLogger(__name__)

EngineName = Literal["auto", "sparse", "windowed", "batched", "reference"]

#: What is said where not even the network itself agrees with its answer.
OTHERWISE = (
    "saliency: the network answers otherwise at every look, by chance or by what it notes of each picture: the maps are of "
    "another answer than the one that was given"
)


@dataclass(frozen=True, eq=False)
class Traced:
    """What the engines that take a network apart share at a picture.

    Attributes:
        graph: the network.
        output: its answer to the picture.
        state: what the gradients at this picture depend on.
        reach: the graph's connectivity, clipped to the window.
        tail: what stands after the last operation that mixes channels.
    """

    graph: Graph
    output: Float[Tensor, "c h w"]
    state: State
    reach: Reach
    tail: Tail

    @staticmethod
    def at(graph: Graph, image: Float[Tensor, "_ h w"], window: Box) -> "Traced":
        """One forward pass."""
        output, state = graph.forward(image)
        return Traced(graph, output, state, Reach(graph, window), Tail(graph, state))

    @property
    def is_finite(self) -> bool:
        """Whether what is 0 on the way back is 0 whatever it is multiplied by: all derivatives are finite."""
        kept = [one for one in self.state.values() if isinstance(one, Tensor) and one.is_floating_point()]
        finite = [one.isfinite().all() for one in kept]
        return not finite or bool(torch.stack(finite).all())  # a GPU is waited for once

    @cached_property
    def costs(self) -> dict[str, float]:
        """Of targets; see :func:`.choice.costs`."""
        return costs(self.reach, lanes_of(self.graph, self.reach))

    @cached_property
    def _costs_of_cells(self) -> dict[str, float]:
        return costs(self.reach, lanes_of(self.graph, self.reach), self.tail.last)

    def nanoseconds(self, name: str, count: int, together: int | None = None) -> float:
        """What an engine takes for so many targets, or for the coarse cells that they share.

        Args:
            name: of the engine.
            count: of targets.
            together: how many of them are neighbours; all by default.
        """
        if together is not None and together < count:
            return count / together * max(together, LEAST[name]) * self.costs[name]
        if self.tail.resizes:
            rows, columns = box_size(self.reach.tile(max(1, count)).values[self.tail.last])
            cells = rows * columns * min(CLASSES, self.graph.nodes[self.tail.last].shape[0])
            if self.tail.is_worth_sharing(cells, count):
                return max(cells, LEAST[name]) * self._costs_of_cells[name]
        return max(count, LEAST[name]) * self.costs[name]

    def engine(self, backward: BackwardPass) -> GraphEngine:
        """An engine around a backward pass. Gradients are of the picture's type, whichever the network answers in."""
        return GraphEngine(self.output.to(self.graph.like.dtype), backward, self.tail, self.reach)


@dataclass(eq=False)
class Prepared:
    """One function of a network at one picture; engines are made ready when they are asked for, and kept.

    Attributes:
        function: what is explained.
        image: the picture, in the network's input range.
        window: rows and columns of the picture that matter.
        answer: what the network itself answers; a graph has to answer the same.
        precision: of the arithmetic; bfloat16 is the windowed engine's.
    """

    function: Function
    image: Float[Tensor, "_ h w"]
    window: Box
    answer: Float[Tensor, "c _h _w"] | None = None
    precision: Precision = "full"
    _ready: dict[str, Engine | str] = field(default_factory=dict, init=False, repr=False)
    _recorded: Recorded | None = field(default=None, init=False, repr=False)
    _traced: Traced | None = field(default=None, init=False, repr=False)

    @property
    def output(self) -> Float[Tensor, "c _h _w"]:
        """The network's answer, where it is known."""
        assert self.answer is not None
        return self.answer

    def at(self, image: Float[Tensor, "_ h w"]) -> "Prepared":
        """The same function at another picture of the size; its answer is not compared."""
        return replace(self, image=image, answer=None)

    def engine(self, name: str) -> Engine:
        """An engine by name; the network is in eval mode while it is made ready, and left as it was.

        Raises:
            UnsupportedOperationError: if it cannot take the network.
        """
        with one_at_a_time:
            if name not in self._ready:
                try:
                    with undisturbed(self.function.net), arithmetic(self.precision):
                        self._ready[name] = ENGINES[name](self)
                except UnsupportedOperationError as error:
                    self._ready[name] = error.operation
                log.debug("saliency: engine %s", name)
            found = self._ready[name]
        if isinstance(found, str):
            raise UnsupportedOperationError(found)
        return found

    def fastest(self, name: str, pixels: Sequence[Pixel]) -> Engine:
        """See :meth:`chosen`."""
        return self.engine(self.chosen(name, len(pixels), neighbours(pixels) if pixels else 0))

    def chosen(self, name: str, count: int, together: int | None = None) -> str:
        """The engine of this name; of "auto" the fastest that can. It is ready then.

        Args:
            name: of an engine, or "auto".
            count: how many pixels will be explained.
            together: how many of them are neighbours; all by default.

        Raises:
            UnsupportedOperationError: if the engine was named and cannot take the network.
        """
        *others, last = self._names(count, together) if name == "auto" else [name]
        reasons: list[str] = []
        for one in others:
            try:
                self.engine(one)
                return one
            except UnsupportedOperationError as error:
                reasons.append(error.operation)
        self.engine(last)
        for operation in reasons:
            cost = "every pixel costs a backward pass of all of it"
            say_once(self.function.net, f"saliency: the network is not taken apart because of {operation}; {cost}")
        return last

    def parts(self, name: str) -> list[Part]:
        """What became of the network with an engine of this name."""
        if name in ("batched", "reference") or not _of_known_type(self.image):
            return [Part("", "", "whole", "the engine does not take networks apart")]
        try:
            self.engine("windowed")
        except UnsupportedOperationError as error:
            return [Part("", "", "whole", error.operation)]
        return parts_of(self.traced.graph)

    @property
    def recorded(self) -> Recorded:
        """A forward pass of the network itself, for autograd."""
        with one_at_a_time:
            if self._recorded is None:
                with undisturbed(self.function.net), arithmetic(self.precision):
                    self._recorded = Recorded(self.function.call, self.image)
                if self.answer is not None and not alike(self._recorded.y[0].detach(), self.answer):
                    self._refuse_a_change()
                    say_once(self.function.net, OTHERWISE)
            return self._recorded

    @property
    def traced(self) -> Traced:
        """The network taken apart, which answers what the network does.

        A graph that was made before may be of another network by now: not everything that a forward pass depends on can
        be seen from outside.

        Raises:
            UnsupportedOperationError: if it cannot be, or if a graph made anew answers something else, too.
        """
        with one_at_a_time:
            if self._traced is None:
                self._traced = self._taken_apart()
            return self._traced

    def _taken_apart(self) -> Traced:
        traced = self._answered()
        if traced is None:
            self._refuse_a_change()
            self.function.graphs.forget()
            traced = self._answered()
            if traced is None:
                raise UnsupportedOperationError("something that gives another answer at every look")
        if not traced.is_finite:
            raise UnsupportedOperationError("a derivative that is no finite number at this picture")
        for words in traced.graph.differences:
            say_once(self.function.net, f"saliency: {words}")
        return traced

    def _refuse_a_change(self) -> None:
        """What answers otherwise may be another network by now, whatever a quick look shows.

        Raises:
            InputError: if it is.
        """
        if self.function.fingerprint and Fingerprint(self.function.net).key != self.function.fingerprint:
            raise InputError(
                "the network was changed since at(image): it holds other values or settings, and answers otherwise; "
                "call at(image) again"
            )

    def _answered(self) -> Traced | None:
        """None: the graph does not answer what the network does, or a part of it has no answer of its form to this picture."""
        with undisturbed(self.function.net), arithmetic(self.precision):
            graph = self.function.graph(self.image)
            try:
                traced = Traced.at(graph, self.image, self.window)
            except UnsupportedOperationError:
                return None
        return traced if self.answer is None or alike(traced.output, self.answer) else None

    def _names(self, count: int, together: int | None = None) -> list[str]:
        """Engines to try, the fastest first."""
        if self.precision == "bf16":
            return ["windowed"]
        if not _of_known_type(self.image):
            return ["batched"]
        try:
            traced = self.traced
        except UnsupportedOperationError:  # which the next engine says
            return ["windowed", "batched"]
        names = sorted(
            ["sparse", "windowed", "batched"] if self.image.device.type == "cpu" else ["windowed", "batched"],
            key=lambda name: self._nanoseconds(name, traced, count, together),
        )
        if names[0] == "batched":
            words = (
                "saliency: every pixel depends on most of the picture: plain backward passes are faster than windows"
            )
            say_once(self.function.net, words, logging.INFO)
        return names[: names.index("batched") + 1]

    def _nanoseconds(self, name: str, traced: Traced, count: int, together: int | None) -> float:
        """What an engine would take for so many pixels, with what it takes to be ready."""
        ready = 0 if name in self._ready else FORWARD[name] * traced.costs["batched"]
        return ready + traced.nanoseconds(name, count, together)


def _of_known_type(image: Tensor) -> bool:
    return image.dtype in (torch.float32, torch.float64)


def _sparse(at: Prepared) -> Engine:
    from .sparse import SparsePass  # Numba takes a second to import, which only this engine's users should wait

    traced = at.traced
    return traced.engine(SparsePass(traced.graph, traced.state, traced.tail.last, traced.reach))


def _windowed(at: Prepared) -> Engine:
    """In bfloat16 only the way back is: its masks come from a forward pass in full precision."""
    traced, dtype = at.traced, torch.bfloat16 if at.precision == "bf16" else None
    return traced.engine(WindowedPass(traced.graph, traced.state, traced.tail.last, traced.reach, dtype))


def _batched(at: Prepared) -> Engine:
    recorded, twin = at.recorded, replace(at)  # which does not hold the engine, as `at` does: memory is free at once
    twin._traced = at._traced
    return BatchedEngine(recorded, at.window, lambda: _before_the_tail(twin, recorded))


def _before_the_tail(at: Prepared, recorded: Recorded) -> Engine | None:
    """Where a resize, and nothing else, stands between a coarse map and the answer; None: it does not."""
    if not _of_known_type(at.image):
        return None
    try:
        traced = at.traced
    except UnsupportedOperationError:
        return None
    backward = recorded.before(traced.tail, traced.reach) if traced.tail.resizes else None
    return None if backward is None else traced.engine(backward)


#: By name; "auto" is not among them, it is the fastest of them that can.
ENGINES: Mapping[str, Callable[[Prepared], Engine]] = MappingProxyType(
    {
        "sparse": _sparse,
        "windowed": _windowed,
        "batched": _batched,
        "reference": lambda at: ReferenceEngine(at.recorded, at.window),
    }
)


def check_engine(name: str, precision: str = "full", device: str = "cpu") -> None:
    """Refuse an engine that there is not, or that does not work in this precision or on this kind of device.

    Raises:
        ConfigError: with those that there are.
    """
    pick({"auto": None, **ENGINES}, name, kind="saliency engine")
    if precision == "bf16" and name not in ("auto", "windowed"):
        raise ConfigError(f"precision 'bf16' is for the engine 'windowed' (or 'auto'), not {name!r}")
    if name == "sparse" and device != "cpu":
        raise ConfigError(f"engine 'sparse' is of CPUs, and the picture is on {device!r}: use 'auto' or 'windowed'")
