"""The map of one pixel of a picture, and the answer that it explains."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from numpy import ndarray
from torch import Tensor

from segdepth.core.errors import InputError
from segdepth.core.tables import did_you_mean
from segdepth.geometry.crops import crop_window
from segdepth.geometry.regions import Place, Region
from segdepth.geometry.resize import resize_image
from segdepth.networks import Network
from segdepth.saliency import NAMED_TARGETS, ExplainedPicture, Explainer, Margin, Target, check_pixels
from segdepth.saliency.engines import EngineName
from segdepth.saliency.measuring import MEASURES, measure_maps
from segdepth.saliency.methods import MethodName
from segdepth.saliency.target import as_target, check_output

__all__ = [
    "THRESHOLDS",
    "Explanation",
    "MapOptions",
    "answer_text",
    "explain",
    "explained_answer",
    "map_statistics",
    "offered_targets",
    "parse_target",
    "region_text",
]

#: Thresholds of the statistics that are saved with a single map.
THRESHOLDS = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class MapOptions:
    """How a map is made.

    Attributes:
        target: what is explained.
        method: see :meth:`~segdepth.saliency.ExplainedPicture.maps`.
        engine: who computes; all give the same.
        crop: name of the window (see :mod:`segdepth.geometry.crops`) in which the map is computed.
    """

    target: Target = "predicted"
    method: MethodName = "gradient"
    engine: EngineName = "auto"
    crop: str = "none"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One pixel's answer and what it was drawn from.

    Attributes:
        image: the picture at the network's size.
        answer: the network's answer per pixel: train ids or metres.
        saliency: map in output units per unit of the input range (times the input's for the methods that multiply by
            it); nan outside the crop.
        text: the answer at the pixel, in words; of a region the number that is explained.
        statistics: the study's statistics of the map in the crop, by name; empty for a pixel outside it.
    """

    image: UInt8[ndarray, "h w 3"]
    answer: ndarray
    saliency: Float[ndarray, "h w"]
    text: str
    statistics: dict[str, float]


def explain(
    net: Network, image: UInt8[ndarray, "h w 3"], place: Place, options: MapOptions | None = None
) -> Explanation:
    """The network's answer to a picture, and the saliency map of one pixel of it, or of the mean over a region.

    A region's statistics are those of its middle.

    Raises:
        InputError: if the place is outside the picture at the network's size, or the engine cannot take the network.
        ConfigError: if there is no such method, engine or crop.
    """
    options = options or MapOptions()
    size = net.card.input_size or (image.shape[0], image.shape[1])
    pixel = place.centre if isinstance(place, Region) else place
    if isinstance(place, Region):
        place.check(size)
    check_pixels([pixel], size)
    window = crop_window(options.crop, *size)
    image = resize_image(image, size)
    device = net.preprocessing.scale.device
    x = net.preprocessing(torch.from_numpy(image).permute(2, 0, 1)[None].to(device))
    at = Explainer(net, engine=options.engine).at(x[0], crop=window)
    if isinstance(place, Region):
        inside = at.region(place, target=options.target, method=options.method)[None].cpu()
    else:
        inside = at.maps([pixel], target=options.target, method=options.method).cpu()
    saliency = np.full(size, np.nan, np.float32)
    saliency[window] = inside[0].numpy()
    answer = explained_answer(net, at)
    text = region_text(at, place, options.target) if isinstance(place, Region) else answer_text(net, answer, pixel)
    return Explanation(image, answer, saliency, text, map_statistics(inside, pixel, window))


def region_text(at: ExplainedPicture, region: Region, target: Target) -> str:
    """The number that is explained of a region, in words."""
    return f"mean over {len(region.pixels)} pixels: {float(at.values(region.pixels, target=target).mean()):.4g}"


def explained_answer(net: Network, at: ExplainedPicture) -> Shaped[ndarray, "h w *values"]:
    """Train ids or metres (float32) of a picture that is explained, as :meth:`Network.predict` gives them."""
    answer: ndarray = net.decode(at.output[None])[0].cpu().numpy()
    return answer.astype(net.output.answers.answer_dtype(net.out_channels))


def map_statistics(
    maps: Float[Tensor, "1 h w"], pixel: tuple[int, int], window: tuple[slice, slice]
) -> dict[str, float]:
    """The study's statistics of a map, by name; empty where the target stands outside the window, to which they are relative.

    Args:
        maps: one, of the window.
        pixel: row and column of the target in the picture.
        window: rows and columns of the picture.
    """
    rows, columns = window
    row, column = pixel[0] - rows.start, pixel[1] - columns.start
    if not (0 <= row < maps.shape[1] and 0 <= column < maps.shape[2]):
        return {}
    values = measure_maps(maps, torch.tensor([[row, column]]), THRESHOLDS)[0].tolist()
    names = [f"{name}@{t}" for name in ("activation_distance", "activation_ratio") for t in THRESHOLDS]
    return dict(zip([*names, *MEASURES], values, strict=True))


def answer_text(net: Network, answer: ndarray, pixel: tuple[int, int], *, exact: bool = False) -> str:
    """The answer at a pixel, in words.

    Args:
        net: whose answer it is.
        answer: train ids or metres.
        pixel: row and column.
        exact: for a table, not for reading.
    """
    names = net.card.classes.names if net.card.classes else ()
    return net.output.answers.words(answer[pixel], names, exact=exact)


def parse_target(net: Network, target: str) -> Target:
    """A target from a command line's word.

    Args:
        net: whose channels have names.
        target: one of :data:`~segdepth.saliency.NAMED_TARGETS`, a class's or channel's name or number, or a margin
            ``road:car``.

    Raises:
        InputError: if there is no such target.
    """
    if target in NAMED_TARGETS:
        return as_target(target)
    first, colon, second = target.partition(":")
    return Margin(_channel(net, first), _channel(net, second)) if colon else _channel(net, target)


def offered_targets(net: Network) -> list[tuple[str, str]]:
    """What can be explained of a network's answer: the words of :func:`parse_target`, and what they say.

    The first is what is explained where nothing is said. Margins of two classes are made of the words of these.

    Args:
        net: whose channels have names, or numbers.
    """
    kind, explainer = net.output.answers, Explainer(net)
    offered = [("predicted", "predicted class" if kind.names_classes else kind.units[0])]
    if net.out_channels > 1:
        names = net.channel_names or tuple(map(str, range(net.out_channels)))
        return offered + [(_word(net, number), name) for number, name in enumerate(names)]
    like = torch.ones(1, 1, 1, 1)
    for target, text in _NAMED.items():
        with suppress(InputError):  # which does not follow from its answer
            explainer.function(as_target(target))
            check_output(like, like, explainer.meant(as_target(target)))
            offered.append((target, text))
    return offered


def _word(net: Network, number: int) -> str:
    """By which a channel is named on a command line: its name, where that means nothing else."""
    name = net.channel_names[number] if net.channel_names else ""
    alone = net.channel_names.count(name) == 1 and not name.isdigit()
    return name if name and alone and ":" not in name and name not in NAMED_TARGETS else str(number)


#: Targets of an answer that is one number, other than that number.
_NAMED = {"log_depth": "logarithm of depth", "disparity": "disparity"}


def _channel(net: Network, word: str) -> int:
    if word.isdigit():
        return int(word)
    if word in net.channel_names:
        return net.channel_names.index(word)
    raise InputError(f"no target {word!r} {did_you_mean(word, [*NAMED_TARGETS, *net.channel_names])}")
