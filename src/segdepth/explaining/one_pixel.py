"""The explanation of one pixel of a picture, saved."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segdepth.core.arrays import write_npy
from segdepth.core.files import write_json
from segdepth.core.words import as_file_name
from segdepth.data.files import read_rgb
from segdepth.drawing import colour_saliency, mark_pixel, mark_region, write_png
from segdepth.evaluation.predicting import colour_prediction
from segdepth.geometry.regions import Place, Region
from segdepth.networks import Network
from segdepth.saliency.engines import EngineName
from segdepth.saliency.methods import MethodName

from .explanation import MapOptions, explain, parse_target

__all__ = ["SavedSaliency", "result_folder", "save_saliency"]


@dataclass(frozen=True, slots=True)
class SavedSaliency:
    """What :func:`save_saliency` wrote.

    Attributes:
        folder: where.
        files: their names.
        answer: in words.
        statistics: see :class:`~segdepth.explaining.explanation.Explanation`.
    """

    folder: Path
    files: list[str]
    answer: str
    statistics: dict[str, float]


def save_saliency(
    net: Network,
    path: Path,
    place: Place,
    root: Path,
    *,
    target: str = "predicted",
    method: MethodName = "gradient",
    engine: EngineName = "auto",
    crop: str = "none",
) -> SavedSaliency:
    """Explain one pixel of a picture, or a region, and save all of it to a folder of its own, named after what was asked.

    Args:
        net: whose answer is explained.
        path: of the picture.
        place: row and column at the network's size, or a region of it.
        root: where the folder is made.
        target: see :func:`~segdepth.explaining.explanation.parse_target`.
        method: see :meth:`~segdepth.saliency.ExplainedPicture.maps`.
        engine: see there.
        crop: name of the window that the map is made in.

    Raises:
        InputError: if the pixel is outside the picture at the network's size, or the target does not exist.
        ConfigError: if there is no such method, engine or crop.
        DataError: if the file is missing, truncated or no picture.
    """
    options = MapOptions(parse_target(net, target), method, engine, crop)
    explanation = explain(net, read_rgb(path), place, options)
    what = ("region_" if isinstance(place, Region) else "") + "_".join(map(str, place))
    mark = mark_region if isinstance(place, Region) else mark_pixel
    folder = result_folder(net, path, root, what, target, method, crop)
    pictures = {
        "image.png": mark(explanation.image, *place),
        "saliency.png": mark(colour_saliency(explanation.saliency), *place),
        "prediction.png": mark(colour_prediction(net, explanation.answer, explanation.image), *place),
    }
    pictures["panel.png"] = np.concatenate(list(pictures.values()), axis=0)
    for name, picture in pictures.items():
        write_png(folder / name, picture)
    write_npy(folder / "saliency.npy", explanation.saliency)
    height, width = explanation.image.shape[:2]
    info = {
        "image": str(path),
        "region" if isinstance(place, Region) else "pixel": list(place),
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
    where = f"region {place}" if isinstance(place, Region) else f"pixel {place}"
    explained = "" if target == "predicted" else f", explained: {target}"
    answer = f"{where} of {height}x{width}: {explanation.text}{explained}"
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
    return root / f"{path.stem}_{as_file_name(net.card.arch)}_{net.card.task}_{what}{suffix}"
