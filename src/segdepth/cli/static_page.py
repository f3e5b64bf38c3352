"""The explorer's page that needs no server, computed with a bar on the terminal."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segdepth.explorer.code import Said
    from segdepth.explorer.explorer import ServedNetwork
    from segdepth.explorer.pictures import GivenPicture
    from segdepth.explorer.static_page import StaticPage
    from segdepth.networks import Network

__all__ = ["compute_page", "here"]


def here(words: str, load: "Callable[[], Network]", said: "Said | None" = None) -> "ServedNetwork":
    """A network in this process, loaded when it is first asked.

    Args:
        words: that name it.
        load: gives it.
        said: of it, besides; None: nothing.
    """
    from segdepth.executing import ThreadActor
    from segdepth.explorer.code import Said
    from segdepth.explorer.desk import Desk
    from segdepth.explorer.explorer import ServedNetwork

    return ServedNetwork(ThreadActor(lambda: Desk(load), words), words, said or Said())


def compute_page(
    path: Path, served: "Sequence[ServedNetwork]", shown: "Sequence[GivenPicture]", *, limit: int | None = None,
    studies: Sequence[Path] = (),
) -> "StaticPage":  # fmt: skip
    """Write the page.

    Args:
        path: of the page.
        served: networks, which are let go at the end.
        shown: pictures.
        limit: bytes; None: what is usual.
        studies: folders of studies of these networks.
    """
    from segdepth.explorer.explorer import Explorer
    from segdepth.explorer.pictures import Pictures
    from segdepth.explorer.static_page import LIMIT, write_static_page

    from .console import counting

    with (
        counting("computing maps") as bar,
        closing(Explorer(served, Pictures(shown), studies=studies, ahead=False)) as explorer,
    ):
        return write_static_page(explorer, path, limit=LIMIT if limit is None else limit, progress=bar)
