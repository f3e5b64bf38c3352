"""From an address or a card to a network of somebody else."""

import copy
import logging
from collections.abc import Collection, Iterable
from dataclasses import replace
from itertools import chain
from math import isfinite
from typing import Any
from weakref import WeakSet

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from segdepth.core.errors import CheckpointError, ConfigError, SegdepthError, reason
from segdepth.layers.answer_parts import Given

from ..card import Card, Classes
from .address import DESCRIBERS, LIBRARIES, is_address, split_address
from .factory import guest_of
from .guest import PROBE, Guest, GuestNetwork, Wanted, answer_of
from .registry import REGISTERED

__all__ = ["describe", "invite", "module_for"]

log = logging.getLogger(__name__)

#: What was handed out and holds weights: who gets any of it again, of a factory that keeps it, gets a copy.
_HANDED_OUT: WeakSet[nn.Module] = WeakSet()


def invite(
    arch: str, wanted: Wanted, *, task: str, preprocessing: Any = None, answers: str | None = None
) -> GuestNetwork:
    """A network of somebody else, as a task wants it. Who calls this has named the code that it runs.

    Args:
        arch: its address.
        wanted: of its library.
        task: name in the table of tasks.
        preprocessing: other than its library says.
        answers: what its numbers mean, whatever its library says.

    Raises:
        ConfigError: if there is no such network, or it does not take the options.
        CheckpointError: if its weights cannot be had or do not fit.
        InputError: if its library is not installed.
    """
    guest = _guest(arch, wanted, allow=(arch,))
    for key, value in guest.options.items():
        if not _is_plain(value):
            raise ConfigError(
                f"the option {key} of {arch} is {value!r}, which no card can hold: those are words, finite numbers, true, false, "
                "null, and lists and mappings of them"
            )
    for remark in (*guest.remarks, *([guest.assumed] if guest.assumed and answers is None else ())):
        log.info("%s: %s", arch, remark)
    card = Card(
        arch=arch,
        options=dict(guest.options),
        output=answers or guest.output or wanted.output,
        out_channels=guest.channels or _count(guest, arch),
        preprocessing=preprocessing or guest.preprocessing,
        task=task,
        guest=guest.facts,
        input_size=guest.facts.size.fixed,
        classes=Classes.named(guest.classes) if guest.classes else None,
    )
    net = GuestNetwork(guest.module, card)
    net.card = card
    return net


def _is_plain(value: Any) -> bool:
    """Whether JSON gives a value back; of a tuple it makes a list."""
    match value:
        case None | bool() | int() | str():
            return True
        case float():
            return isfinite(value)
        case list() | tuple():
            return all(map(_is_plain, value))
        case dict():
            return all(isinstance(key, str) and _is_plain(inner) for key, inner in value.items())
    return False


def module_for(card: Card, allow: Collection[str]) -> nn.Module:
    """The untrained module that a card describes; nothing is downloaded.

    Args:
        card: of a guest.
        allow: addresses whose code may be run.

    Raises:
        SegdepthError: see :func:`invite`; or if the card names code that is not allowed.
    """
    name = split_address(card.arch)[1] if is_address(card.arch) else card.arch
    wanted = Wanted(name, card.output, card.out_channels, card.options, facts=card.guest)
    return _guest(card.arch, wanted, allow=allow).module


def describe(module: nn.Module) -> tuple[str, Guest] | None:
    """The address and the description of a library's own module; None where no library is known to build it again."""
    package = type(module).__module__.partition(".")[0]
    found: tuple[str, Guest] | None = DESCRIBERS[package](module) if package in DESCRIBERS else None
    return found


def _guest(arch: str, wanted: Wanted, *, allow: Collection[str]) -> Guest:
    try:
        guest = _given(arch, wanted, allow)
    except SegdepthError:
        raise
    except Exception as error:  # whatever a library makes of a name or an option that it does not know
        options = "".join(f", {key}={value!r}" for key, value in wanted.options.items())
        raise ConfigError(f"{arch}{options} cannot be built: {reason(error)}") from None
    parts = _holders(guest.module)
    if any(part in _HANDED_OUT for part in parts) or _memory_of(parts) & _memory_of(_HANDED_OUT):
        log.warning(
            "%s: its factory gives a module, or a part of one, that it gave before; this network has a copy of its own, with "
            "the weights as they are now", arch,
        )  # fmt: skip
        guest = replace(guest, module=copy.deepcopy(guest.module))
    _HANDED_OUT.update(_holders(guest.module))
    return guest


def _holders(module: nn.Module) -> list[nn.Module]:
    """A module, and those of its parts that hold weights or statistics themselves."""
    return [
        part
        for part in module.modules()
        if part is module or any(True for _ in chain(part.parameters(recurse=False), part.buffers(recurse=False)))
    ]


def _memory_of(parts: Iterable[nn.Module]) -> set[int]:
    """Where their weights lie: new modules may be made around weights that others have."""
    weights = chain.from_iterable(part.parameters(recurse=False) for part in parts)
    made = (one for one in weights if not is_lazy(one) and one.layout is torch.strided)
    return {one.untyped_storage().data_ptr() for one in made} - {0}


def _given(arch: str, wanted: Wanted, allow: Collection[str]) -> Guest:
    if is_address(arch):
        given: Guest = LIBRARIES[split_address(arch)[0]](wanted, allow)
        return given
    build = REGISTERED.get(arch)
    if build is None:
        raise CheckpointError(
            f"no network is called {arch!r} here: it was registered, or wrapped, where it was made; "
            f"segdepth.register({arch!r}, build) before, or segdepth.load(..., module=...)"
        )
    return guest_of(build, wanted, arch)


def _count(guest: Guest, arch: str) -> int:
    """How many channels a module's map has.

    Raises:
        InputError: if it answers no map, or raises.
    """
    rows, cols = guest.facts.size.fixed or PROBE
    was_training = guest.module.training
    guest.module.eval()
    try:
        with torch.no_grad():
            answer = answer_of(guest.module, guest.facts.size.fit(torch.zeros(1, 3, rows, cols)), arch)
    finally:
        guest.module.train(was_training)
    found = Given(answer, arch, (rows, cols)).part(guest.facts.part).map().value
    return found.shape[1] if found.dim() == 4 else 1
