"""A study on disk: one Parquet file per picture, and a JSON that says what was asked."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Shaped, UInt8
from numpy import ndarray
from pyarrow.types import is_floating, is_integer
from pydantic import FiniteFloat, NonNegativeInt, PositiveInt

from segdepth.core.errors import ConfigError, DataError
from segdepth.core.files import new_json, write_json
from segdepth.core.parquet import read_parquet, write_parquet
from segdepth.core.provenance import provenance
from segdepth.core.reading import as_kind, read_json
from segdepth.core.words import counted

from .columns import Column, columns_of

__all__ = [
    "OF_A_NETWORK",
    "OF_NO_TASK",
    "Store",
    "StudyInfo",
    "StudyTable",
    "block_path",
    "blocks_in",
    "find_stores",
    "load_study",
    "part_path",
]

#: Null models that are made of a network, whose name they bear, and what stands before that in a title.
OF_A_NETWORK = {"random": "random", "field": "receptive field of"}

#: What stands for the task of a study whose maps are of two tasks, or of none.
OF_NO_TASK = ("both", "none")

_INFO = "study.json"

#: Column with the picture's number.
_IMAGE = "image"

#: Beside the columns: the digest of what the network saw.
_DIGEST = "image_sha256"

#: The names that :func:`block_path` gives.
_BLOCK = re.compile(r"part-(\d+)\.block-\d+-of-(\d+)\.parquet")

#: Columns by name, all of one length.
Rows = Mapping[str, Shaped[ndarray, " p"]]


def part_path(folder: Path, index: int) -> Path:
    """The part of a picture."""
    return folder / f"part-{index:05d}.parquet"


def block_path(folder: Path, index: int, block: int, count: int) -> Path:
    """A block of a picture's targets, which waits for the other ones.

    Args:
        folder: of the study.
        index: of the picture.
        block: number of the block, from 0.
        count: of the picture's blocks.
    """
    return folder / f"part-{index:05d}.block-{block:02d}-of-{count:02d}.parquet"


def blocks_in(folder: Path) -> list[tuple[int, int]]:
    """The picture, and the number of its blocks, of each block that is in a study's folder."""
    names = (_BLOCK.fullmatch(path.name) for path in folder.glob("part-*.block-*.parquet"))
    return [(int(name[1]), int(name[2])) for name in names if name]


@dataclass
class _Protocol:
    """What an analysis needs of a protocol, where it has it."""

    size: tuple[PositiveInt, PositiveInt] = (1, 1)
    window: tuple[NonNegativeInt, PositiveInt, NonNegativeInt, PositiveInt] = (0, 1, 0, 1)
    thresholds: tuple[FiniteFloat, ...] = ()
    sample_rate: PositiveInt = 1


