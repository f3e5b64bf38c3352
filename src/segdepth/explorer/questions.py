"""What can be asked of the explorer, read from a request's words; each mistake is one sentence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segdepth.core.errors import InputError, SegdepthError
from segdepth.core.tables import did_you_mean
from segdepth.geometry.regions import Place, Region

__all__ = [
    "ACTIONS",
    "METHODS",
    "MODELS",
    "MaskedQuestion",
    "NoSuchError",
    "Question",
    "read_masked",
    "read_question",
]

#: Methods of saliency, and how they are called on the page. Named here, for the table of them needs torch.
METHODS = {
    "gradient": "gradient",
    "input_x_gradient": "input x gradient",
    "integrated_gradients": "integrated gradients",
    "smoothgrad": "SmoothGrad",
}

#: Whose maps: the network's, or those of the same one before it learned anything.
MODELS = ("trained", "random")

#: What is done to the most salient pixels, and what the picture is called then.
ACTIONS = {"delete": "without its most salient", "keep": "only its most salient"}

#: Letters of a target.
_LONGEST = 200


class NoSuchError(SegdepthError):
    """There is no such picture, network or address."""


@dataclass(frozen=True)
class Question:
    """A map.

    Attributes:
        picture: its id.
        network: its id.
        model: one of :data:`MODELS`.
        target: what is explained, a word of a command line.
        method: one of :data:`METHODS`.
        place: where.
    """

    picture: str
    network: str
    model: str
    target: str
    method: str
    place: Place

    @property
    def pixel(self) -> tuple[int, int]:
        """Row and column; of a region its middle."""
        return self.place.centre if isinstance(self.place, Region) else self.place

    @property
    def series(self) -> tuple[str, str, str, str, str]:
        """What maps of other pixels share with this one."""
        return self.picture, self.network, self.model, self.target, self.method

    def head(self) -> dict[str, Any]:
        """What an answer belongs to."""
        row, column = self.pixel
        return {
            "picture": self.picture, "network": self.network, "model": self.model, "target": self.target,
            "method": self.method, "row": row, "column": column,
            "region": list(self.place) if isinstance(self.place, Region) else None,
        }  # fmt: skip


@dataclass(frozen=True)
class MaskedQuestion:
    """A picture without, or with nothing but, what a map calls salient.

    Attributes:
        map: that says it.
        action: one of :data:`ACTIONS`.
        share: of the picture's pixels, above 0 and below 1.
    """

    map: Question
    action: str
    share: float


def read_question(params: Mapping[str, str]) -> Question:
    """A map that is asked for.

    Raises:
        InputError: if the place is missing, or a word is none of those that there are.
    """
    region = params.get("region")
    return Question(
        picture=word(params, "picture"),
        network=word(params, "network"),
        model=choice(params, "model", MODELS, "trained"),
        target=params.get("target", "predicted")[:_LONGEST],
        method=choice(params, "method", tuple(METHODS), "gradient"),
        place=Region.parse(region) if region else (whole(params, "row"), whole(params, "column")),
    )


def read_masked(params: Mapping[str, str]) -> MaskedQuestion:
    """A masked picture that is asked for.

    Raises:
        InputError: see :func:`read_question`; also if the share is no number above 0 and below 1.
    """
    try:
        share = float(params.get("share", "0.05"))
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise InputError(f"share={params['share']!r} must be a number above 0 and below 1")
    return MaskedQuestion(read_question(params), choice(params, "action", tuple(ACTIONS), "delete"), share)


def word(params: Mapping[str, str], name: str) -> str:
    """A parameter that has to be there.

    Raises:
        InputError: if it is not.
    """
    if not params.get(name):
        raise InputError(f"the request does not say {name}=")
    return params[name]


def choice(params: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    """A parameter that is one of several words.

    Raises:
        InputError: if it is none of them.
    """
    said = params.get(name) or default
    if said not in choices:
        raise InputError(f"{name}={said!r} is none {did_you_mean(said, choices)}")
    return said


def whole(params: Mapping[str, str], name: str) -> int:
    """A parameter that is a row or a column.

    Raises:
        InputError: if it is no whole number.
    """
    if not re.fullmatch(r"-?\d{1,9}", text := word(params, name), re.ASCII):
        raise InputError(f"{name}={text!r} is no whole number")
    return int(text)
