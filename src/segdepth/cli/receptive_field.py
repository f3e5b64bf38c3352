"""``segdepth receptive-field``."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import CHECKPOINT_HELP, NETWORK, AllowCode, Device, Height, Width

if TYPE_CHECKING:
    from torch import Tensor

    from segdepth.networks import Network
    from segdepth.report.field_page import FieldReport

__all__ = ["receptive_field"]

#: The published study's size, where neither checkpoint nor flags say one.
_SIZE = (256, 832)

#: Of networks that are named by --arch.
_BY_CHANCE = " (random weights)"


def receptive_field(
    arch: Annotated[
        list[str] | None,
        typer.Option("--arch", help="A network with random weights, or all; can be repeated.", show_default=False),
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option("--checkpoint", "--model_path", metavar=NETWORK, help=f"{CHECKPOINT_HELP} Can be repeated.",
                     show_default=False),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", help="Of networks named by --arch (by default seg) or by an address: seg, depth, normals.",
                     show_default=False),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option("--pictures", help="A picture, or a folder of them, to measure with; by default noise.",
                     show_default=False),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=1, help="Pictures to measure with.")] = 16,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random weights and of the noise.")] = 0,
    pixel: Annotated[
        tuple[int, int] | None,
        typer.Option("--pixel", metavar="ROW COL", help="The output pixel; by default the centre.", show_default=False),
    ] = None,
    height: Height = None,
    width: Width = None,
    layers: Annotated[bool, typer.Option("--layers", help="Print every layer's stride, field and window too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, not tables.")] = False,
    output: Annotated[Path, typer.Option("--out", help="Folder for page, figures and JSON.")] = Path("receptive_fields"),
    device: Device = "auto",
    allow_code: AllowCode = None,
) -> None:  # fmt: skip
    """How far an output pixel can see (theoretical receptive field), and how far it looks (effective)."""
    from segdepth.core.errors import InputError
    from segdepth.core.tables import pick
    from segdepth.report.field_page import write_fields
    from segdepth.runs import TASK_FACTS

    from .console import counting, err, log_to_terminal, out, results_in

    log_to_terminal()
    if task is not None:
        pick(TASK_FACTS, task, kind="task")
    if not arch and not checkpoint:
        raise InputError("name a network: --arch segnet (or all), or --checkpoint RUN")
    files = _files(pictures, samples)
    count = len(files) if files else samples
    wanted = len(_names(arch)) + len(checkpoint or [])
    reports: list[FieldReport] = []
    with results_in(f"{output}/"), counting("receptive fields") as bar:
        for name, net in chain(
            _by_chance(arch, task, device, seed), _named(checkpoint, task, device, allow_code, height, width)
        ):
            bar(len(reports), wanted)
            size = net.card.input_size or (height or _SIZE[0], width or _SIZE[1])
            inputs = _real(net, files, size) if files else _noise(net, count, size, seed)
            reports.append(_measure(_unused(name, reports), net, inputs, size, pixel))
    source = f"{count} {'pictures of ' + str(pictures) if files else 'pictures of noise'}"
    page = write_fields(reports, output, source=source)
    if json:
        _print_json(reports, source)
    else:
        _print_tables(reports, layers)
        out.print(f"\n{page}", soft_wrap=True)
    for report in reports:
        if report.effective.dead:
            err.print(
                f"segdepth: {report.name}: {report.effective.dead} of {count} pictures have no gradient at "
                f"{report.effective.pixel} (a dead ReLU, or a saturated depth)", style="yellow", soft_wrap=True,
            )  # fmt: skip


def _names(arch: list[str] | None) -> list[str]:
    """Networks by name, checked; "all" is every network of the table, with its variants."""
    from segdepth.networks import ALIASES, NETWORKS, resolve_arch

    every = [
        *(name for name in NETWORKS if name not in {target for target, options in ALIASES.values() if options}),
        *(alias for alias, (_, options) in ALIASES.items() if options),
    ]
    names = [name for word in arch or [] for name in (every if word == "all" else [word])]
    for name in names:
        resolve_arch(name)
    return list(dict.fromkeys(names))


def _by_chance(arch: list[str] | None, task: str | None, device: str, seed: int) -> "Iterator[tuple[str, Network]]":
    """Name and network, one at a time."""
    from segdepth.networks import NetworkSpec
    from segdepth.tasks import Asked, network_of

    from .loading import resolve_device

    where = resolve_device(device)
    for name in _names(arch):
        net = network_of(NetworkSpec(name), Asked(task or "seg", seed=seed))
        yield f"{name} {net.card.task}{_BY_CHANCE}", net.to(where).eval()


def _named(
    checkpoint: list[str] | None, task: str | None, device: str, allow: list[str] | None, height: int | None,
    width: int | None,
) -> "Iterator[tuple[str, Network]]":  # fmt: skip
    """Name and network of checkpoints and addresses, one at a time."""
    from segdepth.tasks import find_origin

    from .loading import load_checked

    for named in checkpoint or []:
        net = load_checked(find_origin(named), device, allow=allow, likely=task, height=height, width=width)
        yield f"{net.card.arch} {net.card.task}", net


def _unused(name: str, reports: "list[FieldReport]") -> str:
    """Two checkpoints of one network get a number."""
    taken = {report.name for report in reports}
    number = 2
    while name in taken:
        name, number = f"{name.rsplit(' no. ', 1)[0]} no. {number}", number + 1
    return name


def _files(pictures: Path | None, samples: int) -> list[Path]:
    from segdepth.core.errors import InputError
    from segdepth.data.files import IMAGE_ENDINGS

    if pictures is None:
        return []
    if not pictures.is_dir():
        return [pictures]
    found = sorted(path for path in pictures.rglob("*") if path.suffix.lower() in IMAGE_ENDINGS)[:samples]
    if not found:
        raise InputError(f"--pictures {str(pictures)!r} holds no picture ({', '.join(IMAGE_ENDINGS)})")
    return found


def _real(net: "Network", files: list[Path], size: tuple[int, int]) -> "Iterator[Tensor]":
    import torch

    from segdepth.geometry.resize import resize_image
    from segdepth.networks import read_picture

    for path in files:
        picture = torch.from_numpy(resize_image(read_picture(path), size)).permute(2, 0, 1)[None]
        yield net.preprocessing(picture.to(net.preprocessing.scale.device))[0]


def _noise(net: "Network", count: int, size: tuple[int, int], seed: int) -> "Iterator[Tensor]":
    """Bytes drawn by chance, in the network's input range."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        picture = torch.randint(0, 256, (1, 3, *size), generator=generator, dtype=torch.uint8)
        yield net.preprocessing(picture.to(net.preprocessing.scale.device))[0]


