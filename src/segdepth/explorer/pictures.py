"""What may be looked at: pictures that were given, dropped or masked, each by an id that says nothing of where it is."""

import itertools
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from jaxtyping import Shaped, UInt8
from numpy import ndarray

from segdepth.core.errors import DataError, SegdepthError
from segdepth.core.pictures import decode_rgb, read_rgb
from segdepth.geometry.resize import resize_image

from .limits import MOST_PIXELS
from .questions import NoSuchError

if TYPE_CHECKING:
    from segdepth.data import Dataset
    from segdepth.kinds import Colours

__all__ = ["GivenPicture", "GonePictureError", "Pictures", "given_files", "given_samples"]

#: Bytes of dropped and masked pictures that are kept; of too many, the least recently used go.
_KEPT_BYTES = 256 << 20

#: Pictures, at each size that a network wants, that are at hand; and their bytes, where there is more than one.
_AT_HAND, _AT_HAND_BYTES = 16, 256 << 20

#: Letters of a dropped picture's name.
_LONGEST_NAME = 80

Image = UInt8[ndarray, "_h _w 3"]

log = logging.getLogger(__name__)


class GonePictureError(SegdepthError):
    """There was one, and its memory was needed."""


@dataclass(frozen=True)
class GivenPicture:
    """A picture that can be read again at any time.

    Attributes:
        name: for people.
        read: gives the picture and its truths, by kind.
        truths: the kinds of which there is a truth.
        path: of the picture's file, where it has one.
        points: the kinds that are known at single points only.
        class_names: of the labels among the truths.
        colours: of these.
    """

    name: str
    read: "Callable[[], tuple[Image, Mapping[str, Shaped[ndarray, '...']]]]"
    truths: tuple[str, ...] = ()
    path: Path | None = None
    points: frozenset[str] = frozenset()
    class_names: tuple[str, ...] = ()
    colours: "Colours" = ()


@dataclass(frozen=True)
class _Entry:
    name: str
    kind: str
    given: GivenPicture | None = None
    held: Image | None = field(default=None, repr=False)
    original: str | None = None


