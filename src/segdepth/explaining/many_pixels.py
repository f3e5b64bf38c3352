"""Explanations of many pixels of a picture, written to disk as they are made."""

import contextlib
import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from numpy import ndarray

from segdepth.core.errors import InputError
from segdepth.core.files import replacing
from segdepth.data.files import read_rgb
from segdepth.geometry.crops import crop_window
from segdepth.geometry.resize import resize_image
from segdepth.networks import Network
from segdepth.saliency import ExplainedPicture, Explainer, Pixel, Target
from segdepth.saliency.engines import EngineName
from segdepth.saliency.methods import MethodName

from .explanation import answer_text, explained_answer, parse_target
from .one_pixel import result_folder

__all__ = ["SavedMaps", "save_maps"]

#: Told how many pixels are done, and of how many.
Progress = Callable[[int, int], None]

#: The pixels of a picture of so many rows and columns.
Choose = Callable[[tuple[int, int]], Sequence[Pixel]]

#: Which pixels, where in the window, and their numbers over that: ``[n, h, w]`` or ``[n, c, h, w]``.
Piece = tuple[Sequence[int], tuple[slice, slice], ndarray]


@dataclass(frozen=True, slots=True)
class SavedMaps:
    """What :func:`save_maps` wrote.

    Attributes:
        folder: where.
        array: name of the file of maps, or of signed gradients.
        shape: of the array.
        zero: how many pixels have a map that is zero everywhere.
    """

    folder: Path
    array: str
    shape: tuple[int, ...]
    zero: int


def save_maps(
    net: Network,
    path: Path,
    choose: Choose,
    what: str,
    root: Path,
    *,
    signed: bool = False,
    target: str = "predicted",
    method: MethodName = "gradient",
    engine: EngineName = "auto",
    crop: str = "none",
    progress: Progress = lambda *_: None,
) -> SavedMaps:
    """Explain pixels of a picture and save their maps ``[p, h, w]``, or signed gradients ``[p, 3, h, w]``, in one array.

    The array (``maps.npy`` or ``signed.npy``; ``numpy.load(..., mmap_mode="r")`` opens it without reading it) is written as the
    maps are made; beside it ``pixels.csv`` has a line for each of its rows, and ``info.json`` says what was asked. Memory does
    not grow with the number of pixels. All three appear when everything is done, or none.

    Args:
        net: whose answer is explained.
        path: of the picture.
        choose: gives the pixels, (row, column) at the size that the network sees the picture at.
        what: the pixels in a word, for the name of the folder.
        root: where the folder is made.
        signed: save gradients, not maps.
        target: see :func:`~segdepth.explaining.one_pixel.save_saliency`.
        method: see there.
        engine: see there.
        crop: name of the window of the picture that maps are made in, and cut to.
        progress: told as pixels are done.

    Raises:
        InputError: if a pixel is outside the picture, the target does not exist, signed numbers of another method than the
            gradient are wanted, or the disk has no room for the array.
        ConfigError: if there is no such method, engine or crop.
        DataError: if the picture is missing, truncated or none.
        OSError: if the files cannot be written.
    """
    if signed and method != "gradient":
        raise InputError(f"signed rows are gradients; the method {method!r} makes maps")
    goal = parse_target(net, target)
    picture = read_rgb(path)
    size = net.card.input_size or (picture.shape[0], picture.shape[1])
    pixels, window, picture = list(choose(size)), crop_window(crop, *size), resize_image(picture, size)
    at = _explained(net, picture, engine, window)
    pieces = _signed(at, pixels, goal, window) if signed else _maps(at, pixels, goal, method, window)
    shape = (len(pixels), *((picture.shape[2],) if signed else ()), *_extent(window))
    folder, name = result_folder(net, path, root, what, target, method, crop), "signed.npy" if signed else "maps.npy"
    with _all_or_none(folder, name, "pixels.csv", "info.json") as (array, table, info):
        zero = _write_array(array, shape, pieces, progress)
        table.write_text(_table(net, explained_answer(net, at), pixels, zero), "utf-8", "backslashreplace")
        facts = {
            "image": str(path), "size": list(size), "pixels": what, "array": name, "shape": list(shape),
            "zero": int(zero.sum()), "target": target, "method": method, "engine": engine, "crop": crop,
            "window": {side: [s.start, s.stop] for side, s in zip(("rows", "columns"), window, strict=True)},
            "card": net.card.model_dump(mode="json", exclude={"config", "provenance"}),
        }  # fmt: skip
        info.write_text(json.dumps(facts, indent=2, allow_nan=False) + "\n", "utf-8")
    return SavedMaps(folder, name, shape, int(zero.sum()))


