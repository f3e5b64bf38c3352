"""What a network answers, as one map: of a dataclass, a dictionary, a list or of queries the part that is explained."""

import inspect
import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._pytree import tree_map_only

from segdepth.core.errors import InputError
from segdepth.core.tables import pick
from segdepth.layers.answer_parts import Given, Output, check_output_name, listed

from .steady import say_once

__all__ = ["Answer", "Output", "Resize", "answer_function"]

#: How an answer is brought to the picture's size.
Resize = Literal["bilinear", "bicubic"]


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
        >>> import torch
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU())
        >>> answer_function(net, layer="0", resize="bilinear")(torch.zeros(1, 3, 32, 48)).shape
        torch.Size([1, 8, 32, 48])
    """
    if resize is not None:
        pick(dict.fromkeys(get_args(Resize)), resize, kind="way to resize an answer")
    check_output_name(output)
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
        found = Given(self._run(x), self._whose, size).part(self.output).map()
        if found.beside:
            say_once(
                self.net,
                f"saliency: {self._whose} answers several maps: {found.name} is explained, not {listed(found.beside)}; "
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


def _module_at(net: nn.Module, path: str) -> nn.Module:
    module, walked = net, ""
    for name in path.split("."):
        below = module._modules.get(name)
        if below is None:
            there = listed([child for child, part in module._modules.items() if part is not None])
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
