"""What became of a network's parts, in a user's words."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a network, and how its gradient is taken.

    Attributes:
        module: its path; empty for the network itself.
        operation: what it does, for people; empty for all of it.
        how: "native": in windows, by the engine's own rules; "block": autograd takes all gradients of a tile through it at
            once; "whole": nothing is taken apart, autograd does all of the network.
        reason: why it is not native; empty where it is.
    """

    module: str
    operation: str
    how: Literal["native", "block", "whole"]
    reason: str
