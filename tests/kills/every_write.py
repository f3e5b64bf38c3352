"""Every call that writes, made to fail in turn with all after it: one sentence, nothing lost, the same results when given again.

``disks.py`` fills real file systems at random moments; here a library that is loaded before the C library counts the calls of
a command, in all of its processes, and no moment is left out. Needs a C compiler: ``make kills``.
"""

import csv
import errno
import os
import shutil
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from .campaign import begin, parser_of, say
from .disks import SAID, Commands
from .jobs import JOBS, Results, missing_input

__all__ = ["EveryWrite", "cannot_compile"]

SOURCE = Path(__file__).with_name("faults.c")
#: ``struct plan`` of faults.c: calls so far, the first that fails, the error; then the folder.
PLAN = struct.Struct("=qqq4096s")
ERRORS = {"full": errno.ENOSPC, "read-only": errno.EROFS}


def cannot_compile() -> str | None:
    """Why calls cannot be made to fail here; None: they can."""
    if sys.platform != "linux":
        return "needs Linux, to load a library before the C library"
    return None if shutil.which("cc") else "needs a C compiler"


class EveryWrite(Commands):
    """Commands whose calls can be made to fail.

    The process that commands are split off from loads the library, so none may have been started before.

    Args:
        folder: of everything.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._plan = folder / "plan"
        self._plan.write_bytes(bytes(PLAN.size))
        library = folder / "faults.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        os.environ.update(LD_PRELOAD=str(library), SEGDEPTH_FAULTS=str(self._plan))
        self._expected: dict[str, Results] = {}

    def calls(self, verb: str, kind: str) -> int:
        """How many there are in a command that nothing happens to."""
        for _ in range(1 if verb in self._expected else 2):  # the first one waits for the process that is forked
            code, said, count = self._with_failure(verb, kind, first=0)
            if code:
                raise RuntimeError(f"{verb} ends with {code}: {said}")
        self._expected[verb] = JOBS[verb].results(self._disk / "output")
        return count

    def fails(self, verb: str, kind: str, first: int) -> list[str]:
        """Let calls fail from one on, then give the command again: what is wrong, nothing if all is well."""
        code, said, _ = self._with_failure(verb, kind, first)
        wrong = self._refused(code, said, kind)
        self._write_plan(0, 0, "")
        wrong += self._goes_on(verb, self._expected[verb])
        if kind == "read-only":  # a lock that could not be removed from what is finished keeps nobody out
            wrong = [one for one in wrong if not (one.startswith("left: ") and one.endswith(".lock"))]
        return [f"from call {first} on: {one}" for one in wrong]

    def _with_failure(self, verb: str, kind: str, first: int) -> tuple[int, str, int]:
        shutil.rmtree(self._disk, ignore_errors=True)
        (self._disk / "output").mkdir(parents=True)
        self._write_plan(first, ERRORS[kind], f"{self._disk.resolve()}/")
        code, said = self._run(verb)
        return code, said, PLAN.unpack(self._plan.read_bytes()[: PLAN.size])[0]

    def _write_plan(self, first: int, error: int, folder: str) -> None:
        with self._plan.open("r+b") as file:
            file.write(PLAN.pack(0, first, error, folder.encode()))


def main() -> None:
    """Let calls of each verb fail in turn, or as many as wanted, evenly; print each failure, and a table at the end."""
    asked = parser_of(__doc__, 0, "of each verb, of each kind; 0: every call").parse_args()
    if reason := cannot_compile():
        sys.exit(reason)
    failing = EveryWrite(begin(asked, "writes"))
    until, table = time.monotonic() + asked.seconds, Counter[tuple[str, str, int, str]]()
    for verb in asked.verbs:
        if missing_input(verb):
            continue
        for kind in SAID:
            number = failing.calls(verb, kind)
            step = max(1, number // asked.count) if asked.count else 1
            for first in range(1, number + 1, step):
                if time.monotonic() > until:
                    break
                wrong = failing.fails(verb, kind, first)
                if wrong:
                    say(f"{verb}, {kind}: {'; '.join(wrong)}")
                table[verb, kind, number, "wrong" if wrong else "well"] += 1
            say(f"{verb}, {kind}: {number} calls")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["verb", "kind", "calls", "outcome", "times"])
    writer.writerows((*key, count) for key, count in table.items())
    sys.exit(any(outcome == "wrong" for *_, outcome in table))


if __name__ == "__main__":
    main()
