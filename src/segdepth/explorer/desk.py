"""One network that is asked about pictures, in a process of its own: what belongs to a picture is done once."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Float32, Shaped, UInt8
from numpy import ndarray
from torch import Tensor, nn
from tqdm import tqdm

from segdepth.core.errors import InputError
from segdepth.evaluation.predicting import colours_of
from segdepth.explaining.explanation import (
    answer_text,
    explained_answer,
    map_statistics,
    offered_targets,
    parse_target,
    region_text,
)
from segdepth.geometry.regions import Place, Region
from segdepth.kinds import KINDS
from segdepth.networks import Network
from segdepth.saliency import ExplainedPicture, Explainer, Target
from segdepth.saliency.methods import MethodName
from segdepth.saliency.receptive_field import FieldBoxes, extent_of
from segdepth.studies.faithfulness import most_salient
from segdepth.studies.random_network import random_network
from segdepth.studies.sources import EdgeMaps

from .looks import Look, TruthLook
from .maps import FoundMap
from .questions import MODELS

__all__ = ["Desk"]

#: Pictures of a model that are ready.
_READY = 3

#: Seed of the weights of the network that has learned nothing.
_SEED = 0

Pixel = tuple[int, int]
Image = UInt8[ndarray, "h w 3"]

V = TypeVar("V")


class Ready(NamedTuple):
    """A picture that can be explained, and the answer to it for people: train ids or metres."""

    at: ExplainedPicture
    answer: Shaped[ndarray, "h w *values"]


class Desk:
    """A network, the same one before it learned anything, and the pictures that they have answered lately.

    Args:
        load: gives the network.
        threads: of PyTorch; None: as many as it takes by itself.
    """

    def __init__(self, load: Callable[[], Network], threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        # torch counts with it; its own lock is one between processes, which who is ended at once leaves behind
        tqdm.set_lock(threading.RLock())
        self._net = load()
        self._models: dict[str, Explainer] = {"trained": Explainer(self._net)}
        self._ready: dict[str, OrderedDict[Hashable, Ready]] = {model: OrderedDict() for model in MODELS}
        self._boxes: OrderedDict[tuple[int, int], FieldBoxes] = OrderedDict()

    def describe(self) -> dict[str, Any]:
        """What a session says of the network."""
        net, card = self._net, self._net.card
        kind = net.output.answers
        names = self._names
        return {
            "arch": card.title,
            "task": card.task,
            "answers": kind.name,
            "device": str(net.preprocessing.scale.device),
            "explained": net.explained,
            "targets": [{"value": value, "text": text} for value, text in offered_targets(net)],
            "size": None if card.input_size is None else list(card.input_size),
            "classes": [
                {"name": name, "colour": list(colour)} for name, colour in zip(names or (), colours_of(net), strict=False)
            ],
            "models": list(MODELS),
            "patch": _patch(net),
        }  # fmt: skip

    def answer(
        self, look: Look, truth: TruthLook | None, like: Look | None = None
    ) -> tuple[dict[str, Any], dict[str, ndarray]]:
        """What the network says of the picture, as a container's head and arrays.

        Args:
            look: picture and model.
            truth: of the answer's kind, where there is one; its colours are the answer's.
            like: the picture whose answer has the same colours where there is no truth; None: this one.
        """
        (at, answer), kind, colours = self._at(look), self._net.output.answers, colours_of(self._net)
        if kind.is_relative:  # no truth has its scale
            painted = kind.answer_over(look.image, answer, colours)
        else:
            scale = self._at(like or look).answer if truth is None else truth.values
            painted = kind.painter(scale, colours)(answer)
        shown = answer.astype(np.int32) if answer.dtype.kind == "u" and answer.dtype.itemsize > 1 else answer
        arrays: dict[str, ndarray] = {"answer": shown, "painted": painted}
        head: dict[str, Any] = {
            "size": list(look.image.shape[:2]),
            "answer": {"array": "answer", "names": self._names, "unit": kind.symbol, "digits": kind.digits},
            "beside": [],
            "truth": None,
        }
        if kind.names_classes:
            best = at.output.topk(min(2, self._net.out_channels), dim=0).values.float().cpu().numpy()
            arrays |= {"top": best[0], "margin": best[0] - best[-1]}
            head["beside"] = [{"text": "logit", "array": "top"}, {"text": "margin", "array": "margin"}]
        if truth is not None:
            known = KINDS[kind.name]
            values = truth.values.astype(known.dtype)
            arrays |= {"truth": values, "truth_painted": known.painter(values, truth.colours)(values)}
            names = list(truth.names) if known.names_classes else None
            head["truth"] = {"array": "truth", "names": names, "unit": known.symbol, "digits": known.digits}
        return head, arrays

    def maps(self, look: Look, places: Sequence[Place], target: str, method: MethodName) -> list[FoundMap]:
        """The map of each place.

        Args:
            look: picture and model.
            places: pixels, or one region.
            target: what is explained, a word of a command line.
            method: how.
        """
        (at, answer), goal = self._at(look), parse_target(self._net, target)
        begun = time.perf_counter()
        maps = _maps(at, places, goal, method)
        each = 1000 * (time.perf_counter() - begun) / len(places)
        engine = at.engine_for(len(places), target=goal)
        return [
            FoundMap(
                {**self._facts(at, answer, place, goal), **_numbers(one, _pixel(place)), "engine": engine, "ms": each},
                one.float().cpu().numpy().copy(),  # alone: not all that were computed with it stay as long as it does
            )
            for place, one in zip(places, maps, strict=True)
        ]

    def fields(self, look: Look, pixel: Pixel) -> dict[str, Any]:
        """What the pixel's answer is connected to, and the radii around the pixel that hold most of its map.

        Args:
            look: picture and model.
            pixel: row and column.
        """
        at = self._at(look).at
        one = at.maps([pixel], zeros=lambda _: None)[0].double()
        rows, columns = self._boxes_of(look.image).of(pixel)
        radii = extent_of(one / one.sum().clamp(min=torch.finfo(one.dtype).tiny), pixel)[0]
        return {
            "theoretical": [rows[0], columns[0], rows[1], columns[1]],
            "effective": {f"{share:g}": radius for share, radius in radii.items()},
        }

    def edges(self, image: Image) -> Float32[ndarray, "h w"]:
        """How fast the picture's brightness changes: a map that knows no network."""
        whole = slice(0, image.shape[0]), slice(0, image.shape[1])
        (block,) = EdgeMaps().maps(image, np.zeros((1, 2), np.int64), whole)
        return block[0].float().contiguous().numpy()

    def masked(
        self, look: Look, place: Place, target: str, method: MethodName, share: float, *, keep: bool
    ) -> Image:  # fmt: skip
        """The picture with its mean colour in place of the pixels that a map calls most salient, or of all others.

        Args:
            look: picture and model.
            place: of the map.
            target: of the map.
            method: of the map.
            share: of the picture's pixels that are called so.
            keep: replace all others.

        Raises:
            InputError: if the map is zero everywhere.
        """
        (one,) = _maps(self._at(look).at, [place], parse_target(self._net, target), method)
        if not one.any():
            raise InputError("this map is zero everywhere: no pixel is salient")
        salient = most_salient(one, share).cpu().numpy()
        mean = np.rint(look.image.mean((0, 1))).astype(np.uint8)
        return np.where((salient != keep)[..., None], mean, look.image)

    @property
    def _names(self) -> list[str] | None:
        if not self._net.output.answers.names_classes:
            return None
        return list(self._net.channel_names) or [f"class {number}" for number in range(self._net.out_channels)]

    def _explainer(self, model: str) -> Explainer:
        if model not in self._models:
            self._models[model] = Explainer(random_network(self._net, _SEED))
        return self._models[model]

    def _at(self, look: Look) -> Ready:
        def explained() -> Ready:
            explainer = self._explainer(look.model)
            preprocessing = self._net.preprocessing
            x = torch.from_numpy(look.image).permute(2, 0, 1)[None].to(preprocessing.scale.device)
            at = explainer.at(preprocessing(x)[0])
            return Ready(at, explained_answer(self._net, at))

        return _latest(self._ready[look.model], look.picture, explained, _READY)

    def _boxes_of(self, image: Image) -> FieldBoxes:
        size = image.shape[0], image.shape[1]
        like = self._net.preprocessing.scale.new_zeros(1).expand(3, *size)
        return _latest(self._boxes, size, lambda: FieldBoxes(self._net, like), _READY)

    def _facts(self, at: ExplainedPicture, answer: ndarray, place: Place, goal: Target) -> dict[str, Any]:
        if isinstance(place, Region):
            value = float(at.values(place.pixels, target=goal).mean())
            return {"text": region_text(at, place, goal), "value": value}
        return {"text": answer_text(self._net, answer, place), "value": float(at.values([place], target=goal)[0])}


