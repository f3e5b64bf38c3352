"""Where a study's maps come from: a network, or a null model that no network has to be asked for.

A statistic of a network's maps means something only beside the same statistic of maps that know nothing:
the same network with random weights, all that the network is connected to, the picture's edges, a blob around the target.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, Int, Shaped, UInt8
from numpy import ndarray
from torch import Tensor

from segdepth.networks import Network
from segdepth.saliency import ExplainedPicture, Explainer
from segdepth.saliency.engines import EngineName
from segdepth.saliency.receptive_field import FieldBoxes
from segdepth.saliency.request import maps_in_block

from .store import OF_A_NETWORK

__all__ = ["NULL_MAPS", "EdgeMaps", "FieldMaps", "GaussianMaps", "MapSource", "NetworkMaps"]

Window = tuple[slice, slice]


class MapSource(ABC):
    """Gives one map per target.

    Attributes:
        network: whose maps they are ("segnet"), or the null model's name.
        task: of the network, or "none" for a null model without one.
        model: "trained", "random", "field", "edges" or "gaussian".
        engine: who computes them, where there is a choice.
        value_names: of the numbers of an answer that has several.
    """

    network: str
    task: str
    model: str
    engine: str | None = None
    value_names: tuple[str, ...] = ()

    def settle(self, image: UInt8[ndarray, "h w 3"], count: int, window: Window) -> None:  # noqa: B027 (most have no choice)
        """Choose, where there is a choice, who computes all maps from here on, by a picture and its number of targets."""

    def block(self, window: Window) -> int:  # noqa: ARG002
        """Targets whose maps are computed together: whoever computes them, cut there the numbers stay the same."""
        return _BLOCK

    @property
    def device(self) -> str:
        """Kind of the device that computes."""
        return "cpu"

    @property
    def prefix(self) -> str:
        """Of a null model that is made of a network, before that network's name."""
        return f"{self.model}-" if self.model in OF_A_NETWORK else ""

    @abstractmethod
    def maps(
        self, image: UInt8[ndarray, "h w 3"], pixels: Int[ndarray, "p 2"], window: Window
    ) -> Iterator[Float[Tensor, "_p _h _w"]]:
        """Maps of the targets inside the window, not negative, in the targets' order, some at a time."""

    def answers(self, image: UInt8[ndarray, "h w 3"]) -> Shaped[ndarray, "h w *values"] | None:  # noqa: ARG002
        """What it says at every pixel: train ids or metres; None where it says nothing."""
        return None

    def answers_at(
        self, image: UInt8[ndarray, "h w 3"], pixels: Int[ndarray, "p 2"], column: str
    ) -> dict[str, Float32[ndarray, " p"]]:
        """What it says at some pixels, for a table: one column, or one for each number that an answer has.

        Args:
            image: at the network's size.
            pixels: row and column of each.
            column: what it is called.
        """
        answers = self.answers(image)
        if answers is None:
            return {column: np.full(len(pixels), np.nan, np.float32)}
        here = answers[tuple(pixels.T)].astype(np.float32)
        if here.ndim == 1:
            return {column: here}
        return {f"{column}_{name}": values for name, values in zip(self.value_names, here.T, strict=True)}

    def describe(self) -> dict[str, Any]:
        """Plain data for the store."""
        return {}


class NetworkMaps(MapSource):
    """A network's own maps: the logit of the class predicted at the target, or its depth.

    Args:
        net: in eval mode, on its device.
        model: "trained" or "random".
        engine: who computes them.
    """

    def __init__(self, net: Network, model: str = "trained", engine: EngineName = "auto") -> None:
        self.net = net
        self.network = net.card.title
        self.task = net.card.task
        self.model = model
        self.value_names = net.output.channel_names
        self._asked = engine
        self._explainer = Explainer(net, engine=engine)
        self._last: tuple[ndarray, ExplainedPicture] | None = None

    @property
    def engine(self) -> EngineName:
        """Who computes the maps."""
        return self._explainer.engine

    @engine.setter
    def engine(self, name: EngineName) -> None:
        self._explainer.engine = name

    def settle(self, image: UInt8[ndarray, "h w 3"], count: int, window: Window) -> None:
        """See :meth:`MapSource.settle`."""
        self.engine = self._explainer.at(self.input(image)[0], crop=window).engine_for(count)

    def block(self, window: Window) -> int:
        """See :meth:`MapSource.block`."""
        rows, columns = window
        return maps_in_block(
            (rows.stop - rows.start, columns.stop - columns.start), self.net.preprocessing.scale.element_size()
        )

    @property
    def device(self) -> str:
        """See :meth:`MapSource.device`."""
        return self.net.preprocessing.scale.device.type

    def maps(
        self, image: UInt8[ndarray, "h w 3"], pixels: Int[ndarray, "p 2"], window: Window
    ) -> Iterator[Float[Tensor, "_p _h _w"]]:
        """Absolute gradients, maximum over the colours; the study counts those that are zero, by their peaks."""
        self._last = None  # its memory is needed
        at = self._explainer.at(self.input(image)[0], crop=window)
        self._last = image, at
        return at.blocks(pixels, zeros=lambda _: None)

    def output(self, image: UInt8[ndarray, "h w 3"]) -> Float[Tensor, "1 c h w"]:
        """Logits or metres; after the same picture's maps they are there."""
        last, self._last = self._last, None
        if last is not None and last[0] is image:
            return last[1].output[None]
        with torch.no_grad():
            output: Tensor = self.net(self.input(image))
        return output

    def answers(self, image: UInt8[ndarray, "h w 3"]) -> Shaped[ndarray, "h w *values"]:
        """Train ids or metres."""
        answer: ndarray = self.net.decode(self.output(image))[0].cpu().numpy()
        return answer

    def describe(self) -> dict[str, Any]:
        """Card and a digest of the weights."""
        card = self.net.card.model_dump(mode="json", exclude={"config"})
        return {"card": card, "weights_sha256": _weights_digest(self.net), "engine": self._asked}

    def input(self, image: UInt8[ndarray, "h w 3"]) -> Float[Tensor, "1 3 h w"]:
        """The picture in the network's input range, on its device."""
        device = self.net.preprocessing.scale.device
        x: Tensor = self.net.preprocessing(torch.from_numpy(image).permute(2, 0, 1)[None].to(device))
        return x


