"""How far a study is, from its files alone: also while nobody works on it."""

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from segdepth.core.at_work import Note, notes_in

from .store import StudyInfo, blocks_in, part_path

__all__ = ["StudyStatus", "study_status"]

#: Parts by whose times the pace is judged, the newest.
_RECENT = 100

#: A gap between two parts that is so many times the usual one is a pause, not work.
_PAUSE = 20.0


@dataclass(frozen=True)
class StudyStatus:
    """How far a study is.

    Attributes:
        folder: of the study.
        info: what was asked.
        done: pictures that are there.
        blocks: what is there of other pictures, in pictures.
        seconds_left: at the pace of the last pictures, by as many workers as then; None while that is not known.
        at_work: who works now.
    """

    folder: Path
    info: StudyInfo
    done: int
    blocks: float
    seconds_left: float | None
    at_work: Sequence[Note]

    @property
    def left(self) -> int:
        """Pictures that are not there."""
        return len(self.info.images) - self.done

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "folder": str(self.folder),
            "study": self.info.kind,
            "network": self.info.network,
            "task": self.info.task,
            "pictures": len(self.info.images),
            "done": self.done,
            "left": self.left,
            "begun_in_blocks": round(self.blocks, 3),
            "seconds_left": self.seconds_left,
            "at_work": [asdict(note) for note in self.at_work],
        }


def study_status(folder: Path) -> StudyStatus:
    """How far a study is.

    Args:
        folder: of the study.

    Raises:
        DataError: if it holds none.
    """
    info = StudyInfo.read(folder)
    times = sorted(_times(folder, len(info.images)).values())
    done = len(times)
    blocks = sum(1 / count for picture, count in blocks_in(folder) if not part_path(folder, picture).exists())
    each = _seconds_each(times[-_RECENT:])
    left = None if each is None else max(0.0, each * (len(info.images) - done - blocks))
    return StudyStatus(folder, info, done, blocks, 0.0 if done == len(info.images) else left, notes_in(folder))


def _times(folder: Path, count: int) -> Mapping[int, float]:
    """When each part was written."""
    found = {}
    for index in range(count):
        try:
            found[index] = part_path(folder, index).stat().st_mtime
        except FileNotFoundError:
            continue
    return found


def _seconds_each(times: Sequence[float]) -> float | None:
    """Seconds from one part to the next, pauses left out."""
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    if not gaps or not (usual := statistics.median(gaps) or statistics.fmean(gaps)):
        return None
    return statistics.fmean(gap for gap in gaps if gap <= _PAUSE * usual)
