"""The map in what a module answers: of a dataclass, a dictionary, a list or of queries the part that is meant."""

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from segdepth.core.errors import InputError
from segdepth.core.words import first_of

__all__ = ["Found", "Given", "Output", "check_output_name", "listed"]

#: Which part of an answer: a key, an attribute, a number in a list, or a function from the answer to a tensor.
Output = str | int | tuple[Hashable, ...] | Callable[[Any], Tensor]

#: Names by which libraries give the map that their users look at, the most telling first.
KNOWN: tuple[Hashable, ...] = (
    "logits", "predicted_depth", "out", "reconstruction", ("disp", 0), "depth", "disp", "disparity", "sem_seg", "pred",
    "prediction", "output",
)  # fmt: skip

#: Those that may come without a channel axis; ``logits`` of three axes are those of tokens or queries.
WITHOUT_CHANNELS: tuple[Hashable, ...] = ("predicted_depth", ("disp", 0), "depth", "disp", "disparity")

#: What a network that asks queries gives for each: a class, and a mask.
CLASSES, MASKS = "class_queries_logits", "masks_queries_logits"

#: How many parts of an answer are named, and how deep in it they are looked for.
NAMED = 12
DEEPEST = 4


class Found(NamedTuple):
    """A map in an answer: its name, whether libraries call their map that, and the maps that were left."""

    value: Tensor
    name: str
    known: bool
    beside: list[str]


@dataclass(frozen=True)
class Given:
    """An answer, or a part of it.

    Attributes:
        value: what the module answered.
        whose: who answered, for messages ("the network").
        size: rows and columns of the picture.
        batch: how many pictures were answered.
    """

    value: Any
    whose: str
    size: tuple[int, int]
    batch: int = 1

    def part(self, output: Output | None) -> "Given":
        """What was asked for by name, by number or by a function; all of it where nothing was.

        Raises:
            InputError: if it is not there.
        """
        if output is None:
            return self
        if callable(output):
            value = output(self.value)
            if not isinstance(value, Tensor):
                raise InputError(f"the function output= gives a {type(value).__name__}; it has to give a tensor")
            return dataclasses.replace(self, value=value)
        names = _parts(self.value)
        values = list(names.values())
        if output in names:
            value = names[output]
        elif isinstance(output, str) and not isinstance(self.value, Tensor) and hasattr(self.value, output):
            value = getattr(self.value, output)
        elif output in (inside := dict(_tensors(self.value))):  # as the message below names them
            value = inside[output]
        elif isinstance(output, int) and -len(values) <= output < len(values):
            value = values[output]
        else:
            raise InputError(f"output={output!r} is not in what {self.whose} answers: {self._told()}")
        return dataclasses.replace(self, value=value)

    def map(self) -> Found:
        """The map that is meant.

        Raises:
            InputError: if there is none, or there are several and nothing tells which.
        """
        if isinstance(self.value, Tensor):
            return Found(self.value, "", True, [])
        names = _parts(self.value)
        if CLASSES in names and MASKS in names:
            maps = _class_maps(self.value, names[CLASSES], names[MASKS], self.size)
            return Found(maps, "the map of each class, summed over the queries,", True, [MASKS])
        found = _find(self.value, self.batch, bare=False) or _find(self.value, self.batch, bare=True)
        if found is None:
            several = any(
                _is_map(tensor, self.batch, bare=bare) for _, tensor in _tensors(self.value) for bare in (False, True)
            )
            a_map = f"a map [{self.batch}, c, h, w]"
            what = "several maps and none by a known name" if several else f"nothing that is {a_map}"
            raise InputError(
                f"{self.whose} answers {what}: {self._told()}; give output=, one of these names or a function from the "
                "answer to a tensor"
            )
        value, name, known = found
        bare = value.dim() == 3
        others = [other for other, tensor in _tensors(self.value) if _is_map(tensor, self.batch, bare=bare)]
        return Found(value, name, known, [other for other in others if other != name])

    def _told(self) -> str:
        if isinstance(self.value, Tensor):
            return f"a tensor {list(self.value.shape)}, which has no parts"
        type_name = type(self.value).__name__
        told = [f"{name} {list(tensor.shape)}" for name, tensor in _tensors(self.value)]
        return f"a {type_name} with {listed(told)}" if told else f"a {type_name} without a tensor"


