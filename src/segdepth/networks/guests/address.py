"""Where a network of somebody else is to be had: ``library:name``; and how one is named with its options on one line."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from segdepth.core.errors import ConfigError
from segdepth.core.tables import LazyTable, pick
from segdepth.core.yaml_text import parse_yaml

__all__ = [
    "DESCRIBERS",
    "LIBRARIES",
    "PACKAGES",
    "NetworkSpec",
    "is_address",
    "is_installed",
    "kind_said_by",
    "names_in",
    "parse_network",
    "split_address",
]

#: One line each, imported when picked: a function from a :class:`~segdepth.networks.guests.guest.Wanted` to a
#: :class:`~segdepth.networks.guests.guest.Guest`. Beside it in its module may stand ``names() -> list[str]``, the names that the
#: library has, and ``kind_of(name) -> str | None``, the kind of truth that a name says by itself to answer.
LIBRARIES: LazyTable[Callable[..., Any]] = LazyTable(
    {
        "hf": "segdepth.networks.guests.transformers:guest",
        "smp": "segdepth.networks.guests.smp:guest",
        "timm": "segdepth.networks.guests.timm:guest",
        "torchvision": "segdepth.networks.guests.torchvision:guest",
        "python": "segdepth.networks.guests.python:guest",
    }
)

#: By the package that a module's class comes from: a function from the module to its address and a
#: :class:`~segdepth.networks.guests.guest.Guest`, or to None where its library would not build it again.
DESCRIBERS: LazyTable[Callable[..., Any]] = LazyTable(
    {"transformers": "segdepth.networks.guests.transformers:describe"}
)


#: The packages of those that are no part of Python, as Python calls them; an extra of ours, of the library's name, installs each.
PACKAGES: Mapping[str, str] = {
    "hf": "transformers",
    "smp": "segmentation_models_pytorch",
    "timm": "timm",
    "torchvision": "torchvision",
}

#: What is said of a network elsewhere than among its options.
_ELSEWHERE = {"arch": "it stands in front", "task": "it is said with --task"}


def is_address(arch: str) -> bool:
    """Whether a name has a library in front."""
    return ":" in arch


def split_address(address: str) -> tuple[str, str]:
    """The library and the name in it.

    Raises:
        ConfigError: if there is no such library, or no name.
    """
    library, _, name = address.partition(":")
    pick(dict.fromkeys(LIBRARIES), library, kind="library of networks")
    if not name:
        raise ConfigError(f"the address {address!r} names no network; after the colon stands its name")
    return library, name


@dataclass(frozen=True)
class NetworkSpec:
    """A network as it is named on one line.

    Attributes:
        arch: name or address.
        options: keyword arguments of :func:`segdepth.create_network`.
    """

    arch: str
    options: Mapping[str, Any] = field(default_factory=dict)


def is_installed(library: str) -> bool:
    """Whether Python would find a library's package; nothing is imported."""
    return library not in PACKAGES or find_spec(PACKAGES[library]) is not None


def parse_network(text: str) -> NetworkSpec:
    """A name or address, and behind commas its options, whose values are YAML.

    Raises:
        ConfigError: if an option has no value, stands twice, or is said elsewhere.

    Example:
        >>> parse_network("smp:Unet,encoder_name=resnet34,decoder_channels=[64, 32],pretrained=true")
        NetworkSpec(arch='smp:Unet', options={'encoder_name': 'resnet34', 'decoder_channels': [64, 32], 'pretrained': True})
    """
    arch, *given = _between_commas(text)
    options: dict[str, Any] = {}
    for one in given:
        key, equals, value = (part.strip() for part in one.partition("="))
        if not (equals and key and value):
            raise ConfigError(f"{one!r} in {text!r} must look like option=value, as in {arch},pretrained=true")
        if key in _ELSEWHERE:
            raise ConfigError(f"{text!r}: {key} is no option of a network: {_ELSEWHERE[key]}")
        if key in options:
            raise ConfigError(f"{text!r} says {key} twice")
        options[key] = parse_yaml(value, where=f"{key} in {text!r}")
    return NetworkSpec(arch, options)


def _between_commas(text: str) -> Iterator[str]:
    """The parts of a text between its commas, but for those in brackets or quotes."""
    depth, quote, start = 0, "", 0
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth <= 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def names_in(library: str) -> list[str]:
    """The names that a library has; empty of one that cannot list them.

    Raises:
        ConfigError: if there is no such library.
        InputError: if it is not installed.
    """
    found: list[str] = _beside(library, "names", list)()
    return found


def kind_said_by(arch: str) -> str | None:
    """The kind of truth that an address says by itself to answer; None if it says none.

    Raises:
        SegdepthError: if there is no such library, or what it has to be asked for is not there.
    """
    library, name = split_address(arch)
    kind: str | None = _beside(library, "kind_of", lambda _: None)(name)
    return kind


def _beside(library: str, function: str, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a library's module that not each has."""
    guest = pick(LIBRARIES, library, kind="library of networks")
    found: Callable[..., Any] = getattr(inspect.getmodule(guest), function, otherwise)
    return found
