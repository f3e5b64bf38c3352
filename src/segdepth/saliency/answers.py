"""What a network answers, as one map: of a dataclass, a dictionary, a list or of queries the part that is explained."""

import dataclasses
import inspect
import logging
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._pytree import tree_map_only

from segdepth.core.errors import InputError
from segdepth.core.tables import pick

from .steady import say_once

__all__ = ["Answer", "Output", "Resize", "answer_function"]

#: Which part of an answer: a key, an attribute, a number in a list, or a function from the answer to a tensor.
Output = str | int | tuple[Hashable, ...] | Callable[[Any], Tensor]

#: How an answer is brought to the picture's size.
Resize = Literal["bilinear", "bicubic"]

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


def answer_function(
    net: nn.Module, *, output: Output | None = None, resize: Resize | None = None, layer: str | None = None
) -> "Answer":
    """The network's answer as a function of the picture, ``[1, ., h, w]`` to ``[1, c, h', w']``.

    A tensor ``[1, c, h, w]`` is taken as it is, one ``[1, h, w]`` gets a channel axis. Of a dataclass, a dictionary or a named
    tuple the part with a known name is taken, or the only map; of a list the first map; a network that answers queries is
    explained by its class maps, as its library makes them. Where there was a choice, a log line says once what was taken.

    Args:
        net: any module.
        output: which part of the answer: its key or attribute (also a tuple, such as ``("disp", 0)``), its number in a list, or
            a function from the answer to a tensor.
        resize: "bilinear" or "bicubic" make it the picture's size, without aligned corners; None leaves its size.
        layer: path of a module of the network (see ``named_modules``), whose answer at its first call is explained instead.

    Raises:
        InputError: if there is no such module, or ``output`` can name nothing.
        ConfigError: if there is no such way to resize.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU())
        >>> answer_function(net, layer="0", resize="bilinear")(torch.zeros(1, 3, 32, 48)).shape
        torch.Size([1, 8, 32, 48])
    """
    if resize is not None:
        pick(dict.fromkeys(get_args(Resize)), resize, kind="way to resize an answer")
    _check_output(output)
    if layer is not None:
        _module_at(net, layer)
    return Answer(net, output, resize, layer)


@dataclass(frozen=True)
class Answer:
    """What :func:`answer_function` gives: a function that equals any other that asks the same of the same network.

    It holds the network. Where something is remembered only as long as the network lives, :attr:`asked` is the key, and the
    answer itself must not be remembered.

    Attributes:
        net: whose answer it is.
        output: see :func:`answer_function`.
        resize: see there.
        layer: see there.
        method: name of a method of the network that is called in its place.
    """

    net: nn.Module = field(repr=False)
    output: Output | None = None
    resize: Resize | None = None
    layer: str | None = None
    method: str | None = None

    @property
    def asked(self) -> tuple[Hashable, ...]:
        """What is asked, without of whom."""
        return self.output, self.resize, self.layer, self.method

    def __call__(self, x: Tensor) -> Tensor:
        """The map, with its history.

        Raises:
            InputError: if it is not found in the answer, or the network needs more than a picture.
        """
        size = x.shape[-2], x.shape[-1]
        given = _Given(self._run(x), self._whose, size)
        if self.output is not None:
            given = given.part(self.output)
        found = given.map()
        if found.beside:
            say_once(
                self.net,
                f"saliency: {self._whose} answers several maps: {found.name} is explained, not {_listed(found.beside)}; "
                "output= picks another",
                logging.INFO if found.known else logging.WARNING,
            )
        bare = found.value.dim() == 3 and (self.layer is None or callable(self.output))
        result = found.value[:, None] if bare else found.value
        if result.dim() != 4 or len(result) != 1 or not result.is_floating_point():
            raise InputError(self._no_map(found.value, x))
        if self.resize is None or result.shape[-2:] == size:
            return result
        return F.interpolate(result, size, mode=self.resize, align_corners=False)

    @property
    def _whose(self) -> str:
        return "the network" if self.layer is None else f"the layer {self.layer!r}"

    def _run(self, x: Tensor) -> Any:
        function = self.net if self.method is None else getattr(self.net, self.method)
        try:
            return function(x) if self.layer is None else _layer_answer(self.net, self.layer, lambda: function(x))
        except TypeError as error:
            if (needed := _more_than_a_picture(self.net.forward if self.method is None else function)) is None:
                raise  # of something inside
            raise InputError(
                f"the network cannot be called with a picture alone: {needed}; explain a module whose forward(x) gives "
                "it the rest"
            ) from error

    def _no_map(self, result: Tensor, x: Tensor) -> str:
        what = f"{self._whose} answers {list(result.shape)}, {result.dtype}, to a picture of {list(x.shape)}"
        if result.dim() == 3 and self.layer is not None:
            return (
                f"{what}; if these are tokens [1, rows * columns, c], give the function that makes a map of them: "
                "output=lambda t: t.transpose(1, 2).unflatten(2, (rows, columns)), without class tokens"
            )
        return f"{what}; per-pixel saliency needs a map [1, c, h, w] or [1, h, w] of real numbers"


class _Found(NamedTuple):
    """A map in an answer: its name, whether libraries call their map that, and the maps that were left."""

    value: Tensor
    name: str
    known: bool
    beside: list[str]