def _explained(
    net: Network, picture: UInt8[ndarray, "h w 3"], engine: EngineName, window: tuple[slice, slice]
) -> ExplainedPicture:
    values = torch.from_numpy(picture).permute(2, 0, 1)[None].to(net.preprocessing.scale.device)
    return Explainer(net, engine=engine, resize="bilinear").at(net.preprocessing(values)[0], crop=window)


def _extent(window: tuple[slice, slice]) -> tuple[int, int]:
    return window[0].stop - window[0].start, window[1].stop - window[1].start


def _maps(
    at: ExplainedPicture, pixels: Sequence[Pixel], target: Target, method: MethodName, window: tuple[slice, slice]
) -> Iterator[Piece]:
    rows, columns = window
    for indices, ((top, bottom), (left, right)), maps in at.chunks(
        pixels, target=target, method=method, zeros=lambda _: None
    ):
        box = slice(top - rows.start, bottom - rows.start), slice(left - columns.start, right - columns.start)
        yield indices, box, maps.cpu().numpy()


def _signed(
    at: ExplainedPicture, pixels: Sequence[Pixel], target: Target, window: tuple[slice, slice]
) -> Iterator[Piece]:
    done, (rows, columns) = 0, _extent(window)
    for block in at.jacobian_blocks(pixels, target=target):
        yield range(done, done + len(block)), (slice(0, rows), slice(0, columns)), block.cpu().numpy()
        done += len(block)


def _write_array(
    path: Path, shape: tuple[int, ...], pieces: Iterator[Piece], progress: Progress
) -> Bool[ndarray, " p"]:
    """Write an array in NumPy's format piece by piece; returns which of its rows are zero everywhere."""
    row = np.zeros(shape[1:], np.float32)
    _need_room(path, shape, row.nbytes * shape[0])
    zero, done = np.ones(shape[0], bool), 0
    with path.open("wb") as file:
        described = {"descr": np.lib.format.dtype_to_descr(row.dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, described)
        start = file.tell()
        file.truncate(start + row.nbytes * shape[0])
        progress(done, shape[0])
        for indices, box, values in pieces:
            for index, value in zip(indices, values, strict=True):
                row[:] = 0
                row[..., box[0], box[1]] = value
                file.seek(start + index * row.nbytes)
                file.write(row.data)
                zero[index] = not value.any()
            done += len(indices)
            progress(done, shape[0])
    return zero


def _need_room(path: Path, shape: tuple[int, ...], size: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise InputError(
            f"numbers {list(shape)} take {size / 1e9:.1f} GB, and the disk of {str(path.parent)!r} has {free / 1e9:.1f} GB "
            "free: take fewer pixels or a smaller crop"
        )


def _table(net: Network, answer: ndarray, pixels: Sequence[Pixel], zero: Bool[ndarray, " p"]) -> str:
    """What stands in each row of the array; the answer is metres or a class's name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "column", "answer", "zero"])
    for pixel, nothing in zip(pixels, zero, strict=True):
        writer.writerow([*pixel, answer_text(net, answer, pixel, exact=True), int(nothing)])
    return text.getvalue()


@contextlib.contextmanager
def _all_or_none(folder: Path, *names: str) -> Iterator[list[Path]]:
    """Temporary paths of files in a folder, which take their names together when the block ends well."""
    try:
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(replacing(folder / name)) for name in names]
    except BaseException:
        with contextlib.suppress(OSError):  # something else is in it
            folder.rmdir()
        raise
