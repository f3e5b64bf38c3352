"""Which engine is the fastest for a network, by the arithmetic that each would do; nothing is made ready for it."""

from collections.abc import Iterable

from .boxes import Boxes, Reach
from .graph import Graph
from .graph.operations.node import Work

__all__ = ["CLASSES", "FORWARD", "LEAST", "costs"]

#: Nanoseconds of one thread for each kind of work, fitted on AVX2 to 21 networks of the gallery and of benchmarks/sharing.py (the
#: ratio of two engines is right within a third for most, log 2026-11-29); their ratios are what matters, and these differ little
#: between processors. Plain backward passes, windows of the same, live units in native loops.
PLAIN = Work(mixed=0.02, products=0.024, apart=0.3, numbers=1.2)
WINDOWS = Work(mixed=0.024, products=0.025, apart=0.05, numbers=1.3)
LIVE = Work(mixed=0.022, products=0.027, apart=0.2, numbers=0.7)

#: And for each number that native loops hand to PyTorch and take back.
HANDED = 5.0

#: The share of units that are on where something may switch them off.
ON = 0.5

#: Targets' work that a call takes at least: one vector of native loops cannot hide what an instruction takes.
LEAST = {"batched": 1, "windowed": 1, "sparse": 17}

#: Forward passes, each about as long as a plain backward one, for which an engine waits: autograd's own; lists of live units.
FORWARD = {"batched": 1.2, "windowed": 0.0, "sparse": 0.25}

#: Targets of a tile of native loops, at least.
LANES = 24

#: Classes that neighbours ask for at a coarse place that they share: about two of a trained network, nine of random weights.
CLASSES = 4


def costs(reach: Reach, lanes: int, last: int = -1) -> dict[str, float]:
    """Nanoseconds per target of each engine, the work inside opaque parts of the network left out, which is the same for all.

    Args:
        reach: the graph's connectivity.
        lanes: targets that the windowed engine takes at once.
        last: the value in which they stand: the answer, or a coarser map before it whose cells are shared.
    """
    _, height, width = reach.graph.nodes[last].shape
    return {
        "batched": _sum(PLAIN, reach.works(reach.back(((0, height), (0, width)), last))),
        "windowed": _sum(WINDOWS, reach.works(reach.tile(lanes, last))),
        "sparse": _of_live_units(reach, reach.tile(LANES, last)),
    }


def _sum(rates: Work, works: Iterable[Work]) -> float:
    return sum(rate * amount for work in works for rate, amount in zip(rates, work, strict=True))


def _of_live_units(reach: Reach, boxes: Boxes) -> float:
    graph = reach.graph
    live = [
        ON if carries or reaches else 1.0 for carries, reaches in zip(_switched(graph), _unreached(graph), strict=True)
    ]
    total = 0.0
    for index, work in enumerate(reach.works(boxes)):
        node = graph.nodes[index]
        if not node.inputs:
            continue
        on, below = live[index], live[node.inputs[0]]
        done = Work(work.mixed * on * below, work.products * on * below, work.apart * on, work.numbers * on)
        total += _sum(LIVE, [done]) if node.is_native else HANDED * work.numbers
    return total


def _switched(graph: Graph) -> list[bool]:
    """Per value, whether whatever reads it may switch its units off."""
    readers: list[list[int]] = [[] for _ in graph.nodes]
    for index, node in enumerate(graph.nodes):
        for value in node.inputs:
            readers[value].append(index)
    switched = [False] * len(graph.nodes)
    for index in range(len(graph.nodes) - 1, -1, -1):
        switched[index] = bool(readers[index]) and all(
            graph.nodes[reader].switches or (graph.nodes[reader].holds_parts(loose=False) and switched[reader])
            for reader in readers[index]
        )
    return switched


def _unreached(graph: Graph) -> list[bool]:
    """Per value, whether some of its units may get nothing from the picture: what stands behind a ReLU."""
    unreached: list[bool] = []
    for node in graph.nodes:
        holds = bool(node.inputs) and node.holds_parts(loose=False)
        unreached.append(holds and (node.switches or all(unreached[value] for value in node.inputs)))
    return unreached