@dataclass(frozen=True)
class _Given:
    """An answer, or a part of it, and whose it is."""

    value: Any
    whose: str
    size: tuple[int, int]

    def part(self, output: Output) -> "_Given":
        """What was asked for by name, by number or by a function."""
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

    def map(self) -> _Found:
        """The map that is meant.

        Raises:
            InputError: if there is none, or there are several and nothing tells which.
        """
        if isinstance(self.value, Tensor):
            return _Found(self.value, "", True, [])
        names = _parts(self.value)
        if CLASSES in names and MASKS in names:
            maps = _class_maps(self.value, names[CLASSES], names[MASKS], self.size)
            return _Found(maps, "the map of each class, summed over the queries,", True, [MASKS])
        found = _find(self.value, bare=False) or _find(self.value, bare=True)
        if found is None:
            several = any(_is_map(tensor, bare=bare) for _, tensor in _tensors(self.value) for bare in (False, True))
            what = "several maps and none by a known name" if several else "nothing that is a map [1, c, h, w]"
            raise InputError(
                f"{self.whose} answers {what}: {self._told()}; give output=, one of these names or a function from the "
                "answer to a tensor"
            )
        value, name, known = found
        others = [other for other, tensor in _tensors(self.value) if _is_map(tensor, bare=value.dim() == 3)]
        return _Found(value, name, known, [other for other in others if other != name])

    def _told(self) -> str:
        if isinstance(self.value, Tensor):
            return f"a tensor {list(self.value.shape)}, which has no parts"
        type_name = type(self.value).__name__
        told = [f"{name} {list(tensor.shape)}" for name, tensor in _tensors(self.value)]
        return f"a {type_name} with {_listed(told)}" if told else f"a {type_name} without a tensor"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _check_output(output: Any) -> None:
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


def _find(value: Any, *, bare: bool, name: str = "", deep: int = 0) -> tuple[Tensor, str, bool] | None:
    """The map that is meant, its name and whether libraries call it that; None if nothing tells.

    Args:
        value: an answer or a part of it.
        bare: take a map without a channel axis, too.
        name: of the part.
        deep: how deep it stands.
    """
    if isinstance(value, Tensor):
        return (value, name, False) if _is_map(value, bare=bare) else None
    if deep == DEEPEST:
        return None
    parts = _parts(value)
    if not _in_order(value) or hasattr(value, "_fields"):
        for known in KNOWN:
            inside = _find(parts.get(known), bare=known in WITHOUT_CHANNELS, name=_joined(name, known), deep=deep + 1)
            if inside is not None:
                return inside[0], inside[1], True
    found = [_find(part, bare=bare, name=_joined(name, key), deep=deep + 1) for key, part in parts.items()]
    maps = [part for part in found if part is not None]
    return maps[0] if len(maps) == 1 or (maps and _in_order(value)) else None


def _is_map(value: Tensor, *, bare: bool) -> bool:
    return value.dim() in ((3, 4) if bare else (4,)) and len(value) == 1 and value.is_floating_point()


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
    type_name = type(answer).__name__
    before = (384, 384) if type_name.startswith("Mask2Former") else size if type_name.startswith("Eomt") else None
    if before is not None:
        masks = F.interpolate(masks, before, mode="bilinear", align_corners=False)
    return torch.einsum("bqc,bqhw->bchw", classes.softmax(-1)[..., :-1], masks.sigmoid())


def _module_at(net: nn.Module, path: str) -> nn.Module:
    module, walked = net, ""
    for name in path.split("."):
        below = module._modules.get(name)
        if below is None:
            there = _listed([child for child, part in module._modules.items() if part is not None])
            raise InputError(
                f"the network has no layer {path!r}: {f'in {walked!r}' if walked else 'at its top'} there "
                f"{f'are {there}' if there else 'is nothing below'}"
            )
        module, walked = below, f"{walked}.{name}" if walked else name
    return module


def _layer_answer(net: nn.Module, path: str, run: Callable[[], Any]) -> Any:
    """What a module answers at its first call; not what is written into that afterwards."""
    answers: list[Any] = []

    def note(_module: nn.Module, _given: Any, answer: Any) -> None:
        if not answers:
            answers.append(tree_map_only(Tensor, Tensor.clone, answer))

    handle = _module_at(net, path).register_forward_hook(note)
    try:
        run()
    finally:
        handle.remove()
    if not answers:
        raise InputError(f"the network never calls its layer {path!r}; explain one that its forward pass calls")
    return answers[0]


def _more_than_a_picture(forward: Callable[..., Any]) -> str | None:
    """Why a picture alone is not what a forward method takes; None: it is."""
    try:
        signature = inspect.signature(forward)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(None)
    except TypeError:
        needed = [p.name for p in signature.parameters.values() if p.default is p.empty and p.kind not in _VARIADIC]
        positional = [p.name for p in signature.parameters.values() if p.kind in _POSITIONAL]
        beside = [repr(name) for name in needed if name not in positional[:1]]
        return f"its forward needs {', '.join(beside)} beside it" if positional else "its forward takes names only"
    return None


#: Kinds of parameters that need not be given, and those that can be given without a name.
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