@dataclass(frozen=True)
class StudyInfo:
    """What was asked.

    Attributes:
        kind: the study's name: "eval", "class", "iou" or "faithfulness".
        network: whose maps.
        task: whose maps; "both" where a study has maps of two tasks, "none" where its maps are of no task.
        model: "trained", "random", "field", "edges" or "gaussian".
        columns: the statistics.
        protocol: everything that the numbers depend on, plain data.
        images: names, in order.
        classes: names by train id, where the pictures have labels.
        dataset: where the pictures came from, in words.
        arithmetic: how whoever began computed: the engines of the sources, the precision, the bytes of a vector, the
            instruction sets and threads that PyTorch used, and the kind of device.
        provenance: of who began.
    """

    kind: str
    network: str
    task: str
    model: str
    columns: tuple[str, ...]
    protocol: Mapping[str, Any]
    images: tuple[str, ...]
    classes: tuple[str, ...] = ()
    dataset: Mapping[str, Any] = field(default_factory=dict)
    arithmetic: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=provenance)

    @staticmethod
    def read(folder: Path) -> "StudyInfo":
        """What a folder's JSON says.

        Raises:
            DataError: if there is none, or it is not ours.
        """
        path = folder / _INFO
        if not path.exists():
            raise DataError(f"{str(folder)!r} holds no study (no {_INFO}); `segdepth study` makes one")
        values, where = read_json(path, "the description of a study"), f"{path} is no study's"
        found: StudyInfo = as_kind(StudyInfo, values, where)
        as_kind(_Protocol, found.protocol, f"{where}: protocol", strict=True)
        return found

    def question(self) -> dict[str, Any]:
        """All but when and where it was asked, as JSON gives it back."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return {key: value for key, value in values.items() if key not in ("provenance", "dataset", "arithmetic")}


class Store:
    """Where a study's rows go. Parts are whole or not there, so it can be left and gone on with at any time.

    A study grows when the same is asked of more pictures that begin with those it has. Looking at a store writes
    nothing; :meth:`begin` does.

    Args:
        folder: made by the first write.
        info: what is asked.

    Raises:
        ConfigError: if the folder holds the answers to another question.
    """

    def __init__(self, folder: Path, info: StudyInfo) -> None:
        self.folder = folder
        self.info = info
        self._check()

    def begin(self, arithmetic: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Write down what is asked, unless it has been.

        Args:
            arithmetic: gives who computes, and how, if nobody has begun.

        Returns:
            That of whoever began.

        Raises:
            ConfigError: if another question has been, meanwhile.
        """
        before = self._check()
        if before is None:
            self.info = replace(self.info, arithmetic=arithmetic())
            if new_json(self.folder / _INFO, asdict(self.info)):
                return self.info.arithmetic
            return self.begin(arithmetic)  # somebody else was first
        if before.images != self.info.images:
            write_json(self.folder / _INFO, asdict(before) | {"images": self.info.images})
        return before.arithmetic

    def _check(self) -> StudyInfo | None:
        """What the folder holds already: this question, perhaps of fewer pictures."""
        if not (self.folder / _INFO).exists():
            return None
        before = StudyInfo.read(self.folder)
        there, asked = before.question(), self.info.question()
        if before.images == self.info.images[: len(before.images)]:
            there["images"] = asked["images"]
        elif self.info.images == before.images[: len(self.info.images)]:
            raise ConfigError(
                f"{str(self.folder)!r} holds this study of {len(before.images)} pictures, and {len(self.info.images)} are "
                f"asked for: ask for {len(before.images)} or more (--num_image), or choose another --out"
            )
        _require_same(self.folder, there, asked)
        return before

    def path(self, index: int) -> Path:
        """The part of a picture."""
        return part_path(self.folder, index)

    def missing(self, indices: Iterable[int]) -> list[int]:
        """Those of the pictures whose part is not there."""
        return [index for index in indices if not self.path(index).exists()]

    def write(self, index: int, rows: Rows, image: UInt8[ndarray, "h w 3"]) -> None:
        """Write a picture's part; blocks of it that are there are removed.

        Args:
            index: of the picture.
            rows: columns of one length.
            image: what the network saw; its digest is kept.
        """
        self._write(self.path(index), index, rows, hashlib.sha256(image.tobytes()).hexdigest())
        self._remove_blocks(index)

    def write_block(self, index: int, block: int, count: int, rows: Rows, image: UInt8[ndarray, "h w 3"]) -> None:
        """Write a block of a picture's targets; the last one that comes makes the part of all.

        Args:
            index: of the picture.
            block: number of the block, from 0.
            count: of the picture's blocks.
            rows: columns of one length.
            image: what the network saw; its digest is kept.
        """
        self._write(
            block_path(self.folder, index, block, count), index, rows, hashlib.sha256(image.tobytes()).hexdigest()
        )
        self._join(index, count)

    def join_blocks(self, count: int) -> None:
        """Make the parts of all pictures whose blocks are all there: who wrote a last one may have been killed right after.

        Args:
            count: of a picture's blocks.

        Raises:
            DataError: if the blocks of a picture are of different ones.
        """
        for index in sorted({picture for picture, _ in blocks_in(self.folder)}):
            self._join(index, count)

    def _join(self, index: int, count: int) -> None:
        """Make a picture's part, if all blocks are there; remove them where there is one."""
        paths = [block_path(self.folder, index, one, count) for one in range(count)]
        if not self.path(index).exists() and all(path.exists() for path in paths):
            try:
                self._write_of(index, paths)
            except DataError:
                if not self.path(index).exists():  # else somebody made it at the same time, and removed them
                    raise
        if self.path(index).exists():
            self._remove_blocks(index)

    def _write_of(self, index: int, paths: Sequence[Path]) -> None:
        tables, words = zip(*(read_parquet(path, "a block of a study's part") for path in paths), strict=True)
        digests = {as_kind(str, said.get(_DIGEST), f"{paths[0]} and its like") for said in words}
        if len(digests) > 1:
            raise DataError(
                f"blocks of {self.info.images[index]!r} in {str(self.folder)!r} are of different pictures: the data changed "
                "meanwhile, or two machines see other files; remove them and go on"
            )
        columns = {name: np.concatenate([table.column(name).to_numpy() for table in tables])
                   for name in tables[0].column_names if name != _IMAGE}  # fmt: skip
        self._write(self.path(index), index, columns, digests.pop())

    def _write(self, path: Path, index: int, rows: Rows, digest: str) -> None:
        count = len(next(iter(rows.values())))
        table = pa.table({_IMAGE: np.full(count, index, np.int32), **rows})
        write_parquet(path, table, {"name": self.info.images[index], _DIGEST: digest})

    def _remove_blocks(self, index: int) -> None:
        for path in self.folder.glob(f"part-{index:05d}.block-*.parquet"):
            path.unlink(missing_ok=True)


