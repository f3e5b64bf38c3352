"""Tiny networks, small pictures and an actor of this process, for the tests of the explorer."""

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segdepth.drawing import png_bytes
from segdepth.executing import Actor
from segdepth.explorer.container import unpack
from segdepth.explorer.desk import Desk
from segdepth.explorer.explorer import Explorer, Reply, Request, ServedNetwork
from segdepth.explorer.pictures import GivenPicture, Pictures
from segdepth.networks import Classes, Network
from segdepth.tasks import create_network

SIZE = (32, 48)
NAMES = ("road", "car", "sky")


class HereActor(Actor):
    """Asks an object of this process, at once."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.object = make()
        self.asked: list[tuple[str, int, Hashable | None]] = []
        self.closed = False

    def ask(
        self, method: str, *args: Any, urgency: int = 0, topic: Hashable | None = None, **options: Any
    ) -> Future[Any]:
        self.asked.append((method, urgency, topic))
        answer: Future[Any] = Future()
        try:
            answer.set_result(getattr(self.object, method)(*args, **options))
        except Exception as error:
            answer.set_exception(error)
        return answer

    def close(self) -> None:
        self.closed = True


def tiny(task: str, size: tuple[int, int] | None = SIZE) -> Network:
    torch.manual_seed(0)
    classes = {"num_classes": len(NAMES)} if task == "seg" else {}
    net = create_network("segnet", task, width=0.125, **classes).eval()
    named = Classes.named(NAMES) if net.output.answers.names_classes else None
    net.card = net.card.model_copy(update={"input_size": size, "classes": named})
    return net


def picture(seed: int = 0, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def pictures(path: Path | None = None) -> Pictures:
    """One with both truths, one of the networks' size without any."""
    truths = {"labels": np.full((40, 60), 1, np.uint8), "depth": np.full((40, 60), 7.5, np.float32)}
    first = GivenPicture(
        "street", lambda: (picture(), truths), ("depth", "labels"), path, frozenset(), NAMES, ((9, 9, 9),) * 3
    )
    return Pictures([first, GivenPicture("other", lambda: (picture(1, SIZE), {}))])


def explorer_of(*tasks: str, **options: Any) -> Explorer:
    served = [ServedNetwork(HereActor(partial(Desk, partial(tiny, task))), f"runs/{task}") for task in tasks]
    return Explorer(served, options.pop("pictures", None) or pictures(), **{"ahead": False, **options})


def ask(explorer: Explorer, path: str, body: bytes = b"", /, **params: Any) -> Reply:
    return explorer.reply(Request(f"api/{path}", {name: str(value) for name, value in params.items()}, body))


def container(reply: Reply) -> tuple[dict[str, Any], Mapping[str, np.ndarray]]:
    assert (reply.status, reply.type) == (200, "application/octet-stream"), reply.body[:200]
    return unpack(reply.body)


def png(seed: int = 0, size: tuple[int, int] = (40, 60)) -> bytes:
    return png_bytes(picture(seed, size))
