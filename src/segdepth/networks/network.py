"""What every network promises."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from pathlib import Path
from typing import ClassVar, overload

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped, UInt8
from numpy import ndarray
from PIL import Image, ImageOps
from torch import Tensor, nn

from segdepth.core.errors import DataError, InputError
from segdepth.core.pictures import read_rgb
from segdepth.geometry.resize import resize_image

from .card import Card
from .hub import HubNetwork
from .outputs import OUTPUTS, Output
from .preprocessing import Preprocessing

__all__ = ["MIN_SIZE", "Network", "Picture"]

#: Smallest number of rows and of columns that a network takes, pixels.
MIN_SIZE = 32

#: Pictures of one forward pass of :meth:`Network.predict`.
_BATCH = 8

#: What :meth:`Network.predict` reads: a path, a PIL image, or an RGB array uint8 [h, w, 3].
Picture = str | Path | Image.Image | UInt8[ndarray, "h w 3"]
Pictures = Iterable[str | Path | Image.Image | UInt8[ndarray, "_h _w 3"]]


class Network(nn.Module, HubNetwork):
    """A dense predictor: a picture in, an answer per pixel out, at the picture's size.

    A subclass is one paper. It builds its layers and answers :meth:`raw`; the rest is the same for all.

    Args:
        out_channels: number of classes, or as many as the output has.
        output: name in :data:`~segdepth.networks.outputs.OUTPUTS`.

    Attributes:
        own_outputs: how this paper's linear map becomes an answer, where that is its own, by the output's name.
        backbone: whose ImageNet weights fit; None where none do.
        encoder: the submodule that those weights fill, in networks that have one; learning-rate groups and freezing call
            it the backbone.
        card: what travels with the weights; set by whoever creates the network.
        preprocessing: 8-bit RGB to the input range.
    """

    own_outputs: ClassVar[Mapping[str, type[Output]]] = {}
    backbone: ClassVar[str | None] = None

    card: Card

    def __init__(self, out_channels: int, output: str) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.output: Output = (dict(OUTPUTS) | dict(self.own_outputs))[output]()
        self.preprocessing = Preprocessing("imagenet")

    @property
    def channel_names(self) -> tuple[str, ...]:
        """What the answer's channels are called: the classes, or what the output calls them; empty where nobody knows."""
        return self.card.classes.names if self.card.classes else self.output.channel_names

    @property
    def explained(self) -> str:
        """What saliency explains where nothing is said, a name among :data:`segdepth.saliency.Target`."""
        return self.output.explained

    @property
    def unknown_targets(self) -> frozenset[str]:
        """Named targets that do not follow from its answer."""
        return self.output.unknown

    @abstractmethod
    def raw(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """The last linear map at the input's size, from which :attr:`output` makes the answer."""

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """Logits, or depth in metres, at the input's size.

        Args:
            x: pictures in the network's input range (see :attr:`preprocessing`); h, w >= 32, odd sizes too.

        Raises:
            InputError: if a side is shorter than 32 pixels.
        """
        check_input(x)
        return self.output(self.raw(x))  # type: ignore[no-any-return]

    def idle_parameters(self, size: tuple[int, int] = (MIN_SIZE, MIN_SIZE)) -> list[str]:
        """Names of parameters that have no part in the answer, and so would never get a gradient: none, in our own networks.

        Args:
            size: rows and columns of the pictures that are answered.
        """
        del size
        return []

    def disparity(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Inverse metres at the input's size, from a depth network.

        Raises:
            InputError: if it answers something else.
        """
        return self.output.disparity(self.raw(x))

    def decode(self, output: Float[Tensor, "b c h w"]) -> Shaped[Tensor, "b h w *values"]:
        """Train ids (int64) or metres, from what :meth:`forward` gave."""
        return self.output.decode(output)

    @overload
    def predict(self, image: Picture) -> Shaped[ndarray, "h w *values"]: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, image: Pictures) -> list[Shaped[ndarray, "_h _w *_values"]]: ...
    @torch.no_grad()
    def predict(
        self, image: Picture | Pictures
    ) -> Shaped[ndarray, "h w *values"] | list[Shaped[ndarray, "_h _w *_values"]]:
        """Class ids (uint8 train ids) or metres (float32) of pictures, at each picture's own size.

        Pictures are resized to the size that the network was trained at (without one, each keeps its own); logits and depth
        are resized back bilinearly (logits before the argmax). A picture's answer does not depend on the others. The network's
        mode is left as it was.

        Args:
            image: a path, a PIL image or an RGB array uint8 [h, w, 3]; or a list of them, answered by a list.

        Raises:
            InputError: if a picture cannot be read or is no RGB picture.
        """
        if isinstance(image, (str, Path, Image.Image, np.ndarray)):
            return self.predict([image])[0]
        if not isinstance(image, Iterable) or isinstance(image, Tensor):
            raise InputError(f"a picture must be a path, a PIL image or an RGB array, not a {type(image).__name__}")
        was_training = self.training
        self.eval()
        try:
            return [
                answer
                for some in _alike(map(read_picture, image), self.card.input_size)
                for answer in self._answers(some)
            ]
        finally:
            self.train(was_training)

    def _answers(self, pictures: list[UInt8[ndarray, "_h _w 3"]]) -> Iterator[Shaped[ndarray, "_h _w *_values"]]:
        """Answers to pictures in one batch, at their own sizes."""
        size = self.card.input_size or pictures[0].shape[:2]
        resized = np.stack([resize_image(picture, size) for picture in pictures])
        batch = torch.from_numpy(resized).permute(0, 3, 1, 2).to(self.preprocessing.scale.device)
        for output, picture in zip(self(self.preprocessing(batch)), pictures, strict=True):
            yield self._answer(output[None], picture.shape[:2])

    def _answer(self, output: Float[Tensor, "1 c _h _w"], size: tuple[int, int]) -> Shaped[ndarray, "h w *values"]:
        answer = self.decode(resize_output(output, size))[0].cpu().numpy()
        return answer.astype(self.output.answers.answer_dtype(self.out_channels))


def check_input(x: Tensor) -> None:
    """Refuse what no network can take.

    Raises:
        InputError: if it is no batch of three channels in floating point, or too small.
    """
    if x.ndim != 4 or x.shape[1] != 3 or not x.is_floating_point():
        raise InputError(
            f"a network takes [b, 3, h, w] in floating point, its preprocessing's range; this is {list(x.shape)} {x.dtype}"
        )
    if min(x.shape[-2:]) < MIN_SIZE:
        raise InputError(
            f"the picture is {x.shape[-2]}x{x.shape[-1]} (rows x columns); "
            f"networks need at least {MIN_SIZE}x{MIN_SIZE}: enlarge it or pad it"
        )


def resize_output(output: Float[Tensor, "b c _h _w"], size: tuple[int, int]) -> Float[Tensor, "b c h w"]:
    """Logits or depth at the truth's size, bilinear, corners not aligned (what all evaluation protocols use)."""
    if output.shape[-2:] == size:
        return output
    return F.interpolate(output, size=size, mode="bilinear", align_corners=False)


def _alike(
    pictures: Iterable[UInt8[ndarray, "_h _w 3"]], size: tuple[int, int] | None
) -> Iterator[list[UInt8[ndarray, "_h _w 3"]]]:
    """Pictures in their order, in batches that a network sees at one size; a bounded number at a time."""
    for _, alike in groupby(pictures, key=lambda picture: size or picture.shape):
        while batch := list(islice(alike, _BATCH)):
            yield batch


def read_picture(image: Picture) -> UInt8[ndarray, "h w 3"]:
    """An RGB array of a path, PIL image or array.

    Raises:
        InputError: if the file is missing, broken, too large or no picture, or the array is not uint8 [h, w, 3].
    """
    if isinstance(image, Image.Image):
        upright = ImageOps.exif_transpose(image)  # as a camera meant it, and as a file is read below
        if upright.mode.startswith("I;16"):
            grey = (np.asarray(upright) >> 8).astype(np.uint8)
            return np.repeat(grey[..., None], 3, axis=2)
        return np.asarray(upright.convert("RGB"))
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise InputError(f"a picture must be RGB uint8 [h, w, 3]; this array is {image.dtype} {list(image.shape)}")
        return image
    try:
        return read_rgb(Path(image))
    except DataError as error:
        raise InputError(f"cannot read the picture: {error}") from None
