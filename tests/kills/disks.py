"""Disks that fill up, or turn read-only, while a command works: one sentence, nothing lost, the same results once there is room.

Needs root, ``mount``, and for disks that turn read-only a loop device: ``make kills``.
"""

import csv
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import processes

from .campaign import begin, parser_of, say
from .jobs import JOBS, Results, differences, litter, make_inputs, missing_input

__all__ = ["Commands", "Disks", "cannot_mount"]

#: What the command says, by what happened to the disk.
SAID = {"full": "No space left on device", "read-only": "Read-only file system"}


def cannot_mount() -> str | None:
    """Why there can be no small file system here; None: there can."""
    if os.geteuid() != 0:
        return "needs root, to mount a small file system"
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
        )
        if tried.returncode == 0:
            subprocess.run(["umount", folder], check=True)
    return None if tried.returncode == 0 else "needs a small file system, and may not mount one"


class Commands:
    """Commands that write to one folder, and what they say when they cannot.

    Args:
        folder: of everything.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._inputs = folder, folder / "inputs"
        self._disk, self._log = folder / "disk", folder / "printed.txt"
        self._disk.mkdir(parents=True, exist_ok=True)
        if not self._inputs.exists():
            self._inputs.mkdir()
            make_inputs(self._inputs)
        processes.CONTEXT.set_forkserver_preload(["kills.warm"])

    def _run(self, verb: str) -> tuple[int, str]:
        output, before = self._disk / "output", self._said()
        code = (
            2
            if not _made(output)
            else processes.split_off(JOBS[verb].arguments(self._inputs, output), self._log).wait()
        )
        return code, self._said()[len(before) :]

    def _said(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def _refused(self, code: int, said: str, happened: str) -> list[str]:
        """What is wrong with how the command ended; it may have been done before."""
        if code == 0 or not said:
            return []
        last = said.strip().splitlines()[-1]
        wrong = [f"it ends with {code}"] if code != 2 else []
        if not last.startswith("segdepth: ") or SAID[happened] not in last or str(self._disk) not in last:
            wrong.append(f"it says {last!r}")
        if "Traceback" in said:
            wrong.append("a traceback")
        return wrong

    def _goes_on(self, verb: str, expected: Results) -> list[str]:
        code, said = self._run(verb)
        if code:
            return [f"given again it ends with {code}: {said.strip().splitlines()[-1:]}"]
        output = self._disk / "output"
        wrong = [f"differs: {name}" for name in differences(expected, JOBS[verb].results(output))]
        return wrong + [f"left: {name}" for name in litter(output)]


class Disks(Commands):
    """Commands on a small disk.

    Args:
        folder: of everything.
        seed: of sizes and moments.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder)
        self._random = random.Random(seed)
        self._expected: dict[str, tuple[Results, int, float]] = {}

    def full(self, verb: str) -> list[str]:
        """Give a command less room than it needs, then room: what is wrong, nothing if all is well."""
        expected, need, _ = self._undisturbed(verb)
        room = self._random.randrange(int(need * 1.1))
        self._mount(verb, "tmpfs")
        try:
            filler = self._disk / "filler"
            with filler.open("wb") as file:
                left = shutil.disk_usage(self._disk).free - room
                file.write(bytes(max(0, left)))
            code, said = self._run(verb)
            wrong = self._refused(code, said, "full")
            filler.unlink()
            return [f"{room >> 10} KiB free: {one}" for one in (*wrong, *self._goes_on(verb, expected))]
        finally:
            self._unmount()

    def read_only(self, verb: str) -> list[str]:
        """Let the disk of a command turn read-only, as after an error of the device; then it is mended."""
        expected, _, seconds = self._undisturbed(verb)
        self._mount(verb, "ext4")
        try:
            output = self._disk / "output"
            output.mkdir()
            before = self._said()
            running = processes.split_off(JOBS[verb].arguments(self._inputs, output), self._log)
            moment = self._random.uniform(0, seconds)
            time.sleep(moment)
            subprocess.run(["mount", "-o", "remount,abort", self._disk], check=True, capture_output=True)
            wrong = self._refused(running.wait(), self._said()[len(before) :], "read-only")
            self._mend(verb)
            return [f"after {moment:.1f} s: {one}" for one in (*wrong, *self._goes_on(verb, expected))]
        finally:
            self._unmount()

    def _undisturbed(self, verb: str) -> tuple[Results, int, float]:
        """Results, bytes that they take, and seconds."""
        if verb not in self._expected:
            self._mount(verb, "tmpfs")
            try:
                before = shutil.disk_usage(self._disk).free
                for _ in range(2):  # the first one waits for the process that is forked
                    shutil.rmtree(self._disk / "output", ignore_errors=True)
                    begun = time.monotonic()
                    code, said = self._run(verb)
                    if code:
                        raise RuntimeError(f"{verb} ends with {code}: {said}")
                    seconds = time.monotonic() - begun
                used = before - shutil.disk_usage(self._disk).free
                self._expected[verb] = JOBS[verb].results(self._disk / "output"), used, seconds
            finally:
                self._unmount()
        return self._expected[verb]

    def _mount(self, verb: str, kind: str) -> None:
        megabytes = JOBS[verb].megabytes
        if kind == "tmpfs":
            command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", self._disk]
        else:
            image = self._folder / "image"
            image.unlink(missing_ok=True)
            with image.open("wb") as file:
                file.truncate((megabytes + 16) << 20)
            subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True, capture_output=True)
            command = ["mount", "-o", "loop", image, self._disk]
        subprocess.run(command, check=True, capture_output=True)

    def _mend(self, verb: str) -> None:
        """What can be read of the disk, on a new one."""
        with tempfile.TemporaryDirectory() as kept:
            shutil.copytree(self._disk / "output", f"{kept}/output")
            self._unmount()
            self._mount(verb, "tmpfs")
            shutil.copytree(f"{kept}/output", self._disk / "output", dirs_exist_ok=True)

    def _unmount(self) -> None:
        for _ in range(50):  # a process that was killed may still be leaving
            if subprocess.run(["umount", self._disk], check=False, capture_output=True).returncode == 0:
                return
            time.sleep(0.2)
        subprocess.run(["umount", "-l", self._disk], check=True, capture_output=True)


def _made(folder: Path) -> bool:
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return False
    return True


def main() -> None:
    """Fill disks, and make them read-only, some times for each verb; print each failure, and a table at the end."""
    asked = parser_of(__doc__, 20, "of each verb, of each kind").parse_args()
    if reason := cannot_mount():
        sys.exit(reason)
    disks = Disks(begin(asked, "disks"), asked.seed)
    until, table = time.monotonic() + asked.seconds, Counter[tuple[str, str, str]]()
    verbs = [verb for verb in asked.verbs if not missing_input(verb)]
    for _ in range(asked.count):
        for verb in verbs:
            for kind, happens in (("full", disks.full), ("read-only", disks.read_only)):
                if time.monotonic() > until:
                    continue
                wrong = happens(verb)
                say(f"{verb}, {kind}: {'; '.join(wrong) or 'well'}")
                table[verb, kind, "wrong" if wrong else "well"] += 1
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["verb", "disk", "outcome", "times"])
    writer.writerows((*key, count) for key, count in table.items())
    sys.exit(any(outcome == "wrong" for _, _, outcome in table))


if __name__ == "__main__":
    main()
