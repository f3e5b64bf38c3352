"""What becomes of a command that reads what it should not: how it ended, what it said, how long it took, and how much memory."""

import contextlib
import faulthandler
import gc
import os
import re
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TextIO

from . import mutations

__all__ = ["Outcome", "observe"]

#: What a command may take beyond what it takes of the file as it was.
MOST_BYTES = 256 << 20
MOST_SECONDS = 6.0
#: Waiting counts, too, where no processor works: for a pipe that nobody writes to.
MOST_WAITING = 30.0

#: What no command of ours says. (What libpng and libjpeg print beside our sentence, OpenCV gives nobody a way to stop.)
CHATTER = re.compile(rb"Traceback|Warning: |core dumped")


class HangError(BaseException):
    """Took too long; no error of ours may catch it."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        code: what it returned; None: it raised.
        said: its standard error.
        printed: its standard output.
        trouble: what is wrong with that; empty if nothing.
        seconds: of the processor.
        grown: bytes beyond those of before, at the peak.
        place: where it raised.
    """

    code: int | None
    said: str
    printed: str
    trouble: str
    seconds: float
    grown: int
    place: str = ""


def _memory(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) << 10
    return 0


def _restart_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    spent = time.process_time()

    def stop(number: int, _: object) -> None:
        nonlocal spent
        before, spent = spent, time.process_time()
        if number == signal.SIGALRM and spent - before > 0.01:  # others have the processor
            signal.setitimer(signal.ITIMER_REAL, MOST_WAITING)
            return
        raise HangError

    before = {one: signal.signal(one, stop) for one in (signal.SIGPROF, signal.SIGALRM)}
    faulthandler.dump_traceback_later(3 * MOST_WAITING, exit=True)
    signal.setitimer(signal.ITIMER_PROF, 4 * MOST_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, MOST_WAITING)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        for one, handler in before.items():
            signal.signal(one, handler)


@contextlib.contextmanager
def _caught() -> Iterator[tuple[Path, Path]]:
    """Standard output and error, also of libraries, into two files."""
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "out", Path(folder) / "err"
        kept = [os.dup(number) for number in (1, 2)]
        streams = sys.stdout, sys.stderr
        try:
            for number, file in zip((1, 2), files, strict=True):
                with file.open("wb") as stream:
                    os.dup2(stream.fileno(), number)
            sys.stdout, sys.stderr = _streams()
            yield files
        finally:
            sys.stdout, sys.stderr = streams
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)


@cache
def _streams() -> tuple[TextIO, TextIO]:
    """To whatever is behind 1 and 2; a handler of logs that has one keeps it."""
    out, err = (os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False) for number in (1, 2))
    return out, err


def observe(work: Callable[[], int], codes: tuple[int, ...] = (0,), seconds: float = 0.0, grown: int = 0) -> Outcome:
    """Do some work and look at it.

    Args:
        work: what `segdepth.cli.main` does.
        codes: with which it ends well.
        seconds: that it takes of good files.
        grown: memory that it takes of good files.
    """
    mutations.CANARY.unlink(missing_ok=True)
    gc.collect(0)
    _restart_peak()
    before, began = _memory("VmRSS"), time.process_time()
    code: int | None = None
    trouble = place = ""
    with _caught() as (out, err):
        try:
            with _limited():
                code = work()
        except HangError as error:
            trouble, place = "hangs", _place(error)
        except BaseException as error:  # anything at all is a finding
            trouble, place = f"traceback: {type(error).__name__}: {str(error)[:200]}", _place(error)
        sys.stdout.flush()
        sys.stderr.flush()
        printed, said = out.read_bytes().decode("utf-8", "replace"), err.read_bytes().decode("utf-8", "replace")
    took, peak = time.process_time() - began, _memory("VmHWM") - before
    return Outcome(
        code, said, printed, trouble or _trouble(code, codes, said, took - seconds, peak - grown), took, peak, place
    )


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/src/segdepth/" in frame.filename]
    frame = (ours or frames)[-1]
    return f"{frame.filename.partition('/src/')[2] or frame.filename}:{frame.lineno}"


def _trouble(code: int | None, codes: tuple[int, ...], said: str, seconds: float, grown: int) -> str:
    if mutations.CANARY.exists():
        mutations.CANARY.unlink()
        return "executed"
    if seconds > MOST_SECONDS:
        return f"slow: {seconds:.1f} s"
    if grown > MOST_BYTES:
        return f"memory: {grown >> 20} MiB"
    if found := CHATTER.search(said.encode()):
        return f"chatter: {found[0].decode()}"
    if code not in (*codes, 2):
        return f"code {code}"
    if code == 2 and 2 not in codes:
        lines = said.strip().splitlines()
        if not any(line.startswith("segdepth: ") for line in lines):
            return "says nothing"
        sentence = said[said.index("segdepth: ") :]
        if len(sentence) > 4000:
            return f"wordy: {len(sentence)} characters"
    return ""