class Pictures:
    """All pictures that can be looked at. Several threads may use it.

    Args:
        given: at the start, in their order.
    """

    def __init__(self, given: Iterable[GivenPicture]) -> None:
        self._ids = (f"p{number}" for number in itertools.count())
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._gone: set[str] = set()
        self._read: OrderedDict[tuple[str, tuple[int, int] | None], Image] = OrderedDict()
        self._lock = threading.Lock()
        for one in given:
            self._entries[next(self._ids)] = _Entry(one.name, "given", given=one)

    def describe(self) -> list[dict[str, Any]]:
        """Each, as a session says it."""
        with self._lock:
            return [self._words(key, entry) for key, entry in self._entries.items()]

    def drop(self, data: bytes, name: str) -> dict[str, Any]:
        """Take a picture that somebody brings.

        Args:
            data: its file.
            name: of the file.

        Returns:
            As a session says it.

        Raises:
            DataError: if it is too large, truncated, damaged or no picture.
        """
        short = PurePath(name).name[-_LONGEST_NAME:] or "dropped"
        if not data:
            raise DataError(f"{short} is empty (0 bytes)")
        try:
            image = decode_rgb(data, Path(short), MOST_PIXELS)
        except DataError as error:
            log.warning("a dropped picture was refused: %s", error)  # decoders print their trouble, and not with what
            raise
        return self.add(image, short, "dropped")

    def add(self, image: Image, name: str, kind: str, original: str | None = None) -> dict[str, Any]:
        """Keep a picture in memory, as long as there is room.

        Args:
            image: RGB.
            name: for people.
            kind: "dropped" or "masked".
            original: id of the picture that it was made of.

        Returns:
            As a session says it.
        """
        with self._lock:
            key = next(self._ids)
            self._entries[key] = _Entry(
                name, kind, held=image, original=None if original is None else self._original(original)
            )
            held = {k: e.held for k, e in self._entries.items() if e.held is not None}
            for oldest in list(held)[:-1]:
                if _bytes(held.values()) <= _KEPT_BYTES:
                    break
                del held[oldest], self._entries[oldest]
                self._gone.add(oldest)
                for at_hand in [one for one in self._read if one[0] == oldest]:
                    del self._read[at_hand]
            return self._words(key, self._entries[key])

    def image(self, key: str, size: tuple[int, int] | None = None) -> Image:
        """A picture.

        Args:
            key: its id.
            size: rows and columns; None: its own.

        Raises:
            NoSuchError: if there never was one of this id.
            GonePictureError: if it went out of memory.
            DataError: if its file cannot be read any more.
        """
        entry = self._entry(key)
        with self._lock:
            found = self._read.get((key, size))
            if found is not None:
                self._read.move_to_end((key, size))
                return found
        if entry.held is not None:
            image = entry.held
        else:
            assert entry.given is not None
            image = entry.given.read()[0]
        image = image if size is None else resize_image(image, size)
        with self._lock:
            if image is not entry.held and key not in self._gone:
                self._read[key, size] = image
            while len(self._read) > _AT_HAND or (len(self._read) > 1 and _bytes(self._read.values()) > _AT_HAND_BYTES):
                self._read.popitem(last=False)
        return image

    def truths(self, key: str) -> Mapping[str, Shaped[ndarray, "..."]]:
        """By kind, at the picture's own size.

        Args:
            key: the picture's id.

        Raises:
            NoSuchError: see :meth:`image`, as for all.
        """
        given = self._entry(key).given
        return given.read()[1] if given is not None and given.truths else {}

    def given(self, key: str) -> GivenPicture | None:
        """Where it comes from; None if it is in memory only.

        Args:
            key: its id.

        Raises:
            NoSuchError: see :meth:`image`, as for all.
        """
        return self._entry(key).given

    def original(self, key: str) -> str:
        """Id of the picture that it was made of, whose truths are its own; itself where there is none, or none any more.

        Args:
            key: its id.

        Raises:
            NoSuchError: see :meth:`image`, as for all.
        """
        self._entry(key)
        with self._lock:
            return self._original(key)

    def name(self, key: str) -> str:
        """For people.

        Args:
            key: its id.

        Raises:
            NoSuchError: see :meth:`image`, as for all.
        """
        return self._entry(key).name

    def _original(self, key: str) -> str:
        entry = self._entries.get(key)
        if entry is None or entry.original is None or entry.original not in self._entries:
            return key
        return entry.original

    def _words(self, key: str, entry: _Entry) -> dict[str, Any]:
        original = self._entries[self._original(key)]
        truths = list(original.given.truths if original.given else ())
        return {"id": key, "name": entry.name, "kind": entry.kind, "truths": truths}

    def _entry(self, key: str) -> _Entry:
        with self._lock:
            if key in self._gone:
                raise GonePictureError("this picture went out of memory, for others came after it; drop it again")
            if key not in self._entries:
                raise NoSuchError(f"there is no picture {key[:_LONGEST_NAME]!r}")
            entry = self._entries[key]
            if entry.held is not None:  # those that are looked at stay longest
                self._entries.move_to_end(key)
            return entry


def _bytes(images: Iterable[Image]) -> int:
    return sum(image.nbytes for image in images)


def given_files(paths: Iterable[Path]) -> list[GivenPicture]:
    """Picture files, without truths."""
    return [GivenPicture(path.name, lambda path=path: (read_rgb(path), {}), path=path) for path in paths]  # type: ignore[misc]


def given_samples(dataset: "Dataset", most: int) -> list[GivenPicture]:
    """The first pictures of a data set, with their truths.

    Args:
        dataset: that is looked at.
        most: pictures.
    """
    classes = dataset.classes

    def reader(index: int) -> "Callable[[], tuple[Image, Mapping[str, Shaped[ndarray, '...']]]]":
        def read() -> "tuple[Image, Mapping[str, Shaped[ndarray, '...']]]":
            sample = dataset[index]
            return sample.image, sample.truths

        return read

    return [
        GivenPicture(
            dataset.names[index],
            reader(index),
            tuple(sorted(dataset.targets)),
            dataset.picture(index),
            dataset.points,
            classes.names if classes else (),
            dataset.colours,
        )
        for index in range(min(most, len(dataset)))
    ]
