"""Any pictures with labels or depth, described in the configuration: one's own data set without code."""

import glob
import logging
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Float32, Int, Int16, UInt8
from numpy import ndarray

from segdepth.core.arrays import as_float32
from segdepth.core.errors import ConfigError, DataError
from segdepth.core.reading import parse_row, read_lines
from segdepth.kinds import IGNORE

from .files import label_lookup, map_labels, read_array, read_labels, valid_depth
from .frames import Frame, FrameDataset, asked_for, require_path
from .labels import ClassTable

__all__ = ["Folder"]

_log = logging.getLogger(__name__)

_COLUMNS = {"images": "image", "labels": "label", "depth": "depth"}
_OPTIONS = {"images": "images", "labels": "labels", "depth": "depths"}
_WILDCARD = re.compile(r"(\*\*/|\*\*|\*|\?|\[[^]]+\])")
_WILDCARD_MEANS = {"**/": "((?:[^/]+/)*)", "**": "(.*)", "*": "([^/]*)", "?": "([^/])"}


class Folder(FrameDataset):
    """Pictures and truths found by globs or listed in a CSV file.

    **Globs.** ``images``, ``labels`` and ``depths`` are relative to ``path`` or absolute. What their
    wildcards stand for is the frame's name, and pairs the files: ``rgb/*.jpg`` and ``gt/*_mask.png`` pair
    ``rgb/a.jpg`` with ``gt/a_mask.png``. ``{split}`` in a glob stands for the split's name.

    **CSV.** ``csv`` names a file (``{split}`` works there too) with the columns image, label, depth, as far
    as they are needed, of paths relative to ``path``; a column "split" restricts a row to that split.

    **Labels** are grey or palette pictures of values: class ``k`` of ``classes`` is value ``k``, or
    ``label_ids[k]``. With ``colours`` given they may be colour pictures too; black then is ignored unless it
    is a class's colour. Every other value is refused, with the file's name.

    **Depth** is a 16-bit (or any one-channel) picture or ``.npy`` file.

    Args:
        path: folder that everything is relative to.
        split: any name; takes the place of ``{split}``.
        targets: what to read besides the image.
        images: glob of the pictures.
        labels: glob of the label files.
        depths: glob of the depth files.
        csv: file with a line per frame, in place of the globs.
        classes: the classes' names in the order of their train ids.
        colours: RGB of each class, to draw it and to read label files in colours.
        label_ids: the stored value of each class, 0..255; 0, 1, 2, ... by default.
        ignore_value: the stored value of pixels that belong to no class.
        depth_unit: metres that one stored unit is: 0.001 for millimetres, 0.00390625 for KITTI's 1/256.
            Needed for files of whole numbers; others are taken to be in metres.
        invalid_depth: the stored value that means "no measurement"; NaN, infinity, 0 and below always do.
        min_depth: metres; nearer counts as no measurement.
        max_depth: metres; farther counts as no measurement.
        crop: the window in which depth is scored (:data:`segdepth.geometry.CROPS`).
        focal_px: the camera's focal length at the pictures' own size, pixels; surface normals are computed with it.
        allow_missing: leave out pictures of which a file is missing.

    Raises:
        ConfigError: if the options do not fit each other.
        DataError: if files are missing or cannot be paired.
    """

    def __init__(
        self,
        path: Path | None,
        split: str,
        targets: frozenset[str],
        *,
        images: str | None = None,
        labels: str | None = None,
        depths: str | None = None,
        csv: str | None = None,
        classes: list[str] | None = None,
        colours: list[tuple[int, int, int]] | None = None,
        label_ids: list[int] | None = None,
        ignore_value: int | None = IGNORE,
        depth_unit: float | None = None,
        invalid_depth: float = 0.0,
        min_depth: float = 0.001,
        max_depth: float = 80.0,
        crop: str = "none",
        focal_px: float | None = None,
        allow_missing: bool = False,
    ) -> None:
        root = require_path(path, "folder")
        if (images is None) == (csv is None):
            raise ConfigError("data set folder: give either images (a glob) or csv (a file)")
        if not 0 < min_depth < max_depth:
            raise ConfigError(f"data set folder: 0 < min_depth < max_depth must hold, not {min_depth}, {max_depth}")
        if focal_px is not None and not focal_px > 0:
            raise ConfigError(f"data set folder: focal_px is {focal_px}; a focal length is above 0 pixels")
        declared = {
            "labels": partial(self._declare_classes, classes, colours, label_ids, ignore_value),
            "depth": partial(self._declare_depth_range, min_depth, max_depth),
        }
        for declare in asked_for(targets, declared).values():
            declare()
        self._farthest = asked_for(targets, {"depth": max_depth})
        self._read_colours = colours is not None
        self._unit, self._invalid = depth_unit, invalid_depth
        self.crop = crop
        self._focal = focal_px
        globs = {"images": images, **asked_for(targets, {"depth": depths, "labels": labels})}
        if csv is not None:
            frames, missing = _listed(root, csv, split, list(globs), allow_missing)
        else:
            frames, missing = _globbed(root, globs, split, allow_missing)
        super().__init__(root, split, targets, frames=frames, dataset="folder", missing=missing)

    def _declare_classes(
        self,
        names: Sequence[str] | None,
        colours: Sequence[tuple[int, int, int]] | None,
        label_ids: Sequence[int] | None,
        ignore_value: int | None,
    ) -> None:
        self.classes = _class_table(names, colours, label_ids)
        self._lookup = _lookup(self.classes, ignore_value)

    def _focal_px(self, frame: Frame, columns: int) -> float | None:  # noqa: ARG002  one camera for all
        return self._focal

    def _declare_depth_range(self, low: float, high: float) -> None:
        self.depth_range = (low, high)

    def _read_labels(self, file: Path, frame: Frame) -> UInt8[ndarray, "h w"]:  # noqa: ARG002
        assert self.classes is not None  # whoever asks for labels has declared them
        if self._read_colours and (stored := read_array(file)).ndim == 3:
            return _labels_of_colours(stored, self.classes, file)
        return map_labels(read_labels(file), self._lookup, file)

    def _read_depth(self, file: Path, frame: Frame) -> Float32[ndarray, "h w"]:  # noqa: ARG002
        metres = self._metres(file)
        low, high = self.depth_range or (0.0, np.inf)
        metres[(metres < low) | (metres > high)] = 0
        return metres

    def _metres(self, file: Path) -> Float32[ndarray, "h w"]:
        """All that is measured, however far."""
        stored = read_array(file)
        if stored.ndim != 2 or stored.dtype.kind not in "uif":
            raise DataError(f"{file} holds {stored.dtype} of shape {stored.shape}; a depth map is [rows, columns]")
        if self._unit is None and stored.dtype.kind != "f":
            raise ConfigError(
                f"data set folder: depth_unit is needed, the metres of one stored unit of {file}"
                " (0.001 if it is in millimetres)"
            )
        metres = as_float32(stored) * np.float32(1 if self._unit is None else self._unit)
        metres[stored == self._invalid] = 0
        return valid_depth(metres)

    def too_far(self, index: int, kind: str) -> int:
        """Number of measurements of a sample beyond ``max_depth``, which is read as none."""
        if kind not in self._farthest:
            return 0
        return int((self._metres(self.frames[index].truths[kind]) > self._farthest[kind]).sum())


