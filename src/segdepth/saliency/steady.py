"""Whether a network in eval mode is one function of the picture: no dropout, no batch statistics that were left on."""

import logging
from collections.abc import Callable
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from segdepth.core.errors import InputError

from .modules import named_modules

__all__ = ["alike", "say_once", "statistics_words", "steady_answer"]

log = logging.getLogger(__name__)


def steady_answer(net: nn.Module, run: Callable[[], Tensor]) -> Tensor:
    """What a network answers, looked at twice where it draws random numbers.

    Args:
        net: in eval mode.
        run: makes the forward pass.

    Raises:
        InputError: if the two answers differ.
    """
    before = _random_states()
    answer = run()
    if all(map(torch.equal, before, _random_states())) or alike(run(), answer):
        return answer
    left_on = [name for name, module in named_modules(net) if isinstance(module, _DropoutNd) and module.training]
    why = f"{left_on[0]!r} stays in training mode" if left_on else "F.dropout without training=self.training?"
    raise InputError(
        f"the network draws random numbers in eval mode, and answers otherwise at every look ({why}); switch them off, or "
        "explain a module whose forward seeds them"
    )


def _random_states() -> list[Tensor]:
    """Of the generators that a network draws from by default."""
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [])]


def alike(output: Tensor, answer: Tensor) -> bool:
    """Whether two answers are the same but for rounding, and for poolings whose ties fall otherwise by it."""
    if output.shape != answer.shape:
        return False
    difference = (output - answer).abs().nan_to_num(0, 0, 0).mean()
    known = torch.equal(output.isfinite(), answer.isfinite())
    scale = answer.abs().nan_to_num(0, 0, 0).mean()
    return known and bool(difference <= torch.finfo(output.dtype).eps ** 0.5 * scale)


def statistics_words(norms: list[str]) -> str:
    """A warning of norms that take, and note, the picture's own statistics."""
    more = f" and {len(norms) - 1} more" if len(norms) > 1 else ""
    return (
        f"saliency: {norms[0]}{more} of the network takes the picture's own statistics although the network is in eval mode: "
        "that is what is explained; where its running statistics are meant, do not keep it in training mode"
    )


#: What was said of each network.
_said: WeakKeyDictionary[nn.Module, set[str]] = WeakKeyDictionary()


def say_once(net: nn.Module, words: str, level: int = logging.WARNING) -> None:
    """A study asks for a thousand pictures; one line is enough."""
    said = _said.setdefault(net, set())
    if words not in said:
        said.add(words)
        log.log(level, "%s", words)
