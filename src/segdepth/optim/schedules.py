"""Learning rates as functions of the step, without state: a resumed run needs only its step to go on exactly.

Step ``t`` counts updates done, so the first update uses the rate of ``t = 0``.
"""

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

__all__ = ["SCHEDULES", "Rate", "WarmUp", "warmed_up"]

#: (base rate, updates done) -> rate of the next update.
Rate = Callable[[float, int], float]

Steps = Annotated[int, Field(gt=0)]
Factor = Annotated[float, Field(gt=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]


def constant_lr(train_iters: int) -> Rate:  # noqa: ARG001 - every schedule is told
    """The base rate for ever."""
    return lambda base, _: base


def poly_lr(
    train_iters: int,
    *,
    max_iter: Steps | None = None,
    decay_iter: Steps = 1,
    gamma: Annotated[float, Field(gt=0)] = 0.9,
) -> Rate:
    """``base (1 - t / max_iter)^gamma``, renewed every ``decay_iter`` steps; 0 after ``max_iter``, by default the run's end.

    Source:
        Chen et al. 2016, arXiv:1606.00915, section 4.1.
    """
    end = train_iters if max_iter is None else max_iter

    def rate(base: float, t: int) -> float:
        if t >= end:
            return 0.0
        return float(base * (1 - (t - t % decay_iter) / end) ** gamma)

    return rate


def multi_step(train_iters: int, *, milestones: list[Steps], gamma: Factor = 0.1) -> Rate:  # noqa: ARG001 - every schedule is told
    """``base gamma^n`` after ``n`` of the milestones."""
    ordered = sorted(milestones)
    return lambda base, t: float(base * gamma ** bisect_right(ordered, t))


def cosine_annealing(train_iters: int, *, T_max: Steps | None = None, eta_min: NotNegative = 0.0) -> Rate:
    """Half a cosine from the base rate at 0 to ``eta_min`` at ``T_max``, by default the run's end, and back.

    Source:
        Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5, without restarts.
    """
    end = train_iters if T_max is None else T_max
    return lambda base, t: eta_min + (base - eta_min) * (1 + math.cos(math.pi * t / end)) / 2


def exp_lr(train_iters: int, *, gamma: Factor) -> Rate:  # noqa: ARG001 - every schedule is told
    """``base gamma^t``."""
    return lambda base, t: float(base * gamma**t)


#: Each is called with the run's number of updates, and its options.
SCHEDULES: dict[str, Callable[..., Rate]] = {
    "constant_lr": constant_lr,
    "poly_lr": poly_lr,
    "multi_step": multi_step,
    "cosine_annealing": cosine_annealing,
    "exp_lr": exp_lr,
}


class WarmUp(NamedTuple):
    """How the first updates are held back.

    Attributes:
        iters: number of updates concerned; 0 for none.
        mode: the factor grows linearly to 1, or is constant.
        factor: at the start.
    """

    iters: int = 0
    mode: Literal["linear", "constant"] = "linear"
    factor: float = 0.2


def warmed_up(rate: Rate, warm_up: WarmUp) -> Rate:
    """``rate``, multiplied by the warm-up's factor while ``t < warm_up.iters``."""

    def held_back(base: float, t: int) -> float:
        if t >= warm_up.iters:
            return rate(base, t)
        share = t / warm_up.iters if warm_up.mode == "linear" else 0.0
        return rate(base, t) * (warm_up.factor * (1 - share) + share)

    return held_back