def _require_same(folder: Path, there: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    for key, value in asked.items():
        if there.get(key) == value:
            continue
        where, old, new = _first_difference(key, there.get(key), value)
        raise ConfigError(
            f"{str(folder)!r} holds a study with another {where} ({_short(old)}, not {_short(new)}); "
            "choose another --out, or remove it"
        )


def _first_difference(where: str, old: Any, new: Any) -> tuple[str, Any, Any]:
    """Where two values differ, as far inside as they are alike, and both values there."""
    if isinstance(old, dict) and isinstance(new, dict):
        key = next(k for k in {**old, **new} if old.get(k) != new.get(k))
        return _first_difference(f"{where}.{key}", old.get(key), new.get(key))
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        place = next(k for k, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1])
        return _first_difference(f"{where}.{place}", old[place], new[place])
    return where, old, new


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@dataclass(frozen=True, eq=False, repr=False)
class StudyTable:
    """A study, read.

    Attributes:
        folder: where it is.
        info: what was asked.
        rows: columns by name; "image" is the place in ``info.images``.
        digests: of what was seen, by the picture's name.
    """

    folder: Path
    info: StudyInfo
    rows: Mapping[str, Shaped[ndarray, " n"]]
    digests: Mapping[str, str]

    def __repr__(self) -> str:
        targets = len(self.rows["image"]) if "image" in self.rows else 0
        pictures = counted(len(self.info.images), "picture")
        return f"<study {self.info.kind} of {self.title}: {pictures}, {counted(targets, 'target')}; {self.folder}>"

    @property
    def title(self) -> str:
        """Network and task."""
        task = () if self.info.task in OF_NO_TASK else (self.info.task,)
        null = (OF_A_NETWORK[self.info.model],) if self.info.model in OF_A_NETWORK else ()
        return " ".join([*null, self.info.network, *task])

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The statistics."""
        return tuple(columns_of(self.info.columns, self.info.protocol).values())


def load_study(folder: Path, *, partial: bool = False) -> StudyTable:
    """Read a study.

    Args:
        folder: of one store.
        partial: take what is there of an unfinished one.

    Raises:
        DataError: if it is unfinished, or a part is broken.
    """
    info = StudyInfo.read(folder)
    parts = {k: part_path(folder, k) for k in range(len(info.images))}
    if not parts:
        raise DataError(f"{str(folder / _INFO)!r} names no pictures; remove the folder and begin anew")
    there = {k: path for k, path in parts.items() if path.exists()}
    if partial and not there:
        raise DataError(f"the study {str(folder)!r} has no picture yet; wait for the first, or name other folders")
    if len(there) < len(parts) and not partial:
        raise DataError(
            f"the study {str(folder)!r} is not finished: {len(there)} of {len(parts)} pictures are there; "
            "go on with the same command, or analyse what is there with --partial"
        )
    tables, digests = [], {}
    for index, path in there.items():
        table, words = read_parquet(path, "a part of a study")
        _check_part(path, table, words, info, index)
        digests[words["name"]] = words[_DIGEST]
        tables.append(table)
    if len({tuple(table.schema) for table in tables}) > 1:
        raise DataError(
            f"the parts of the study {str(folder)!r} have other columns than each other; remove those that are not its"
        )
    whole = pa.concat_tables(tables)
    rows = {name: whole.column(name).to_numpy() for name in whole.column_names}
    return StudyTable(folder, info, rows, digests)


def _check_part(path: Path, table: pa.Table, words: Mapping[str, str], info: StudyInfo, index: int) -> None:
    """Refuse a part that is another picture's, or lacks a column, or has one that is no numbers."""
    lacking = {_IMAGE, "row", "col", *info.columns} - set(table.column_names)
    twice = len(set(table.column_names)) < table.num_columns
    others = [one.name for one in table.schema if not (is_floating(one.type) or is_integer(one.type))]
    holes = any(column.null_count for column in table.columns)
    if lacking or twice or others or holes or not words.keys() >= {"name", _DIGEST}:
        said = f"no {sorted(lacking)[0]!r}" if lacking else f"{others[0]!r} that is no numbers" if others else "holes"
        raise DataError(f"{str(path)!r} is no part of this study: it has {said}; remove it and go on")
    if words["name"] != info.images[index] or set(table.column(_IMAGE).unique().to_pylist()) - {index}:
        raise DataError(
            f"{str(path)!r} is the part of another picture than {info.images[index]!r}; remove it and go on"
        )


def find_stores(paths: Iterable[Path]) -> list[Path]:
    """The stores in some folders, at any depth, sorted.

    Raises:
        DataError: if a folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        here = sorted(file.parent for file in path.rglob(_INFO)) if path.is_dir() else []
        if not here:
            raise DataError(f"{str(path)!r} holds no study (no {_INFO} in it); `segdepth study` makes one")
        found += here
    once: dict[Path, Path] = {}
    for folder in found:
        once.setdefault(folder.resolve(), folder)
    return list(once.values())