def _latest(kept: OrderedDict[Any, V], key: Hashable, make: Callable[[], V], most: int) -> V:
    """What is kept under a key, made where it is not; the least recently used goes."""
    if key in kept:
        kept.move_to_end(key)
        return kept[key]
    while len(kept) >= most:  # its memory is needed
        kept.popitem(last=False)
    kept[key] = make()
    return kept[key]


def _pixel(place: Place) -> Pixel:
    return place.centre if isinstance(place, Region) else place


def _maps(at: ExplainedPicture, places: Sequence[Place], goal: Target, method: MethodName) -> Tensor:
    """The map of each place ``[p, h, w]``: of pixels at once, of regions one after the other."""
    pixels = [place for place in places if not isinstance(place, Region)]
    if len(pixels) == len(places):
        return at.maps(pixels, target=goal, method=method, zeros=lambda _: None)
    regions = [place for place in places if isinstance(place, Region)]
    return torch.stack([at.region(one, target=goal, method=method, zeros=lambda _: None) for one in regions])


def _numbers(one: Tensor, pixel: Pixel) -> dict[str, Any]:
    """What a map says in numbers."""
    peak = float(one.max())
    whole = slice(0, one.shape[0]), slice(0, one.shape[1])
    return {"peak": peak, "zero": peak == 0, "statistics": map_statistics(one[None], pixel, whole)}


def _patch(net: nn.Module) -> int | None:
    """Side of the squares that the picture is cut into before anything else; None where it is not cut."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            (side, other), step = module.kernel_size, module.stride
            return side if side == other > 1 and step == module.kernel_size else None
    return None
