"""``segdepth networks``: which networks can be had, and what one is."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import NETWORK, AllowCode

if TYPE_CHECKING:
    from segdepth.explaining.description import Description
    from segdepth.networks import Network

__all__ = ["networks"]

#: Rows and columns of the picture that a network is taken apart at.
_SIZE = (256, 320)

#: Options, or classes, in a table; another library's whole configuration is longer.
_NAMED = 20

#: The task of a network that fits any.
_USUAL = "seg"

#: Of a segmentation network, where neither its library nor its user says how many: those of Cityscapes.
_CLASSES = 19


def networks(
    named: Annotated[
        str | None,
        typer.Argument(metavar=f"[NAME|{NETWORK}]", show_default=False,
                       help="Describe one: segnet, smp:Unet,encoder_name=resnet34, a run. A library with its colon (timm:) lists"
                       " its networks."),
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="Of the one; by default what it says itself, or seg.", show_default=False)
    ] = None,
    height: Annotated[int | None, typer.Option("--height", min=32, help="Size for the engine's coverage; 256.")] = None,
    width: Annotated[int | None, typer.Option("--width", min=32, help="Size for the engine's coverage; 320.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, not tables.")] = False,
    allow_code: AllowCode = None,
) -> None:  # fmt: skip
    """List the networks that can be had: ours, registered ones, other libraries' by address; or describe one.

    Of one it says where it comes from, its parameters, input and output, and what the saliency engine makes of it: how many
    operations it knows, and what goes through autograd. Code of a python: address that is typed is run.
    """
    if named is None:
        rows = _available()
        _print_json([row for _, some in rows for row in some]) if json else _print_available(rows)
    elif named.endswith(":"):
        names = _names_of(named.removesuffix(":"))
        _print_json(names) if json else typer.echo("\n".join(names))
    else:
        _describe(named, task, (height, width), allow_code, json)


Row = dict[str, str]


def _available() -> list[tuple[str, list[Row]]]:
    """Titles, and what there is: name and what it is."""
    import inspect

    from segdepth.networks import ALIASES, LIBRARIES, NETWORKS, REGISTERED, is_installed

    ours = [{"name": name, "what": (inspect.getdoc(NETWORKS[name]) or "").split("\n")[0]} for name in NETWORKS]
    ours += [
        {"name": alias, "what": f"{name} {' '.join(f'{key}={value}' for key, value in preset.items())}".strip()}
        for alias, (name, preset) in ALIASES.items()
    ]
    registered = [{"name": name, "what": who} for name, who in sorted(REGISTERED.others().items())]
    libraries = [
        {"name": f"{name}:", "what": _library_words(name) if is_installed(name) else _missing(name)}
        for name in LIBRARIES
    ]
    return [("ours", ours), ("registered", registered), ("libraries", libraries)]


def _library_words(name: str) -> str:
    from segdepth.networks import PACKAGES

    return f"{PACKAGES[name]}, installed" if name in PACKAGES else "MODULE:FACTORY, code of your own"


def _missing(name: str) -> str:
    from segdepth.networks import PACKAGES

    return f"{PACKAGES[name]}, not installed: pip install 'segdepth[{name}]'"


def _print_available(rows: list[tuple[str, list[Row]]]) -> None:
    from .console import print_rows

    print_rows([line for title, some in rows if some for line in _block(title, some)])
    typer.echo("`segdepth networks NAME` describes one; `segdepth networks LIBRARY:` lists a library's.")


def _block(title: str, rows: list[Row]) -> Iterator[tuple[str, ...]]:
    yield (title,)
    for row in rows:
        yield (f"  {row['name']}", row["what"])
    yield ()


def _names_of(library: str) -> list[str]:
    from segdepth.core.errors import InputError
    from segdepth.networks import names_in

    names = names_in(library)
    if not names:
        raise InputError(f"{library}: cannot list its networks; name one, as {library}:NAME")
    return [f"{library}:{name}" for name in names]


def _describe(
    named: str, task: str | None, asked: tuple[int | None, int | None], allow: list[str] | None, json: bool
) -> None:
    from dataclasses import asdict

    from rich.text import Text

    from segdepth.explaining.description import describe_network

    from .console import err, log_to_terminal

    log_to_terminal()
    with err.status(Text(f"looking at {named}")):
        net, where = _network(named, task, allow)
        own = net.card.input_size if net.card.guest and net.card.guest.size.fixed else None
        usual = own or _SIZE
        found = describe_network(net, (asked[0] or usual[0], asked[1] or usual[1]))
    if json:
        _print_json(asdict(found))
    else:
        _print_description(found, where)


def _network(named: str, task: str | None, allow: list[str] | None) -> "tuple[Network, str]":
    """A new one by its name or address, or what a checkpoint or the hub holds; and the file that it is from, if it is."""
    from segdepth.networks import LIBRARIES, is_named, resolve_arch
    from segdepth.tasks import find_origin

    from .loading import load_checked

    arch = named.partition(",")[0]
    library, colon, _ = arch.partition(":")
    if (colon and library in LIBRARIES) or is_named(arch):
        return _new(named, task), ""
    if arch.isidentifier() and not Path(arch).exists():
        resolve_arch(arch)  # says which names there are
    origin = find_origin(named)
    return load_checked(origin, "cpu", allow=allow, task=task), origin.source


def _new(named: str, task: str | None) -> "Network":
    """A network with random weights, or those that its address asks for."""
    from contextlib import suppress

    from segdepth.core.errors import ConfigError
    from segdepth.networks import NetworkSpec, parse_network
    from segdepth.tasks import Asked, network_of, task_said_by

    spec = parse_network(named)
    asked = Asked(task or task_said_by(spec.arch) or _USUAL)
    if "num_classes" not in spec.options:
        with suppress(ConfigError):  # of a library that has to be told how many classes there are
            return network_of(spec, asked).eval()
        spec = NetworkSpec(spec.arch, {"num_classes": _CLASSES, **spec.options})
    return network_of(spec, asked).eval()


def _print_description(found: "Description", where: str) -> None:
    from segdepth.core.words import counted

    from .console import print_rows

    def number(count: int) -> str:
        return f"{count / 1e6:.2f} million" if count >= 1e5 else str(count)

    def listed(values: Sequence[object]) -> str:
        return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)

    encoder = f"{found.encoder}, {number(found.encoder_parameters)}" if found.encoder else "none"
    range_, coverage = found.preprocessing, found.coverage
    rows = [
        ("network", found.network),
        ("task", found.task),
        ("options", _first_of([f"{key}={value}" for key, value in found.options.items()]) or "none"),
        ("weights", where or found.weights or "none loaded"),
        ("parameters", number(found.parameters)),
        ("encoder", encoder),
        (
            "input",
            f"{range_['order']} / {range_['scale']:g}, less {listed(range_['mean'])}, by {listed(range_['std'])}",
        ),
        ("sizes", found.sizes),
        ("output", f"{counted(found.channels, 'channel')}, {found.meaning}"),
        ("classes", _first_of(found.classes)),
        (f"engine at {coverage.size[0]}x{coverage.size[1]}", coverage.whole or f"{coverage.native} operations native"),
        *(("  autograd", f"{block} x {count}" if count > 1 else block) for block, count in coverage.blocks),
    ]
    print_rows([row for row in rows if row[1]])


def _first_of(words: Sequence[str]) -> str:
    more = len(words) - _NAMED
    return ", ".join(words[:_NAMED]) + (f" and {more} more (--json)" if more > 0 else "")


def _print_json(value: Any) -> None:
    import json

    print(json.dumps(value, indent=2))
