"""In which order runs began.

**Newest** is the run that was begun last. A run notes its beginning in its provenance: the time, but never a
time before that of a run that was there already. So the order holds when a clock is set back, when two runs begin in one
second, and after a copy, a checkout or a merge of two machines' folders, which change names and times of files, not what
is in them. Runs of before this note are told by the time that they wrote, then by the name that they were given (a time and,
of several in one second, a number), and a folder that says nothing by when it was last changed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from segdepth.core.reading import read_json

from .layout import RunFolder, Stamp

__all__ = ["Beginning", "beginning", "meant_by", "newest_first", "next_beginning"]

#: Of times that can be counted on from.
_LAST_YEAR = 9999


class Beginning(NamedTuple):
    """When a run began; of two, the later is greater."""

    time: datetime
    number: int
    name: str


def beginning(folder: RunFolder, record: Mapping[str, Any] | None = None) -> Beginning:
    """When the run of a folder began.

    Args:
        folder: of the run; it need not be whole.
        record: what its provenance says, where that is known.
    """
    record = read_json(folder.provenance, "provenance", default={}) if record is None else record
    stamp, name = folder.stamp, folder.path.name
    number = stamp.number if stamp else 1
    for text in (record.get("begun"), record.get("time"), stamp and stamp.text):
        if (time := _time(text)) is not None:
            return Beginning(time, number, name)
    return Beginning(datetime.fromtimestamp(folder.path.stat().st_mtime, UTC), number, name)


def newest_first(where: Path) -> list[RunFolder]:
    """The folders in a folder of runs, the newest first, what is no run last; none if there is no such folder."""
    folders = [RunFolder(path) for path in where.iterdir() if path.is_dir()] if where.is_dir() else []
    return sorted(folders, key=lambda folder: (folder.has_record(), beginning(folder)), reverse=True)


def meant_by(where: Path) -> list[RunFolder]:
    """What a user who names a folder may mean: that run, or else one of the runs in it, the newest first."""
    return [RunFolder(where), *newest_first(where)]


def next_beginning(where: Path) -> datetime:
    """What a run that begins now in a folder of runs is to note: the time, or just after its newest run's."""
    now = datetime.now(UTC)
    times = [beginning(folder).time for folder in newest_first(where)[:1]]
    return max([now, *(time + timedelta(microseconds=1) for time in times if time.year < _LAST_YEAR)])


def _time(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        stamp = Stamp.read(text)
        time = stamp.time() if stamp else datetime.fromisoformat(text)
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    except ValueError:
        return None
