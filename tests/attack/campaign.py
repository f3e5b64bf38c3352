"""Attack what segdepth reads: `python -m attack.campaign --seconds 3600 --seed 0 --csv runs/attack.csv`.

Inputs are numbered; a number and a seed give the same input again (`--only "predict picture:17"`). Everything runs in one
process, which another one watches: if it dies, the input is a failure, and the next one goes on.
"""

import argparse
import collections
import contextlib
import csv
import functools
import gc
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import mutations, surfaces, watch

__all__ = ["Finding", "attack", "prepare"]


#: What the process ends with if a surface does not work with good files.
NOT_READY = 3
#: Bytes of data that the process may have; with libraries it has one already.
MOST_DATA = 4 << 30


@dataclass(frozen=True)
class Finding:
    """An input, and what became of it.

    Attributes:
        surface: its name.
        number: of the input.
        kind: of the file.
        note: what was done to it.
        outcome: "refused", "same" answer, "other" answer, or "failed".
        trouble: of one that failed.
        place: where.
        said: the last of what was said.
    """

    surface: str
    number: int
    kind: str
    note: str
    outcome: str
    trouble: str = ""
    place: str = ""
    said: str = ""


class NotReadyError(Exception):
    """A command does not do with good files what it should."""


class Attack:
    """A surface that is ready: what it answers and takes of good files.

    Args:
        surface: what.
        root: of the world; outputs go to a folder of it.
    """

    def __init__(self, surface: surfaces.Surface, root: Path) -> None:
        self.surface = surface
        self._out = root / "out"
        self._files = {file: file.read_bytes() for file in surface.files}
        self._kept = surfaces.snapshot(surface.fresh)
        self._put_back()
        self._run()  # imports
        self._put_back()
        self._good = self._run()
        if self._good.code not in surface.codes or self._good.trouble:
            raise NotReadyError(f"{surface.name} does not work: {self._good}")
        self._answer = surface.answer(self._out, self._good.printed)
        self._put_back()
        gc.collect()
        gc.freeze()  # modules: to look through them takes longer than most commands

    def __call__(self, seed: int, number: int) -> Finding:
        """Input number so and so."""
        rng = random.Random(f"{seed}/{self.surface.name}/{number}")
        if self.surface.arguments:
            argv = surfaces.evil_argv(self.surface.argv, rng)
            if "--help" in argv or "-h" in argv:
                argv = ["--help"]
            return self._finding(number, "arguments", mutations.Mutation(None, repr(argv)[:300]), self._run(argv))
        file = rng.choice(self.surface.files)
        return self.put(file, mutations.mutate(surfaces.kind_of(file), self._files[file], rng), number)

    def data(self, name: str) -> tuple[Path, bytes]:
        """The first file whose name ends so, and what is in it."""
        file = next(file for file in self.surface.files if file.name.endswith(name))
        return file, self._files[file]

    def put(self, file: Path, mutation: mutations.Mutation, number: int = 0) -> Finding:
        """What becomes of the command when a file is another."""
        surfaces.clean(file)
        if mutation.place is not None:
            mutation.place(file)
        else:
            file.write_bytes(mutation.data or b"")
        try:
            return self._finding(number, surfaces.kind_of(file), mutation, self._run(file=file), file.name)
        finally:
            surfaces.clean(file)
            file.write_bytes(self._files[file])
            self._put_back()

    def _run(self, argv: list[str] | None = None, file: Path | None = None) -> watch.Outcome:
        surfaces.clean(self._out)
        self._out.mkdir()
        config = str(file or next(iter(self._files), ""))
        with contextlib.chdir(self._out):  # hostile arguments are names of files, too
            return self._observed(argv, config)

    def _observed(self, argv: list[str] | None, config: str) -> watch.Outcome:
        from segdepth.cli import main, told

        if self.surface.call is not None:
            return watch.observe(lambda: told(lambda: self._call()), self.surface.codes, *self._usual())
        words = [word.replace("OUT", str(self._out)).replace("CONFIG", config) for word in argv or self.surface.argv]
        codes = (0, 1, 2) if self.surface.arguments else self.surface.codes
        return watch.observe(lambda: main(words), codes, *self._usual())

    def _call(self) -> int:
        """A reader as if it were a command: what it reads is printed, as a digest where it is long."""
        assert self.surface.call is not None
        surfaces.show(self.surface.call())
        return 0

    def _usual(self) -> tuple[float, int]:
        good = getattr(self, "_good", None)
        return (good.seconds, max(0, good.grown)) if good else (0.0, sys.maxsize)  # they set the measure

    def _put_back(self) -> None:
        if self.surface.fresh:
            surfaces.put_back(self.surface.fresh, self._kept)

    def _finding(
        self, number: int, kind: str, mutation: mutations.Mutation, outcome: watch.Outcome, file: str = ""
    ) -> Finding:
        surface, trouble, end = self.surface, outcome.trouble, "failed"
        if not trouble and outcome.code == 2:
            end = "refused"
            if surface.always:
                trouble, end = "refused, though the rest is good", "failed"
        elif not trouble and surface.arguments:
            end = "other"
        elif not trouble:
            same = self._same(outcome)
            end = "same" if same else "other"
            if not same and (
                surface.same or (mutation.whole and outcome.code == 0 and not (surface.always or surface.partly))
            ):
                trouble, end = "accepted, though wrong", "failed"
        if trouble == "accepted, though wrong" and _is_told(outcome):
            trouble, end = "", "other"
        said = outcome.said.strip()[-400:]
        return Finding(surface.name, number, kind, f"{file}: {mutation.note}", end, trouble, outcome.place, said)

    def _same(self, outcome: watch.Outcome) -> bool:
        try:
            return self.surface.answer(self._out, outcome.printed) == self._answer
        except (OSError, ValueError):
            return False


