"""A question as Python that runs as it stands, and as a command."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segdepth.geometry.regions import Region

from .questions import Question

__all__ = ["Said", "Subject", "as_command", "as_python"]


@dataclass(frozen=True)
class Said:
    """What a user said of a network besides its name.

    Attributes:
        device: as ``--device`` has it.
        allow: code that it may run.
        sized: whether its rows and columns.
    """

    device: str = "auto"
    allow: Sequence[str] = ()
    sized: bool = False


@dataclass(frozen=True)
class Subject:
    """Who is asked about what.

    Attributes:
        source: of the network, as the user named it.
        task: of the network.
        device: where it is.
        said: of the network.
        path: of the picture's file, or its name where it has none.
        known: whether the picture has a file.
        size: rows and columns that the network sees the picture at.
        resized: whether the network would not see it so by itself.
    """

    source: str
    task: str
    device: str
    said: Said
    path: str
    known: bool
    size: tuple[int, int]
    resized: bool = False

    @property
    def is_local(self) -> bool:
        """Whether the network is a file here."""
        return Path(self.source).exists()


def as_python(question: Question, asked: Subject) -> str:
    """Python that makes this very map.

    Args:
        question: that is asked.
        asked: who, about what.
    """
    random, local, elsewhere = question.model != "trained", asked.is_local, asked.device != "cpu"
    lines = [
        "import torch",
        "",
        *(["import segdepth"] if local else []),
        "from segdepth.data.files import read_rgb",
        "from segdepth.explaining.explanation import parse_target",
        "from segdepth.geometry.resize import resize_image",
        "from segdepth.saliency import Explainer",
        *(["from segdepth.studies.random_network import random_network"] if random else []),
        *([] if local else ["from segdepth.tasks import Asked, find_origin"]),
        "",
        f"net = {_network(asked)}",
        *([f"net = net.to({asked.device!r})"] if elsewhere else []),
        *(["net = random_network(net, seed=0)  # before it learned anything"] if random else []),
        *([] if asked.known else ["# this picture has no file: save it under this name"]),
        f"image = resize_image(read_rgb(Path({asked.path!r})), {asked.size})",
        f"pixels = torch.from_numpy(image).permute(2, 0, 1)[None]{f'.to({asked.device!r})' if elsewhere else ''}",
        "x = net.preprocessing(pixels)[0]  # in the network's input range",
        "at = Explainer(net).at(x)",
        f"target = parse_target(net, {question.target!r})",
        f"saliency = {_call(question)}  # {list(asked.size)}",
        "",
    ]
    return "\n".join(["from pathlib import Path", "", *lines])


def _network(asked: Subject) -> str:
    allow = f", allow={list(asked.said.allow)}" if asked.said.allow else ""
    if asked.is_local:
        return f"segdepth.load({asked.source!r}{allow})"
    return f"find_origin({asked.source!r}).network(Asked({asked.task!r}{allow}))"


def _call(question: Question) -> str:
    how = f"target=target, method={question.method!r}"
    if isinstance(question.place, Region):
        return f"at.region({tuple(question.place)}, {how})"
    return f"at.maps([{question.place}], {how})[0]"


def as_command(question: Question, asked: Subject) -> str | None:
    """The command that saves this map and what belongs to it; None: no command has networks that learned nothing.

    Args:
        question: that is asked.
        asked: who, about what.
    """
    if question.model != "trained":
        return None
    words = ["segdepth", "saliency", "--checkpoint", asked.source, "--image", asked.path]
    if isinstance(question.place, Region):
        words += ["--region", str(question.place)]
    else:
        words += ["--pixel", *map(str, question.place)]
    choices = {
        "--target": (question.target, "predicted"),
        "--method": (question.method, "gradient"),
        "--device": (asked.said.device, "auto"),
    }
    words += [word for flag, (value, usual) in choices.items() if value != usual for word in (flag, value)]
    if not asked.is_local:
        words += ["--task", asked.task]
    words += [word for address in asked.said.allow for word in ("--allow-code", address)]
    if asked.resized:
        words += ["--height", str(asked.size[0]), "--width", str(asked.size[1])]
    return shlex.join(words)