def _class_table(
    names: Sequence[str] | None,
    colours: Sequence[tuple[int, int, int]] | None,
    label_ids: Sequence[int] | None,
) -> ClassTable:
    if not names:
        raise ConfigError(
            "data set folder: labels need classes, the list of their names in the order of the stored values"
        )
    ids = tuple(range(len(names)) if label_ids is None else label_ids)
    palette = [_colour(index) for index in range(len(names))] if colours is None else list(colours)
    for what, values in (("classes", names), ("label_ids", ids), ("colours", palette)):
        if len(values) != len(names):
            raise ConfigError(f"data set folder: {len(values)} {what} for {len(names)} classes")
        if len(set(values)) != len(values):
            raise ConfigError(f"data set folder: two of the {what} are the same")
    if len(names) > IGNORE or not all(0 <= value <= 255 for value in ids):
        raise ConfigError(f"data set folder: label_ids must be 0..255 and classes at most {IGNORE}")
    return ClassTable(tuple(names), tuple(palette), ids)


def _lookup(classes: ClassTable, ignore_value: int | None) -> Int16[ndarray, "256"]:
    if ignore_value is not None and (not 0 <= ignore_value <= 255 or ignore_value in classes.label_ids):
        raise ConfigError(f"data set folder: ignore_value {ignore_value} must be 0..255 and no class's value")
    return label_lookup(classes, void=() if ignore_value is None else (ignore_value,))