def _is_told(outcome: watch.Outcome) -> bool:
    """A command that went on without a file that is broken said so."""
    return any(word in outcome.said + outcome.printed for word in ("passed over", "broken", "bad", "warning"))


def prepare(root: Path) -> list[surfaces.Surface]:
    """Make the world in a folder, or put it back as it was; returns the surfaces."""
    world, kept = root / "world", root / "kept"
    surfaces.clean(world)
    if kept.exists():
        shutil.copytree(kept, world)
    else:
        surfaces.build_world(world)
        shutil.copytree(world, root / "copying")
        (root / "copying").rename(kept)
    return surfaces.surfaces(surfaces.World(world))


def attack(found: list[surfaces.Surface], root: Path, seed: int, first: int = 0) -> Iterator[Finding]:
    """Inputs without end, of each surface in turn by its weight; a number of rounds later each has had its share."""
    ready: dict[str, Attack] = {}
    due = dict.fromkeys((surface.name for surface in found), 0.0)
    count = 0
    while True:
        for surface in found:
            due[surface.name] += surface.weight
            while due[surface.name] >= 1:
                due[surface.name] -= 1
                if count >= first:
                    if surface.name not in ready:
                        ready[surface.name] = Attack(surface, root)
                    yield ready[surface.name](seed, count)
                count += 1


def _quiet_limits() -> None:
    import torch

    torch.set_num_threads(1)
    _build_once()
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_DATA, MOST_DATA))  # what takes all memory takes others' as well


def _build_once() -> None:
    """The tree of commands, which is the same for each and takes as long to build as most take."""
    import typer

    from segdepth.cli import app

    once = functools.cache(typer.main.get_command)
    build = functools.cache(app.build_app)
    app.build_app, typer.main.get_command = build, once


