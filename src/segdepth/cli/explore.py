"""``segdepth explore``."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segdepth.explorer.limits import MOST_NETWORKS, check_networks

from .options import CHECKPOINT_HELP, NETWORK, NetworkOptions, spread

if TYPE_CHECKING:
    from segdepth.campaigns.demo.run import Finished
    from segdepth.explorer.code import Said
    from segdepth.explorer.explorer import ServedNetwork
    from segdepth.explorer.pictures import GivenPicture
    from segdepth.networks import Network

__all__ = ["explore"]

#: Addresses that stand for all of this machine, and name none; what the page is called there on the machine itself.
_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}

#: Pictures of a data set that are offered.
_SAMPLES = 50


@spread(without=("model_name",))
def explore(
    pictures: Annotated[
        list[Path] | None,
        typer.Argument(help="Pictures, or folders of them.", metavar="[PICTURE]...", show_default=False),
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option("--checkpoint", metavar=NETWORK, show_default=False,
                     help=f"{CHECKPOINT_HELP} May be given up to {MOST_NETWORKS} times. By default the demonstration's"
                     " networks, or tiny ones that are made."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Pictures of a data set, with their truths.", show_default=False)
    ] = None,
    path: Annotated[Path | None, typer.Option("--path", help="Its folder.", show_default=False)] = None,
    split: Annotated[str, typer.Option("--split", help="Which of its pictures.")] = "val",
    study: Annotated[
        list[Path] | None,
        typer.Option("--study", help="Show a map's statistics beside those of this study; may be given again.",
                     show_default=False),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Where to serve. Anything but the loopback lets others in who have the address.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="By default 8641, or the next one that is free.",
                          show_default=False)
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", show_default=False,
                     help="A name that the page is reached by, such as a notebook proxy's; may be given again."),
    ] = None,
    static: Annotated[
        Path | None,
        typer.Option("--static", metavar="FILE.html", show_default=False,
                     help="Serve nothing: write one page that works from a disk, with maps on a grid over the first picture, or"
                     " over those that are named."),
    ] = None,
    limit: Annotated[float, typer.Option("--limit", min=0.5, metavar="MB", help="Of the page's size.")] = 8.0,
    memory: Annotated[int, typer.Option("--memory", min=16, metavar="MIB", help="For maps that are kept.")] = 512,
    *,
    network: NetworkOptions,
) -> None:  # fmt: skip
    """Serve a page on this machine: point at a pixel of a picture, and see what each network drew on for its answer there.

    Up to four networks of any task stand beside each other. Ctrl-C ends it. --static writes a page instead that needs no server.
    """
    from segdepth.core.errors import InputError

    from .console import err, log_to_terminal, out

    log_to_terminal()
    serving = [flag for flag, said in (("--port", port), ("--allow-host", allow_host)) if said]
    if static is not None and serving:
        raise InputError(f"--static writes a page that nobody serves; leave {' and '.join(serving)} away")
    addresses = [name for name in allow_host or () if not re.fullmatch(r"[\w.-]+", name)]
    if addresses:
        raise InputError(
            f"--allow-host {addresses[0]!r} is no name; give it as hub.example.org, without scheme and port"
        )
    try:
        from segdepth.explorer.server import listen, serve
    except ImportError as error:
        if static is None:
            raise InputError(f"the explorer needs {error.name}: pip install 'segdepth[explore]'") from None
    from segdepth.explorer.explorer import Explorer
    from segdepth.explorer.pictures import Pictures
    from segdepth.explorer.safety import Safety, new_token

    named, given = list(checkpoint or []), _given(pictures or [], dataset, path, split)
    if named:
        check_networks(len(named))
    demonstration = None if named else _demonstration()
    named = [str(run) for run in demonstration.networks] if demonstration else named
    if static is not None:
        shown = given if pictures else (given or _streets(demonstration))[:1]
        _write_page(static, named, network, shown, limit, study or ())
        return
    safety = Safety(new_token(), [*(allow_host or []), *([host] if host not in _ANY_HOST else [])])
    # seen on a terminal only
    with listen(host, port) as listening, err.status("Loading the networks; the page's address follows.") as loading:
        given = given or _streets(demonstration)
        explorer = Explorer(_served(named, network), Pictures(given), memory=memory << 20, studies=study or ())
        name = _ANY_HOST.get(host, host)
        name = f"[{name}]" if ":" in name else name
        address = f"http://{name}:{listening.getsockname()[1]}/?token={safety.token}"

        def ready() -> None:
            loading.stop()
            out.print(address, soft_wrap=True)

        serve(explorer, safety, listening, ready)


def _given(pictures: Sequence[Path], dataset: str | None, path: Path | None, split: str) -> "list[GivenPicture]":
    """What may be looked at.

    Raises:
        DataError: if a picture that is named cannot be read.
        InputError: if a folder has none.
    """
    from segdepth.core.pictures import read_rgb
    from segdepth.explorer.pictures import given_files, given_samples

    from .predict import pictures_in

    for picture in pictures:
        if not picture.is_dir():
            read_rgb(picture)
    given = given_files(pictures_in(pictures))
    if dataset is not None or path is not None:
        from segdepth.studies.frames import open_frames

        given += given_samples(open_frames(path, dataset, split), _SAMPLES)
    return given


def _served(named: Sequence[str], network: NetworkOptions) -> "list[ServedNetwork]":
    """The networks, each in a process of its own; they are loaded when they are first asked."""
    from segdepth.core.processes import usable_cores
    from segdepth.executing import LocalActor
    from segdepth.explorer.explorer import ServedNetwork

    threads = max(1, usable_cores() // len(named))
    return [
        ServedNetwork(LocalActor(partial(_desk, words, own, threads), words), words, _said(own))
        for words, own in _of_each(named, network)
    ]


def _of_each(named: Sequence[str], network: NetworkOptions) -> list[tuple[str, NetworkOptions]]:
    """What is said holds for all networks; rows and columns only for those that take pictures of any size, if there are any."""
    own = [network] * len(named)
    if len(named) > 1 and (network.height, network.width) != (None, None):
        from segdepth.tasks import find_origin

        cards = [find_origin(words).card for words in named]
        sized = [card is not None and card.input_size is not None for card in cards]
        if not all(sized):
            own = [replace(network, height=None, width=None) if has else network for has in sized]
    return list(zip(named, own, strict=True))


def _said(network: NetworkOptions) -> "Said":
    from segdepth.explorer.code import Said

    return Said(network.device, tuple(network.allow_code or ()), sized=network.height is not None)


def _write_page(
    path: Path, named: Sequence[str], network: NetworkOptions, shown: "Sequence[GivenPicture]", limit: float,
    studies: Sequence[Path],
) -> None:  # fmt: skip
    """A page in place of a server, and what was chosen for it."""
    from segdepth.explorer.static_page import MEGABYTE

    from .console import err, out, results_in
    from .static_page import compute_page, here

    served = [here(words, partial(_load, words, own), _said(own)) for words, own in _of_each(named, network)]
    with results_in(path, "nothing was written; the same command begins anew"):
        page = compute_page(path, served, shown, limit=int(limit * MEGABYTE), studies=studies)
    for note in page.notes:
        err.print(note, soft_wrap=True)
    out.print(f"{path}: {page.bytes / MEGABYTE:.1f} MB, opens in a browser without a server", soft_wrap=True)


def _desk(words: str, network: NetworkOptions, threads: int) -> Any:
    """Made in the network's own process."""
    from segdepth.explorer.desk import Desk

    return Desk(partial(_load, words, network), threads)


