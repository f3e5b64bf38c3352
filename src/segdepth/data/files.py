"""Reading a data set's files: pictures, label maps, depth maps. A broken file is named, with what is wrong."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, Int16, Shaped, UInt8, UInt16
from numpy import ndarray

from segdepth.core import arrays
from segdepth.core.errors import DataError
from segdepth.core.pictures import read_rgb, read_stored
from segdepth.kinds import IGNORE

from .labels import ClassTable

__all__ = [
    "IMAGE_ENDINGS",
    "files_by_stem",
    "label_lookup",
    "map_labels",
    "pair_by_stem",
    "ranges",
    "read_array",
    "read_depth_png",
    "read_labels",
    "read_npy",
    "read_png16",
    "read_rgb",
    "require_folder",
    "require_same_size",
    "valid_depth",
]

#: Endings of pictures, in order of preference where a stem has several.
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg")


def require_folder(folder: Path, what: str) -> Path:
    """``folder`` itself.

    Args:
        folder: where something should be.
        what: should be there, for the message ("CamVid's images").

    Raises:
        DataError: if there is no such folder; the sentence says which folders its parent has.
    """
    if folder.is_dir():
        return folder
    parent = next(above for above in folder.absolute().parents if above.is_dir())
    there = sorted(entry.name for entry in parent.iterdir() if entry.is_dir())
    listing = ", ".join(there[:8]) + (", ..." if len(there) > 8 else "") or "none"
    raise DataError(f"no folder {folder} for {what} (folders in {parent}: {listing})")


def files_by_stem(folder: Path, endings: Sequence[str], what: str) -> dict[str, Path]:
    """The files in ``folder`` with one of the endings: stem -> path, sorted by stem.

    Args:
        folder: the place to look, without its subfolders.
        endings: lower case, with their dot; a stem that is there with two of them keeps the first.
        what: they are, for the messages.

    Raises:
        DataError: if the folder is missing.
    """
    entries = [entry for entry in require_folder(folder, what).iterdir() if not entry.name.startswith(".")]
    found: dict[str, Path] = {}
    for ending in endings:
        for entry in entries:
            if entry.suffix.lower() == ending:
                found.setdefault(entry.stem, entry)
    return dict(sorted(found.items()))


def pair_by_stem(
    images: Mapping[str, Path], truths: Mapping[str, Path], folder: Path, what: str, allow_missing: bool = False
) -> dict[str, Path]:
    """The truth of every image, in the images' order.

    Args:
        images: key -> path.
        truths: key -> path; more than needed is fine.
        folder: where the truths are, for the message.
        what: they are, for the message ("label").
        allow_missing: leave out images without truth.

    Raises:
        DataError: if an image has none, or none at all has; the sentence names the first such image.
    """
    missing = [key for key in images if key not in truths]
    if missing and not (allow_missing and len(missing) < len(images)):
        raise DataError(
            f"{folder} has no {what} for {images[missing[0]]} ({len(missing)} of {len(images)} images have none)"
            + ("; data.allow_missing leaves them out" if len(missing) < len(images) else "")
        )
    return {key: truths[key] for key in images if key in truths}


def read_labels(path: Path) -> UInt8[ndarray, "h w"]:
    """The values of a label file as they are stored; of a palette picture the indices, not the colours.

    Raises:
        DataError: if the file is missing or broken, is a colour picture, or has values above 255.
    """
    values = read_array(path)
    if values.ndim != 2:
        raise DataError(f"{path} is a colour picture; a label file has one value a pixel")
    if values.dtype == np.uint16 and values.max(initial=0) <= 255:
        values = values.astype(np.uint8)
    if values.dtype != np.uint8:
        raise DataError(f"{path} holds {values.dtype} values up to {values.max()}; a label file has 0..255")
    return values


def read_png16(path: Path) -> UInt16[ndarray, "h w"]:
    """The values of a 16-bit grey picture as they are stored.

    Raises:
        DataError: if the file is missing, broken, or not 16-bit grey.
    """
    values = read_array(path)
    if values.ndim != 2 or values.dtype != np.uint16:
        stored = f"{values.dtype} with {1 if values.ndim == 2 else values.shape[2]} channels"
        raise DataError(f"{path} is {stored}; 16-bit grey (uint16 with 1 channel) is needed")
    return values


def read_depth_png(path: Path, metres_per_unit: float) -> Float32[ndarray, "h w"]:
    """A depth map out of a 16-bit grey picture.

    Args:
        path: the file; 0 = no measurement.
        metres_per_unit: metres that one stored unit is: 0.001 for millimetres, 1/256 for KITTI.

    Returns:
        Metres; 0 = no measurement.

    Raises:
        DataError: if the file is missing, broken, or not 16-bit grey.
    """
    return read_png16(path).astype(np.float32) * np.float32(metres_per_unit)


def read_npy(path: Path) -> Float32[ndarray, "h w"]:
    """A depth map out of a ``.npy`` file: its numbers, with 0 for what is not finite or not positive.

    Raises:
        DataError: if the file is missing, broken, or does not hold a two-dimensional array of numbers.
    """
    return valid_depth(arrays.as_float32(_require_map(path, read_array(path))))


def read_array(path: Path) -> Shaped[ndarray, "..."]:
    """What a file holds, unchanged: ``.npy`` by numpy, everything else as a picture (colours as RGB).

    Raises:
        DataError: if the file is missing, truncated, damaged, too large or of a format that is not known.
    """
    return arrays.read_npy(path) if path.suffix.lower() == ".npy" else read_stored(path)


def valid_depth(depth: Float32[ndarray, "h w"]) -> Float32[ndarray, "h w"]:
    """The depth map with 0 (no measurement) in place of NaN, infinity and negative numbers."""
    return np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(0))


def label_lookup(classes: ClassTable, void: Iterable[int] = (), train_ids: bool = False) -> Int16[ndarray, "256"]:
    """Lookup table for :func:`map_labels`: value -> train id, :data:`IGNORE`, or -1 = not allowed.

    Args:
        classes: the classes; their label ids are allowed.
        void: other values that are allowed and ignored.
        train_ids: the files hold train ids instead of label ids.
    """
    table = np.full(256, -1, np.int16)
    table[list(void)] = IGNORE
    table[list(range(len(classes)) if train_ids else classes.label_ids)] = np.arange(len(classes))
    return table


def map_labels(values: UInt8[ndarray, "h w"], lookup: Int16[ndarray, "256"], path: Path) -> UInt8[ndarray, "h w"]:
    """Values of a label file -> train ids and :data:`IGNORE`.

    Args:
        values: as stored in the file.
        lookup: see :func:`label_lookup`.
        path: the file, for the message.

    Raises:
        DataError: if there is a value that the table does not allow.
    """
    counts = cv2.calcHist([values], [0], None, [256], [0, 256]).ravel()
    unknown = np.flatnonzero((counts > 0) & (lookup < 0))
    if unknown.size:
        value = int(unknown[0])
        raise DataError(
            f"{path} has {int(counts[value])} pixels of value {value}, which is none of the classes"
            f" (allowed: {ranges(np.flatnonzero(lookup >= 0).tolist())})"
        )
    return np.asarray(cv2.LUT(values, lookup.astype(np.uint8)))


def ranges(values: Sequence[int]) -> str:
    """Whole numbers, ascending, in few words.

    Example:
        >>> ranges([0, 1, 2, 255])
        '0-2, 255'
    """
    starts = [value for value in values if value - 1 not in values]
    ends = [value for value in values if value + 1 not in values]
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))


def require_same_size(
    image: UInt8[ndarray, "h w 3"], image_path: Path, truth: Shaped[ndarray, "rows cols *values"], truth_path: Path
) -> None:
    """Refuse a picture and a truth of different sizes.

    Raises:
        DataError: naming both files and both sizes.
    """
    if truth.shape[:2] != image.shape[:2]:
        rows, columns = truth.shape[:2]
        raise DataError(
            f"{truth_path} is {rows}x{columns}, but its image {image_path} is {image.shape[0]}x{image.shape[1]}"
        )


def _require_map(path: Path, array: Shaped[ndarray, "..."]) -> Shaped[ndarray, "h w"]:
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise DataError(f"{path} holds {array.dtype} of shape {array.shape}; a depth map is [rows, columns] of numbers")
    return array
