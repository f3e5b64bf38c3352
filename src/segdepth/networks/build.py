"""From a name or a card to a network."""

import inspect
from typing import Any, get_type_hints

import torch
from pydantic import TypeAdapter, ValidationError

from segdepth.core.errors import ConfigError
from segdepth.core.tables import did_you_mean, pick

from .card import Card
from .deeplab import DeepLab
from .dispnet import DispNet
from .fcn import FCN8s
from .fcrn import FCRN
from .frrn import FRRN
from .network import Network
from .preprocessing import Preprocessing
from .segnet import SegNet

__all__ = ["ALIASES", "NETWORKS", "build_network", "network_options", "resolve_arch"]

#: One line each. Options are the keyword arguments of the constructor.
NETWORKS: dict[str, type[Network]] = {
    "fcn8s": FCN8s,
    "frrn": FRRN,
    "segnet": SegNet,
    "deeplab": DeepLab,
    "dispnet": DispNet,
    "fcrn": FCRN,
}

#: Other names: (name in the table, options that it stands for).
ALIASES: dict[str, tuple[str, dict[str, Any]]] = {
    "fcn": ("fcn8s", {}),
    "frrnA": ("frrn", {"model_type": "A"}),
    "frrnB": ("frrn", {"model_type": "B"}),
}

_NOT_OPTIONS = {"self", "out_channels", "output"}


def resolve_arch(arch: str) -> tuple[str, dict[str, Any]]:
    """The name in the table, and the options that an alias stands for.

    Raises:
        ConfigError: if there is no such network.
    """
    name, options = ALIASES.get(arch, (arch, {}))
    pick(NETWORKS | {alias: NETWORKS[target] for alias, (target, _) in ALIASES.items()}, arch, kind="network")
    return name, dict(options)


def network_options(arch: str) -> dict[str, inspect.Parameter]:
    """The options of a network: name -> parameter with annotation and default."""
    name, _ = resolve_arch(arch)
    parameters = inspect.signature(NETWORKS[name].__init__).parameters
    return {key: value for key, value in parameters.items() if key not in _NOT_OPTIONS}


def build_network(card: Card) -> Network:
    """An untrained network for a card.

    Raises:
        ConfigError: if the card names an unknown network, option or preprocessing, or an option's value is not allowed.
    """
    _check_options(card)
    net = NETWORKS[card.arch](card.out_channels, card.output, **card.options)
    net.preprocessing = Preprocessing(card.preprocessing)
    net.card = card
    # one layout from the picture's bytes to the last map: no convolution has to reorder its input and its weights
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _check_options(card: Card) -> None:
    allowed = network_options(card.arch)
    types = get_type_hints(NETWORKS[card.arch].__init__, include_extras=True)
    for key, value in card.options.items():
        if key not in allowed:
            raise ConfigError(f"{card.arch} has no option {key!r} {did_you_mean(key, allowed)}")
        try:
            TypeAdapter(types[key]).validate_python(value, strict=True)
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Input ")
            raise ConfigError(f"the option {key} of {card.arch} {message}; {value!r} is given") from None