def _colour(index: int) -> tuple[int, int, int]:
    """PASCAL VOC's colour of class ``index + 1``: the bits of the number dealt out to red, green and blue."""
    red_green_blue = [0, 0, 0]
    for bit in range(8):
        red_green_blue[bit % 3] |= ((index + 1) >> bit & 1) << (7 - bit // 3)
    return (red_green_blue[0], red_green_blue[1], red_green_blue[2])


def _labels_of_colours(stored: UInt8[ndarray, "h w 3"], classes: ClassTable, file: Path) -> UInt8[ndarray, "h w"]:
    ids = {key: index for index, key in enumerate(_packed(np.array(classes.colours)).tolist())}
    ids.setdefault(0, IGNORE)  # black, unless a class is black
    keys = np.array(sorted(ids))
    packed = _packed(stored.astype(np.int32))
    place = np.minimum(np.searchsorted(keys, packed), len(keys) - 1)
    if (unknown := keys[place] != packed).any():
        colour = tuple(stored[unknown][0].tolist())
        raise DataError(f"{file} has {int(unknown.sum())} pixels of colour {colour}, which is no class's")
    return np.array([ids[key] for key in keys.tolist()], np.uint8)[place]


def _packed(colours: Int[ndarray, "*axes 3"]) -> Int[ndarray, "*axes"]:
    """One whole number per colour."""
    packed: Int[ndarray, "*axes"] = colours[..., 0] << 16 | colours[..., 1] << 8 | colours[..., 2]
    return packed


def _globbed(
    root: Path, globs: Mapping[str, str | None], split: str, allow_missing: bool
) -> tuple[list[Frame], list[str]]:
    found = {}
    for key, pattern in globs.items():
        if pattern is None:
            raise ConfigError(f"data set folder: {_OPTIONS[key]} (a glob) is needed to read {key}")
        found[key] = _matches(root, pattern.replace("{split}", split), _OPTIONS[key])
    if not any("{split}" in (pattern or "") for pattern in globs.values()):
        _log.warning("data set folder: no glob has {split} in it, so every split has the same pictures")
    images = found.pop("images")
    whole = set.intersection(set(images), *map(set, found.values()))
    if not (allow_missing and whole):
        for key, truths in found.items():
            _require_pairs(images, truths, _OPTIONS[key], globs[key])
    frames = [
        Frame(name, image, {key: truths[name] for key, truths in found.items()})
        for name, image in images.items()
        if name in whole
    ]
    return frames, [name for name in images if name not in whole]


def _matches(root: Path, pattern: str, option: str) -> dict[str, Path]:
    """The files of a glob: what the wildcards stand for, joined by "/" -> path, sorted."""
    head, dot, ending = pattern.rpartition(".")
    stem_pattern = head if dot and "/" not in ending else pattern
    regex = re.compile("".join(map(_regex, _WILDCARD.split(stem_pattern))))
    found: dict[str, Path] = {}
    for name in sorted(glob.glob(pattern, root_dir=root, recursive=True)):  # noqa: PTH207  may be absolute
        file = root / name
        match = regex.fullmatch(PurePosixPath(name.replace("\\", "/")).with_suffix("").as_posix())
        if match is None or not file.is_file():
            continue
        key = "/".join(group.strip("/") for group in match.groups() if group) or file.stem
        if key in found:
            raise DataError(f"data set folder: {found[key]} and {file} would have one name, {key!r} ({option})")
        found[key] = file
    if not found:
        raise DataError(f"data set folder: no files {root / pattern} ({option})")
    return found


def _regex(part: str) -> str:
    """A regular expression for a piece of a glob; a wildcard becomes a group."""
    if part.startswith("["):
        return f"({part.replace('[!', '[^', 1)})"
    return _WILDCARD_MEANS.get(part) or re.escape(part)


def _require_pairs(images: Mapping[str, Path], truths: Mapping[str, Path], option: str, pattern: str | None) -> None:
    for first, second, of_second in ((images, truths, option), (truths, images, "images")):
        if missing := [key for key in first if key not in second]:
            raise DataError(
                f"data set folder: {first[missing[0]]} has no partner in {of_second}: none there is called"
                f" {missing[0]!r} ({len(missing)} of {len(first)} have none; {option} is {pattern!r})"
            )


def _listed(
    root: Path, csv_file: str, split: str, wanted: Sequence[str], allow_missing: bool
) -> tuple[list[Frame], list[str]]:
    path = root / csv_file.replace("{split}", split)
    lines = read_lines(path, "a table with the columns image, label, depth")
    columns, *rows = (parse_row(line, str(path)) for line in lines)
    for key in wanted:
        if _COLUMNS[key] not in columns:
            raise DataError(f"{path} has no column {_COLUMNS[key]!r} (it has: {', '.join(columns)})")
    if "split" not in columns and "{split}" not in csv_file:
        _log.warning("data set folder: %s has no column 'split', so every split has the same pictures", path)
    frames, missing = [], []
    for entries in rows:
        if len(entries) != len(columns):
            raise DataError(f"{path}: {','.join(entries)!r} has {len(entries)} entries, not {len(columns)}")
        row = dict(zip(columns, entries, strict=True))
        if row.get("split", split) == split:
            files = {key: root / row[_COLUMNS[key]] for key in wanted}
            absent = [file for file in files.values() if not file.is_file()]
            if absent and not allow_missing:
                raise DataError(f"no file {absent[0]}, which {path} lists; data.allow_missing leaves it out")
            if absent:
                missing.append(_name(row["image"]))
            else:
                frames.append(Frame(_name(row["image"]), files.pop("images"), files))
    return frames, missing


def _name(entry: str) -> str:
    """The name of a frame that is listed by its path: without ending, root and ``..``."""
    parts = PurePosixPath(entry.replace("\\", "/")).with_suffix("").parts
    return "/".join(part for part in parts if part not in ("/", "..", "."))