def _load(words: str, network: NetworkOptions) -> "Network":
    from segdepth.tasks import find_origin

    return network.load(find_origin(words))


def _demonstration() -> "Finished":
    """The demonstration's networks and world; the quick one is made where there is none."""
    from segdepth.campaigns.demo.configs import demo_configs
    from segdepth.campaigns.demo.run import finished_demo

    from .console import err
    from .demo import DEMO, QUICK_DEMO, make_demo

    found = finished_demo(DEMO) or finished_demo(QUICK_DEMO)
    if found is None:
        err.print(
            f"no network is named: training two small ones on a small made-up world first, about a minute, into {QUICK_DEMO}/",
            soft_wrap=True,
        )
        make_demo(QUICK_DEMO, demo_configs(QUICK_DEMO / "world", quick=True), quick=True)
        found = finished_demo(QUICK_DEMO)
        assert found is not None
    return found


def _streets(demonstration: "Finished | None") -> "list[GivenPicture]":
    """Pictures where none are named: the demonstration's, or made-up streets."""
    from segdepth.explorer.pictures import given_samples
    from segdepth.studies.frames import open_frames

    if demonstration is None:
        return given_samples(open_frames(None, "synthetic", "val"), _SAMPLES)
    return given_samples(open_frames(demonstration.world, demonstration.dataset, "val"), _SAMPLES)
