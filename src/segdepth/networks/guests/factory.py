"""From a function or class that makes a module to a guest."""

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from segdepth.core.errors import CheckpointError, ConfigError, SegdepthError, raised

from ..card import GuestFacts
from .guest import Guest, GuestNetwork, Wanted

__all__ = ["encoder_of", "guest_of"]

#: What makers of networks call the number of channels of the last map.
_CHANNELS = ("num_classes", "classes", "out_channels", "n_classes", "num_labels")

#: What they call the part that takes weights learned elsewhere.
_ENCODERS = ("encoder", "backbone")


def guest_of(make: Callable[..., Any], wanted: Wanted, arch: str) -> Guest:
    """Call a factory, and describe what it made.

    Raises:
        ConfigError: if it raises, or makes no module.
        CheckpointError: if weights are wanted that it does not take.
    """
    options = dict(wanted.options)
    parameters = _parameters(make)
    if wanted.channels is not None:
        options |= {name: wanted.channels for name in _CHANNELS if name in parameters and name not in options}
    if wanted.pretrained is not False:
        if "pretrained" not in parameters:
            raise CheckpointError(
                f"model.pretrained: {arch} takes no 'pretrained'; let it load its weights, or leave it out"
            )
        options["pretrained"] = wanted.pretrained
    module = _made(make, options, arch)
    own = dict(wanted.options)
    if isinstance(module, GuestNetwork):
        card = module.card
        return Guest(module.guest, card.out_channels, own, card.output, module.preprocessing.normalisation,
                     module.facts, card.classes.names if card.classes else None)  # fmt: skip
    return Guest(module, wanted.channels, own, facts=GuestFacts(encoder=encoder_of(module)))


def _made(make: Callable[..., Any], options: dict[str, Any], arch: str) -> nn.Module:
    try:
        module = make(**options)
    except SegdepthError:
        raise
    except (Exception, SystemExit) as error:  # a script that is no module ends its process
        given = ", ".join(f"{key}={value!r}" for key, value in options.items())
        raise ConfigError(f"{arch}({given}) raises {raised(error)}") from None
    if not isinstance(module, nn.Module):
        raise ConfigError(
            f"{arch} has to give a torch.nn.Module, and gives an object of the type {type(module).__name__}"
        )
    return module


def _parameters(make: Callable[..., Any]) -> set[str]:
    try:
        return set(inspect.signature(make).parameters)
    except (TypeError, ValueError):  # of something in C
        return set()


def encoder_of(module: nn.Module) -> str | None:
    """The name of a module's part that is called as encoders are; None if none is."""
    return next((name for name in _ENCODERS if isinstance(getattr(module, name, None), nn.Module)), None)
