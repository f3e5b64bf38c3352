"""From a name or a card to a network."""

from collections.abc import Collection
from inspect import Parameter
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError

from segdepth.core.errors import ConfigError
from segdepth.core.tables import LazyTable, did_you_mean, pick, signature_options
from segdepth.core.words import of_pydantic

from .card import Card
from .guests import REGISTERED, Factory, GuestNetwork, is_address, module_for, split_address
from .legacy import LEGACY
from .network import Network
from .preprocessing import Preprocessing

__all__ = [
    "ALIASES",
    "NETWORKS",
    "build_network",
    "is_guest",
    "is_known",
    "is_named",
    "network_options",
    "prepared",
    "register",
    "resolve_arch",
]

#: One line each, imported when picked. Options are the keyword arguments of the constructor.
NETWORKS: LazyTable[type[Network]] = LazyTable(
    {
        "fcn8s": "segdepth.networks.fcn:FCN8s",
        "frrn": "segdepth.networks.frrn:FRRN",
        "segnet": "segdepth.networks.segnet:SegNet",
        "deeplab": "segdepth.networks.deeplab:DeepLab",
        "dispnet": "segdepth.networks.dispnet:DispNet",
        "fcrn": "segdepth.networks.fcrn:FCRN",
    }
)

#: Other names: (name in the table, options that it stands for).
ALIASES: dict[str, tuple[str, dict[str, Any]]] = {
    "fcn": ("fcn8s", {}),
    "frrnA": ("frrn", {"model_type": "A"}),
    "frrnB": ("frrn", {"model_type": "B"}),
}

#: The option of every network that has an entry in :data:`LEGACY`, which then takes the place of the paper's class.
_LEGACY = Parameter("legacy", Parameter.KEYWORD_ONLY, default=False, annotation=bool)


def resolve_arch(arch: str) -> tuple[str, dict[str, Any]]:
    """The name in the table, and the options that an alias stands for. An address, or a registered name, stands for itself.

    Raises:
        ConfigError: if there is no such network.
    """
    names: dict[str, tuple[str, dict[str, Any]]] = {name: (name, {}) for name in NETWORKS}
    if is_address(arch):
        split_address(arch)
        return arch, {}
    if arch not in names | ALIASES and arch in REGISTERED:
        return arch, {}
    if arch not in names | ALIASES:
        pick(dict.fromkeys((*names, *ALIASES, *REGISTERED.others())), arch, kind="network")
    name, options = (names | ALIASES)[arch]
    return name, dict(options)


def register(name: str, build: Factory) -> None:
    """Let ``model.arch``, cards and :func:`segdepth.create_network` know a network by a name, in this process.

    A package does the same for all processes with an entry point of the group ``segdepth.networks``.

    Args:
        name: without a colon; not one of ours.
        build: called with the options of the configuration or card, and with the number of channels as ``num_classes``,
            ``classes`` or ``out_channels`` where it has such a parameter; gives a module, or a network of
            :func:`segdepth.wrap`.

    Raises:
        ConfigError: if the name cannot be one, or ``build`` cannot be called.
    """
    if is_known(name):
        raise ConfigError(f"{name!r} is a network of segdepth's own; register yours under another name")
    REGISTERED.register(name, build)


def is_named(name: str) -> bool:
    """Whether a name is one of ours, of an alias, or registered."""
    try:
        return not is_address(resolve_arch(name)[0])
    except ConfigError:
        return False


def is_known(name: str) -> bool:
    """Whether a name is one of ours, or of an alias."""
    return name in NETWORKS or name in ALIASES


def is_guest(arch: str) -> bool:
    """Whether a network is of somebody else: an address, or a registered name.

    Raises:
        ConfigError: if there is no such network.
    """
    return resolve_arch(arch)[0] not in NETWORKS


def network_options(arch: str) -> dict[str, Parameter] | None:
    """The options of a network: name -> parameter with annotation and default; None where only its library knows them."""
    name, _ = resolve_arch(arch)
    if name not in NETWORKS:
        return None
    return ({_LEGACY.name: _LEGACY} if name in LEGACY else {}) | signature_options(NETWORKS[name])


def build_network(card: Card, *, allow: Collection[str] = ()) -> Network:
    """An untrained network for a card.

    Args:
        card: of a network of ours, or of somebody else.
        allow: addresses of code that may be run.

    Raises:
        ConfigError: if the card names an unknown network, option or preprocessing, or an option's value is not allowed.
        CheckpointError: if it names code that is not allowed.
        InputError: if it needs a library that is not installed.
    """
    net = _paper(card) if card.guest is None else GuestNetwork(module_for(card, allow), card)
    return prepared(net, card)


def _paper(card: Card) -> Network:
    _check_options(card)
    options = dict(card.options)
    table = LEGACY if options.pop(_LEGACY.name, False) else NETWORKS
    return table[card.arch](card.out_channels, card.output, **options)


def prepared(net: Network, card: Card) -> Network:
    """A network that has its card and its preprocessing."""
    net.preprocessing = Preprocessing(card.preprocessing)
    net.card = card.model_copy(deep=True)  # its options and classes are no other network's
    # one layout from the picture's bytes to the last map: no convolution has to reorder its input and its weights
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _check_options(card: Card) -> None:
    allowed = network_options(card.arch)
    if allowed is None:
        raise ConfigError(f"the card of {card.arch} does not say how a network of somebody else is called and answers")
    for key, value in card.options.items():
        if key not in allowed:
            raise ConfigError(f"{card.arch} has no option {key!r} {did_you_mean(key, allowed)}")
        try:
            TypeAdapter(allowed[key].annotation).validate_python(value, strict=True)
        except ValidationError as error:
            message = of_pydantic(error.errors()[0]["msg"])
            raise ConfigError(f"the option {key} of {card.arch} {message}; {value!r} is given") from None
