"""What a worker is given to look at."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from jaxtyping import Shaped, UInt8
from numpy import ndarray

from segdepth.kinds import Colours

__all__ = ["Look", "TruthLook"]


@dataclass(frozen=True)
class TruthLook:
    """The truth of a picture's answer, at the network's size.

    Attributes:
        values: of the answer's kind.
        names: of its classes, where it has classes.
        colours: of these.
    """

    values: Shaped[ndarray, "h w *values"] = field(repr=False)
    names: Sequence[str]
    colours: Colours


@dataclass(frozen=True)
class Look:
    """A picture as a network is asked about it.

    Attributes:
        picture: its id.
        image: at the network's size.
        model: whose answer: one of :data:`~.questions.MODELS`.
    """

    picture: str
    image: UInt8[ndarray, "h w 3"] = field(repr=False)
    model: str
