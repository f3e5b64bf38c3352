"""A job whose tasks are numbers and whose results are files, for tests of places; its worker does as the keys say."""

import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from segdepth.core.errors import DataError, InputError
from segdepth.executing import Job


@dataclass(frozen=True)
class Numbers(Job[int, int]):
    """Writes the square of each number.

    Attributes:
        folder: for the files.
        dies: the worker is killed at these, the first time.
        fails: tasks that fail so often.
        unfit: workers cannot be made.
        seconds: of a task.
    """

    folder: Path
    dies: tuple[int, ...] = ()
    fails: tuple[tuple[int, int], ...] = ()
    unfit: bool = False
    seconds: float = 0.0
    name: str = "numbers"

    def worker(self) -> "Numbers":
        if self.unfit:
            raise InputError("not on this machine")
        return self

    def done(self, key: int) -> bool:
        return (self.folder / str(key)).exists()

    def claimed(self) -> Collection[int]:
        return [int(path.name.removeprefix("claim-")) for path in self.folder.glob("claim-*")]

    def do(self, key: int) -> int:
        time.sleep(self.seconds)
        first = self.folder / f"tried-{key}"
        tried = len(list(self.folder.glob(f"tried-{key}-*")))
        if tried < dict(self.fails).get(key, 0):
            (self.folder / f"tried-{key}-{tried}").touch()
            raise DataError(f"{key} is broken")
        if key in self.dies and not first.exists():
            first.touch()
            os._exit(3)
        (self.folder / str(key)).write_text(str(key**2))
        return os.getpid()

    def left(self, keys: Collection[int]) -> list[int]:
        """Keys whose files do not hold what they should."""
        return [key for key in keys if (self.folder / str(key)).read_text() != str(key**2)]