def _measure(
    name: str, net: "Network", inputs: "Iterator[Tensor]", size: tuple[int, int], pixel: tuple[int, int] | None
) -> "FieldReport":
    from segdepth.report.field_page import FieldReport
    from segdepth.saliency import UnsupportedOperationError, check_pixels
    from segdepth.saliency.receptive_field import effective_field, theoretical_field

    pixel = pixel or (size[0] // 2, size[1] // 2)
    check_pixels([pixel], size)
    theoretical, unknown = None, ""
    try:
        like = net.preprocessing.scale.new_zeros(1).expand(3, *size)
        theoretical = theoretical_field(net, like, pixel)
    except UnsupportedOperationError as error:
        unknown = error.operation
    return FieldReport(name, theoretical, effective_field(net, inputs, pixel), unknown)


def _print_json(reports: "list[FieldReport]", source: str) -> None:
    import json

    from segdepth.report.field_page import field_facts

    print(json.dumps({"pictures": source, "networks": [field_facts(r) for r in reports]}, indent=2))


def _print_tables(reports: "list[FieldReport]", layers: bool) -> None:
    from segdepth.report.field_page import extents

    from .console import out, table

    chance = all(report.name.endswith(_BY_CHANCE) for report in reports)
    clipped = any(report.theoretical is not None and report.theoretical.clipped for report in reports)
    rows = []
    for report in reports:
        field = report.effective
        name = report.name.removesuffix(_BY_CHANCE) if chance else report.name
        radii = (f"{radius:.1f}" for radius in field.radii.values())
        extent = extents(report.theoretical) if report.theoretical else ("?", "?")
        rows.append((name, (*(extent if clipped else extent[:1]), *radii, f"{2 * field.sigma:.1f}", str(field.area))))
    columns = ("theoretical", *(("of it here",) if clipped else ()), "50 %", "90 %", "95 %", "2 sigma", "area")
    out.print(table(rows, columns, title=f"Receptive fields, pixels{_BY_CHANCE if chance else ''}"))
    for report in reports:
        if report.unknown:
            out.print(f"{report.name}: theoretical field not known: {report.unknown}", soft_wrap=True)
    for report in reports if layers else []:
        if report.theoretical is not None:
            own = []
            for layer in report.theoretical.layers:
                sizes = (f"{height}x{width}" for height, width in (layer.field, layer.window))
                own.append((layer.name, (" x ".join(dict.fromkeys(map(str, layer.stride))), *sizes)))
            out.print(table(own, ("stride", "field", "window"), title=f"\n{report.name}"))
