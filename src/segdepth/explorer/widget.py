"""The explorer in a notebook: the same front, which asks over the notebook's own channel."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, cast

import anywidget
import traitlets
from torch import nn

from segdepth.core.errors import InputError
from segdepth.executing import ThreadActor
from segdepth.networks import Network
from segdepth.networks.network import Picture, read_picture
from segdepth.networks.network import Pictures as SeveralPictures
from segdepth.tasks import Asked, find_origin

from .code import Said
from .desk import Desk
from .explorer import MEMORY, Explorer, Request, ServedNetwork
from .front import front_file, modules_as_one
from .limits import check_networks
from .pictures import GivenPicture, Pictures

__all__ = ["Widget"]

#: Questions that are answered at once; most of them wait for a network.
_THREADS = 16

NetworkOrAddress = Network | str | Path


class Widget(anywidget.AnyWidget):
    """Point at a pixel of a picture in a notebook, and see what each network drew on for its answer there.

    It answers while no cell is running, and between the steps of one that is.

    Args:
        nets: a network, or up to four: objects (of :func:`segdepth.load`, :func:`segdepth.wrap`), or what a command names them
            by: a run folder, a checkpoint file, an address. An object is explained as it is: train it no further meanwhile.
        image: a picture, or several: a path, a PIL image, or an RGB array uint8 [h, w, 3].
        task: of an address that does not say it.
        allow: code that addresses may run: ``["python:package.module:factory"]``.
        height: of the widget, in pixels of the screen.
        memory: bytes for maps that are kept.

    Raises:
        InputError: if there is no network or picture, more than four networks, or something that is neither.
        SegdepthError: if a network or a picture cannot be read.
    """

    _esm = modules_as_one("widget_main.js") + "\nexport default { render: renderWidget };\n"
    _css = front_file("style.css")[0].decode()
    height = traitlets.Int(720).tag(sync=True)

    _explorer: Explorer | None = None  # ipywidgets closes what was never made, too

    def __init__(
        self,
        nets: NetworkOrAddress | Sequence[NetworkOrAddress],
        image: Picture | SeveralPictures,
        *,
        task: str | None = None,
        allow: Collection[str] = (),
        height: int = 720,
        memory: int = MEMORY,
    ) -> None:
        pictures = Pictures(_given(image))
        explorer = Explorer(_served(nets, Asked(task, allow=tuple(allow))), pictures, memory=memory)
        super().__init__(height=height)
        self._answering = ThreadPoolExecutor(_THREADS, thread_name_prefix="answers")
        self._explorer = explorer
        self.on_msg(partial(self._receive, explorer))

    def close(self) -> None:
        """Let the networks go; what is shown answers no more."""
        if self._explorer is not None:
            self._answering.shutdown(wait=False, cancel_futures=True)
            self._explorer.close()
        super().close()

    def _receive(self, explorer: Explorer, _: Any, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """A question of the front."""
        body = bytes(buffers[0]) if buffers else b""
        self._answering.submit(self._answer, explorer, content["id"], Request(content["path"], content["params"], body))

    def _answer(self, explorer: Explorer, number: str, request: Request) -> None:
        reply = explorer.reply(request)
        self.send({"id": number, "status": reply.status, "type": reply.type}, [reply.body])


def _served(nets: NetworkOrAddress | Sequence[NetworkOrAddress], asked: Asked) -> list[ServedNetwork]:
    several = list(nets) if isinstance(nets, Sequence) and not isinstance(nets, str) else [nets]
    check_networks(len(several))
    loads: list[tuple[Callable[[], Network], str | None]] = []
    for net in several:
        if isinstance(net, Network):
            loads.append((partial(_itself, net), None))
        elif isinstance(net, (str, Path)):
            loads.append((partial(find_origin(str(net)).network, asked), str(net)))
        else:
            hint = "; wrap a module: segdepth.wrap(module, task=...)" if isinstance(net, nn.Module) else ""
            raise InputError(f"a network must be a Network, a path or an address, not a {type(net).__name__}{hint}")
    turn = threading.Lock()
    said = Said(device="cpu", allow=tuple(asked.allow))
    return [
        ServedNetwork(ThreadActor(partial(Desk, load), source or "a network", turn), source, said)
        for load, source in loads
    ]


def _itself(net: Network) -> Network:
    return net


def _given(image: Picture | SeveralPictures) -> list[GivenPicture]:
    several: list[Picture] = [*image] if isinstance(image, (list, tuple)) else [cast(Picture, image)]
    if not several:
        raise InputError("give a picture")
    return [_picture(one, number) for number, one in enumerate(several, 1)]


def _picture(image: Picture, number: int) -> GivenPicture:
    rgb = read_picture(image)
    if isinstance(image, (str, Path)):
        path = Path(image)
        return GivenPicture(path.name, lambda: (rgb, {}), path=path)
    return GivenPicture(f"picture {number}", lambda: (rgb, {}))