def _work(options: argparse.Namespace) -> int:
    """The process that is watched."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    root = Path(options.root)
    _quiet_limits()
    found = prepare(root)
    if options.only:
        name, _, number = options.only.rpartition(":")
        surface = next(one for one in found if one.name == name)
        finding = Attack(surface, root)(options.seed, int(number))
        print(finding, finding.said, sep="\n")
        return 0
    if options.surface == "none":
        for one in found:
            try:
                ready = Attack(one, root)
                print(
                    f"{one.name:30s} {len(one.files)} files, {ready._good.seconds:.3f} s, {ready._good.grown >> 20} MiB",
                    flush=True,
                )
            except NotReadyError as error:
                print(error, flush=True)
        return 0
    if options.surface:
        found = [one for one in found if options.surface in one.name]
    began = time.monotonic()
    with Path(options.csv).open("a", newline="") as file:
        writer = csv.writer(file)
        for finding in attack(found, root, options.seed, options.first):
            writer.writerow([getattr(finding, name) for name in Finding.__dataclass_fields__])
            file.flush()
            if time.monotonic() - began > options.seconds or (
                options.inputs and finding.number >= options.first + options.inputs
            ):
                break
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--inputs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--csv", default="attack.csv")
    parser.add_argument("--only", default="")
    parser.add_argument("--surface", default="")
    parser.add_argument("--root", default="")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--watched", action="store_true")
    options = parser.parse_args()
    if options.watched:
        try:
            return _work(options)
        except NotReadyError as error:
            print(error, file=sys.stderr)
            return NOT_READY
    return _watch(options)


def _watch(options: argparse.Namespace) -> int:
    root = options.root or tempfile.mkdtemp(prefix="segdepth-attack-")
    table = Path(options.csv)
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(",".join(Finding.__dataclass_fields__) + "\n")
    print(f"seed {options.seed}, {options.seconds:.0f} s, in {root}, every input in {table}", flush=True)
    until, first, code = time.monotonic() + options.seconds, options.first, 0
    while (left := until - time.monotonic()) > 0:
        command = [
            sys.executable,
            "-m",
            "attack.campaign",
            "--watched",
            f"--seconds={left}",
            f"--seed={options.seed}",
            f"--csv={table}",
            f"--only={options.only}",
            f"--root={root}",
            f"--first={first}",
            f"--inputs={options.inputs}",
            f"--surface={options.surface}",
        ]
        code = subprocess.run(command, cwd=Path(__file__).parents[1]).returncode
        if code in (0, NOT_READY) or options.only:
            break
        with table.open(newline="") as file:
            rows = list(csv.DictReader(file))
        number = int(rows[-1]["number"]) + 1 if rows else 0
        first = number + 1
        with table.open("a", newline="") as file:
            csv.writer(file).writerow(["?", number, "?", "?", "failed", f"the process died: {code}", "", ""])
        if not (Path(root) / "kept").exists():
            return 1
    if not options.only:
        _print(table)
    if not options.root:
        shutil.rmtree(root, ignore_errors=True)
    return code if code == NOT_READY else 0


def _print(table: Path) -> None:
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    kinds: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for row in rows:
        kinds[row["kind"]][row["outcome"]] += 1
    outcomes = ("refused", "same", "other", "failed")
    print("kind," + ",".join(outcomes) + ",all")
    for kind, counts in sorted(kinds.items()):
        print(f"{kind}," + ",".join(str(counts[one]) for one in outcomes) + f",{sum(counts.values())}")
    print(f"all,{','.join(str(sum(counts[one] for counts in kinds.values())) for one in outcomes)},{len(rows)}")
    failed: dict[tuple[str, str], list[dict[str, str]]] = collections.defaultdict(list)
    for row in rows:
        if row["outcome"] == "failed":
            failed[row["trouble"][:60].rstrip("0123456789. MiBs"), row["place"]].append(row)
    for (trouble, place), group in sorted(failed.items(), key=lambda item: -len(item[1])):
        one = group[0]
        print(f"{len(group):5d}  {trouble}  {place}\n       {one['surface']}:{one['number']} {one['note'][:150]}")


if __name__ == "__main__":
    sys.exit(main())