class FieldMaps(MapSource):
    """The theoretical receptive field: 1 wherever the target is connected to, whatever the weights are.

    The target itself is left out. So a map has a lowest value 0 even where the field holds the whole crop, and its
    statistics are those of the field: a map that is the same everywhere would normalise to nothing.

    Args:
        net: whose architecture it is.
    """

    model = "field"

    def __init__(self, net: Network) -> None:
        self.net = net
        self.network = net.card.title
        self.task = net.card.task
        self._boxes: tuple[tuple[int, int], FieldBoxes] | None = None

    def maps(
        self, image: UInt8[ndarray, "h w 3"], pixels: Int[ndarray, "p 2"], window: Window
    ) -> Iterator[Float[Tensor, "_p _h _w"]]:
        """1 inside the field, 0 outside and at the target."""
        boxes = self._boxes_of((image.shape[0], image.shape[1]))
        top, left = window[0].start, window[1].start
        size = (window[0].stop - top, window[1].stop - left)
        for start in range(0, len(pixels), _BLOCK):
            some = pixels[start : start + _BLOCK].tolist()
            maps = torch.zeros(len(some), *size)
            for one, (row, col) in zip(maps, some, strict=True):
                rows, columns = boxes.of((row, col))
                one[
                    max(0, rows[0] - top) : max(0, rows[1] - top), max(0, columns[0] - left) : max(0, columns[1] - left)
                ] = 1
                one[row - top, col - left] = 0
            yield maps

    def _boxes_of(self, size: tuple[int, int]) -> FieldBoxes:
        """A network is traced once per size."""
        if self._boxes is None or self._boxes[0] != size:
            like = self.net.preprocessing.scale.new_zeros(1).expand(3, *size)
            self._boxes = size, FieldBoxes(self.net, like)
        return self._boxes[1]

    def describe(self) -> dict[str, Any]:
        """The card; weights do not matter."""
        return {"card": self.net.card.model_dump(mode="json", include={"arch", "options", "output", "out_channels"})}


class EdgeMaps(MapSource):
    """How fast the picture's brightness changes: the same map for every target.

    A saliency map that looks like this one may show the picture and not the network (Adebayo et al. 2018).
    """

    network = model = "edges"
    task = "none"

    def maps(
        self, image: UInt8[ndarray, "h w 3"], pixels: Int[ndarray, "p 2"], window: Window
    ) -> Iterator[Float[Tensor, "_p _h _w"]]:
        """Magnitude of the Sobel gradient."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))[window]
        one = torch.from_numpy(np.ascontiguousarray(edges))
        for start in range(0, len(pixels), _BLOCK):
            yield one.expand(len(pixels[start : start + _BLOCK]), -1, -1)


class GaussianMaps(MapSource):
    """A round blob around the target, the same everywhere: range without a network.

    Attributes:
        sigma: standard deviation, as a share of the crop's diagonal.
    """

    network = model = "gaussian"
    task = "none"
    sigma = 0.05

    def maps(
        self, image: UInt8[ndarray, "h w 3"], pixels: Int[ndarray, "p 2"], window: Window
    ) -> Iterator[Float[Tensor, "_p _h _w"]]:
        """``exp(-d^2 / 2 sigma^2)``."""
        del image
        rows, columns = (torch.arange(side.start, side.stop) for side in window)
        spread = 2 * self.sigma**2 * (len(rows) ** 2 + len(columns) ** 2)
        for start in range(0, len(pixels), _BLOCK):
            target = torch.from_numpy(pixels[start : start + _BLOCK])
            vertical = (rows - target[:, :1]).square().div(-spread).exp()
            horizontal = (columns - target[:, 1:]).square().div(-spread).exp()
            yield vertical[:, :, None] * horizontal[:, None, :]

    def describe(self) -> dict[str, Any]:
        """Its width."""
        return {"sigma_of_diagonal": self.sigma}


#: Maps at a time.
_BLOCK = 256

#: Null models that need no network.
NULL_MAPS: Mapping[str, type[MapSource]] = MappingProxyType({"edges": EdgeMaps, "gaussian": GaussianMaps})


def _weights_digest(net: Network) -> str:
    """SHA-256 of all tensors; does not depend on the file that they came in."""
    digest = hashlib.sha256()
    for name, tensor in sorted(net.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
