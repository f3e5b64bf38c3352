"""Answers and explanations of single pictures: computed, coloured, saved."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from numpy import ndarray
from torch import Tensor

from segdepth.core.errors import InputError
from segdepth.core.files import replacing, write_json
from segdepth.core.tables import did_you_mean
from segdepth.data.files import read_rgb
from segdepth.drawing import colour_saliency, mark_pixel, write_png
from segdepth.geometry.crops import crop_window
from segdepth.geometry.resize import resize_image
from segdepth.networks import Network
from segdepth.saliency import ExplainedPicture, Explainer, Margin, Target, check_pixels
from segdepth.saliency.engines import EngineName
from segdepth.saliency.measuring import MEASURES, measure_maps
from segdepth.saliency.methods import MethodName

__all__ = [
    "Explanation",
    "answer_text",
    "colour_prediction",
    "explain",
    "explained_answer",
    "parse_target",
    "result_folder",
    "save_label_ids",
    "save_prediction",
    "save_saliency",
]


def colour_prediction(net: Network, answer: ndarray, image: UInt8[ndarray, "h w 3"]) -> UInt8[ndarray, "h w 3"]:
    """A coloured picture of class ids (laid over the image) or of metres."""
    return net.output.answers.answer_over(image, answer, _colours(net))


def _colours(net: Network) -> tuple[tuple[int, int, int], ...]:
    if net.card.classes is not None:
        return net.card.classes.colours
    generator = np.random.default_rng(0)
    return tuple((int(r), int(g), int(b)) for r, g, b in generator.integers(40, 256, (net.out_channels, 3)))


def save_prediction(net: Network, path: Path, folder: Path) -> list[Path]:
    """Predict one picture and save answer and colours; returns the files.

    Raises:
        DataError: if the file is missing, truncated or no picture.
    """
    image = read_rgb(path)
    answer = net.predict(image)
    colours = folder / f"{path.stem}_{net.card.task}.png"
    write_png(colours, colour_prediction(net, answer, image))
    return [colours, *net.output.answers.save(answer, folder / path.stem)]


def save_label_ids(net: Network, path: Path, folder: Path) -> list[Path]:
    """Predict one picture and save ``<picture>.png`` with the data set's own label ids, for a benchmark's server.

    The ``_leftImg8bit`` of Cityscapes' pictures stays in the name; its server looks for city, sequence and frame in it.

    Raises:
        InputError: if the network does not segment, or does not know the label ids of its classes.
        DataError: if the file is missing, truncated or no picture.
    """
    classes = net.card.classes
    if net.output.kind != "logits" or classes is None:
        raise InputError(f"label ids are for segmentation with known classes; this network is for {net.card.task}")
    table = np.array(classes.label_ids, np.uint8)
    file = folder / f"{path.stem}.png"
    write_png(file, table[net.predict(read_rgb(path))])
    return [file]


def _save_array(path: Path, array: ndarray) -> None:
    with replacing(path) as temporary:
        np.save(temporary, array)


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
        text: the answer at the pixel, in words.
        statistics: the study's statistics of the map in the crop, by name; empty for a pixel outside it.
    """

    image: UInt8[ndarray, "h w 3"]
    answer: ndarray
    saliency: Float[ndarray, "h w"]
    text: str
    statistics: dict[str, float]


def explain(
    net: Network, image: UInt8[ndarray, "h w 3"], pixel: tuple[int, int], options: MapOptions | None = None
) -> Explanation:
    """The network's answer to a picture, and the saliency map of one pixel of it.

    Raises:
        InputError: if the pixel is outside the picture at the network's size, or the engine cannot take the network.
        ConfigError: if there is no such method, engine or crop.
    """
    options = options or MapOptions()
    size = net.card.input_size or (image.shape[0], image.shape[1])
    check_pixels([pixel], size)
    window = crop_window(options.crop, *size)
    image = resize_image(image, size)
    device = net.preprocessing.scale.device
    x = net.preprocessing(torch.from_numpy(image).permute(2, 0, 1)[None].to(device))
    at = Explainer(net, engine=options.engine).at(x[0], crop=window)
    inside = at.maps([pixel], target=options.target, method=options.method).cpu()
    saliency = np.full(size, np.nan, np.float32)
    saliency[window] = inside[0].numpy()
    answer = explained_answer(net, at)
    return Explanation(image, answer, saliency, answer_text(net, answer, pixel), _statistics(inside, pixel, window))


def explained_answer(net: Network, at: ExplainedPicture) -> Shaped[ndarray, "h w"]:
    """Train ids (uint8) or metres (float32) of a picture that is explained, as :meth:`Network.predict` gives them."""
    answer: ndarray = net.decode(at.output[None])[0].cpu().numpy()
    return answer.astype(net.output.answers.dtype)