def listed(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    return first_of(names, NAMED)


def check_output_name(output: Any) -> None:
    """Refuse what can name no part of an answer.

    Raises:
        InputError: if it is neither a name, a number, a tuple nor a function.
    """
    try:
        hash(output)
    except TypeError:
        known = False
    else:
        known = output is None or callable(output) or isinstance(output, (str, int, tuple))
    if not known or isinstance(output, (bool, type)):
        raise InputError(
            f"output={output!r} picks nothing; give a name, a number, a tuple that is a key, or a function from the "
            "answer to a tensor"
        )


def _parts(value: Any) -> dict[Any, Any]:
    """What an answer holds, by key, attribute or number."""
    match value:
        case Tensor() | str() | bytes() | int() | float() | None | type():
            return {}
        case Mapping():
            return dict(value.items())
        case tuple() if hasattr(value, "_fields"):
            return dict(zip(value._fields, value, strict=True))
        case list() | tuple():
            return dict(enumerate(value))
    return {name: part for name, part in getattr(value, "__dict__", {}).items() if not name.startswith("_")}


def _in_order(value: Any) -> bool:
    """Whether the parts' order says which is meant."""
    return isinstance(value, (list, tuple))


def _find(value: Any, batch: int, *, bare: bool, name: str = "", deep: int = 0) -> tuple[Tensor, str, bool] | None:
    """The map that is meant, its name and whether libraries call it that; None if nothing tells.

    Args:
        value: an answer or a part of it.
        batch: how many pictures were answered.
        bare: take a map without a channel axis, too.
        name: of the part.
        deep: how deep it stands.
    """
    if isinstance(value, Tensor):
        return (value, name, False) if _is_map(value, batch, bare=bare) else None
    if deep == DEEPEST:
        return None
    parts = _parts(value)
    if not _in_order(value) or hasattr(value, "_fields"):
        for known in KNOWN:
            part = parts.get(known)
            inside = _find(part, batch, bare=known in WITHOUT_CHANNELS, name=_joined(name, known), deep=deep + 1)
            if inside is not None:
                return inside[0], inside[1], True
    found = [_find(part, batch, bare=bare, name=_joined(name, key), deep=deep + 1) for key, part in parts.items()]
    maps = [part for part in found if part is not None]
    return maps[0] if len(maps) == 1 or (maps and _in_order(value)) else None


def _is_map(value: Tensor, batch: int, *, bare: bool) -> bool:
    return value.dim() in ((3, 4) if bare else (4,)) and value.shape[0] == batch and value.is_floating_point()


def _tensors(value: Any, name: str = "", deep: int = 0) -> Iterator[tuple[str, Tensor]]:
    """All tensors of an answer by their names."""
    if isinstance(value, Tensor):
        yield name, value
    elif deep < DEEPEST:
        for key, part in _parts(value).items():
            yield from _tensors(part, _joined(name, key), deep + 1)


def _joined(name: str, key: Any) -> str:
    if isinstance(key, int):
        return f"{name}[{key}]"
    word = key if isinstance(key, str) else repr(key)
    return f"{name}.{word}" if name else word


def _class_maps(answer: Any, classes: Tensor, masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Per class, the sum over queries of its probability times the mask's: what the library's post-processing makes.

    As there, some networks' masks are brought to another size before they become probabilities.

    Args:
        answer: whose type tells which network's it is.
        classes: logits ``[1, q, c + 1]``; the last is of no object.
        masks: logits ``[1, q, h, w]``.
        size: of the picture.
    """
    kind = type(answer).__name__
    before = (384, 384) if kind.startswith("Mask2Former") else size if kind.startswith("Eomt") else None
    if before is not None:
        masks = F.interpolate(masks, before, mode="bilinear", align_corners=False)
    return torch.einsum("bqc,bqhw->bchw", classes.softmax(-1)[..., :-1], masks.sigmoid())
