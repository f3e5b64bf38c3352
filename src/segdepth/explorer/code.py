"""A question as Python that runs as it stands, and as a command."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from segdepth.geometry.regions import Region

from .questions import Question

__all__ = ["as_command", "as_python"]


def as_python(question: Question, source: str, task: str, path: str, size: tuple[int, int], known: bool) -> str:
    """Python that makes this very map.

    Args:
        question: that is asked.
        source: of the network, as the user named it.
        task: of the network.
        path: of the picture's file, or its name where it has none.
        size: rows and columns that the network sees the picture at.
        known: whether the picture has a file.
    """
    local = Path(source).exists()
    random = question.model != "trained"
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
        f"net = segdepth.load({source!r})" if local else f"net = find_origin({source!r}).network(Asked({task!r}))",
        *(["net = random_network(net, seed=0)  # before it learned anything"] if random else []),
        *([] if known else ["# this picture has no file: save it under this name"]),
        f"image = resize_image(read_rgb(Path({path!r})), {size})",
        "x = net.preprocessing(torch.from_numpy(image).permute(2, 0, 1)[None])[0]  # in the network's input range",
        "at = Explainer(net).at(x)",
        f"target = parse_target(net, {question.target!r})",
        f"saliency = {_call(question)}  # {list(size)}",
        "",
    ]
    return "\n".join(["from pathlib import Path", "", *lines])


def _call(question: Question) -> str:
    how = f"target=target, method={question.method!r}"
    if isinstance(question.place, Region):
        return f"at.region({tuple(question.place)}, {how})"
    return f"at.maps([{question.place}], {how})[0]"


def as_command(question: Question, source: str, task: str, path: str, options: Mapping[str, str]) -> str | None:
    """The command that saves this map and what belongs to it; None: no command has networks that learned nothing.

    Args:
        question: that is asked.
        source: of the network, as the user named it.
        task: of the network.
        path: of the picture's file, or its name where it has none.
        options: more flags and their values.
    """
    if question.model != "trained":
        return None
    words = ["segdepth", "saliency", "--checkpoint", source, "--image", path]
    if isinstance(question.place, Region):
        words += ["--region", str(question.place)]
    else:
        words += ["--pixel", *map(str, question.place)]
    asked = {"--target": (question.target, "predicted"), "--method": (question.method, "gradient")}
    words += [word for flag, (value, usual) in asked.items() if value != usual for word in (flag, value)]
    if not Path(source).exists():
        words += ["--task", task]
    words += [word for pair in options.items() for word in pair]
    return shlex.join(words)