def _statistics(maps: Float[Tensor, "1 h w"], pixel: tuple[int, int], window: tuple[slice, slice]) -> dict[str, float]:
    """By name; empty where the target stands outside the window, to which they are relative."""
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


@dataclass(frozen=True, slots=True)
class SavedSaliency:
    """What :func:`save_saliency` wrote.

    Attributes:
        folder: where.
        files: their names.
        answer: at the pixel, in words.
        statistics: see :class:`Explanation`.
    """

    folder: Path
    files: list[str]
    answer: str
    statistics: dict[str, float]


def save_saliency(
    net: Network,
    path: Path,
    pixel: tuple[int, int],
    root: Path,
    *,
    target: str = "predicted",
    method: MethodName = "gradient",
    engine: EngineName = "auto",
    crop: str = "none",
) -> SavedSaliency:
    """Explain one pixel of a picture and save all of it to a folder of its own, named after what was asked.

    Args:
        net: whose answer is explained.
        path: of the picture.
        pixel: row and column at the network's size.
        root: where the folder is made.
        target: "predicted", "depth", "log_depth", "disparity", a class's name or train id, or a margin ``road:car``.
        method: see :meth:`~segdepth.saliency.ExplainedPicture.maps`.
        engine: see there.
        crop: name of the window that the map is made in.

    Raises:
        InputError: if the pixel is outside the picture at the network's size, or the target does not exist.
        ConfigError: if there is no such method, engine or crop.
        DataError: if the file is missing, truncated or no picture.
    """
    options = MapOptions(parse_target(net, target), method, engine, crop)
    explanation = explain(net, read_rgb(path), pixel, options)
    row, col = pixel
    folder = result_folder(net, path, root, f"{row}_{col}", target, method, crop)
    pictures = {
        "image.png": mark_pixel(explanation.image, row, col),
        "saliency.png": mark_pixel(colour_saliency(explanation.saliency), row, col),
        "prediction.png": mark_pixel(colour_prediction(net, explanation.answer, explanation.image), row, col),
    }
    pictures["panel.png"] = np.concatenate(list(pictures.values()), axis=0)
    for name, picture in pictures.items():
        write_png(folder / name, picture)
    _save_array(folder / "saliency.npy", explanation.saliency)
    height, width = explanation.image.shape[:2]
    info = {
        "image": str(path),
        "pixel": [row, col],
        "size": [height, width],
        "target": target,
        "method": method,
        "engine": engine,
        "crop": crop,
        "answer": explanation.text,
        "peak": float(np.nanmax(explanation.saliency)),
        "statistics": explanation.statistics,
        "card": net.card.model_dump(mode="json", exclude={"config", "provenance"}),
    }
    write_json(folder / "info.json", info)
    what = "" if target == "predicted" else f", explained: {target}"
    answer = f"pixel ({row}, {col}) of {height}x{width}: {explanation.text}{what}"
    return SavedSaliency(folder, [*pictures, "saliency.npy", "info.json"], answer, explanation.statistics)


def result_folder(net: Network, path: Path, root: Path, what: str, target: str, method: str, crop: str) -> Path:
    """Where the explanation of a picture goes: a folder that is named after what was asked.

    Args:
        net: whose answer is explained.
        path: of the picture.
        root: where the folder is.
        what: the pixel, or the pixels, in a word.
        target: see :func:`save_saliency`.
        method: see there.
        crop: see there.
    """
    asked = [word for word, default in ((target, "predicted"), (method, "gradient"), (crop, "none")) if word != default]
    suffix = "".join("_" + word.replace(" ", "-").replace(":", "-minus-") for word in asked)
    return root / f"{path.stem}_{net.card.arch}_{net.card.task}_{what}{suffix}"


def parse_target(net: Network, target: str) -> Target:
    """A target from a command line's word.

    Args:
        net: whose classes have names.
        target: see :func:`save_saliency`.

    Raises:
        InputError: if there is no such target.
    """
    match target:
        case "predicted" | "depth" | "log_depth" | "disparity":
            return target
    first, colon, second = target.partition(":")
    return Margin(_class_number(net, first), _class_number(net, second)) if colon else _class_number(net, target)


def _class_number(net: Network, word: str) -> int:
    if word.isdigit():
        return int(word)
    names = net.card.classes.names if net.card.classes else ()
    if word in names:
        return names.index(word)
    raise InputError(
        f"no target {word!r} {did_you_mean(word, ['predicted', 'depth', 'log_depth', 'disparity', *names])}"
    )
