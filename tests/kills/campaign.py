"""Kill commands at random moments, give them again, and compare what they end with: ``make kills``.

A command is ended by SIGKILL (now and then SIGTERM or SIGINT), alone or with its group, one to four times in a row; then it is
given until it ends by itself. Most are forked from a process that has imported what takes long; the others begin as a user
begins them, and are killed while they import, too.
"""

import argparse
import csv
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import processes

from .jobs import JOBS, Job, Results, differences, litter, make_inputs, missing_input

__all__ = ["Campaign", "Trial", "members", "say"]

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
WEIGHTS = (8, 1, 1)
#: Seconds that processes have to notice that whoever started them is no more.
PATIENCE_S = 60


@dataclass
class Trial:
    """What became of a command that was killed.

    Attributes:
        verb: of the command.
        kills: the signals that met it alive, and when, in words.
        busy: how often it was refused because an earlier one was still at work.
        wrong: what should not be; empty where all is well.
    """

    verb: str
    kills: list[str] = field(default_factory=list)
    busy: int = 0
    wrong: list[str] = field(default_factory=list)


class Campaign:
    """Kills of one command after the other, in one folder.

    Args:
        folder: of everything; inputs are made there.
        seed: of the moments.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self._folder = folder
        self.inputs = folder / "inputs"
        self._expected: dict[str, Results] = {}
        self._seconds: dict[tuple[str, bool], float] = {}
        if not self.inputs.exists():
            self.inputs.mkdir(parents=True)
            make_inputs(self.inputs)
        processes.CONTEXT.set_forkserver_preload(["kills.warm"])

    def trial(self, verb: str, *, started: bool = False) -> Trial:
        """Kill a command some times and let it end.

        Args:
            verb: of the command.
            started: as a user starts it, rather than forked.
        """
        job, trial = JOBS[verb], Trial(verb)
        start = processes.start if started else processes.split_off
        expected, seconds = self.undisturbed(verb, start, started)
        output, log = self.empty(verb)
        sessions = []
        for _ in range(self._random.randint(1, 4)):
            running = start(job.arguments(self.inputs, output), log)
            sessions += running.ids
            self._kill(running, seconds, trial)
            running.wait()
        self._to_its_end(lambda: start(job.arguments(self.inputs, output), log), log, trial)
        left = _wait_for_end(sessions)
        if left:
            trial.wrong.append(f"{len(left)} processes still run {PATIENCE_S} s later")
            for process in left:
                os.kill(process, signal.SIGKILL)
        if "Traceback" in log.read_text() and not started:  # Python's own, of a Ctrl-C while it imports
            trial.wrong.append("a traceback")
        self._compare(job, expected, output, trial)
        if trial.wrong:
            shutil.copytree(output, self._folder / f"wrong-{verb}-{time.time():.0f}")
            shutil.copy(log, self._folder / f"wrong-{verb}-{time.time():.0f}.txt")
        return trial

    def empty(self, verb: str) -> tuple[Path, Path]:
        output, log = self._folder / verb / "output", self._folder / verb / "printed.txt"
        shutil.rmtree(output.parent, ignore_errors=True)
        output.mkdir(parents=True)
        return output, log

    def undisturbed(self, verb: str, start: Callable[..., processes.Running], started: bool) -> tuple[Results, float]:
        """What the command leaves that nobody kills, and how long it takes."""
        if (verb, started) not in self._seconds:
            output, log = self.empty(verb)
            for _ in range(1 if started else 2):  # the first one waits for the process that is forked
                shutil.rmtree(output)
                output.mkdir()
                begun = time.monotonic()
                code = start(JOBS[verb].arguments(self.inputs, output), log).wait()
                if code:
                    raise RuntimeError(f"{verb} ends with {code}:\n{log.read_text()}")
                self._seconds[verb, started] = time.monotonic() - begun
            self._expected.setdefault(verb, JOBS[verb].results(output))
        return self._expected[verb], self._seconds[verb, started]

    def _kill(self, running: processes.Running, seconds: float, trial: Trial) -> None:
        (number,) = self._random.choices(SIGNALS, WEIGHTS)
        group, moment = self._random.random() < 0.5, self._random.uniform(0, seconds)
        time.sleep(moment)
        if running.alive():
            try:
                running.send(number, to_group=group)
            except ProcessLookupError:  # not yet a group of its own, or no more
                return
            trial.kills.append(f"{number.name} {'group' if group else 'alone'} {moment / seconds:.2f}")

    def _to_its_end(self, start: Callable[[], processes.Running], log: Path, trial: Trial) -> None:
        until = time.monotonic() + PATIENCE_S
        while True:
            before = log.stat().st_size
            code = start().wait()
            if code == 0:
                return
            said = log.read_bytes()[before:].decode(errors="replace")
            if not (code == 2 and "is in use by process" in said) or time.monotonic() > until:
                trial.wrong.append(f"given again it ends with {code}: {said.strip().splitlines()[-1:]}")
                return
            trial.busy += 1
            time.sleep(1)

    @staticmethod
    def _compare(job: Job, expected: Results, output: Path, trial: Trial) -> None:
        try:
            found = job.results(output)
        except Exception as error:
            trial.wrong.append(f"the results cannot be read: {error}")
            return
        trial.wrong += [f"differs: {name}" for name in differences(expected, found)]
        trial.wrong += [f"left: {name}" for name in litter(output)]


def _wait_for_end(sessions: list[int]) -> list[int]:
    """Processes of some sessions that do not end."""
    until = time.monotonic() + PATIENCE_S
    while (left := members(sessions)) and time.monotonic() < until:
        time.sleep(0.2)
    return left


def members(sessions: list[int]) -> list[int]:
    """Processes of some sessions that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            process, _, rest = path.read_text().partition(" ")
        except OSError:
            continue
        state, *numbers = rest.rpartition(") ")[2].split()
        if int(numbers[2]) in sessions and state != "Z":
            found.append(int(process))
    return found


def parser_of(description: str | None, count: int, counted: str) -> argparse.ArgumentParser:
    """What every campaign is asked: verbs, how often, for how long, from which seed, where."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--verbs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--count", type=int, default=count, help=counted)
    parser.add_argument("--seconds", type=float, default=3600, help="in all")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--folder", type=Path, default=None, help="of all files; a temporary one by default")
    return parser


def begin(asked: argparse.Namespace, name: str) -> Path:
    """Processes of one thread, and the seed said; the folder of all files."""
    os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    say(f"seed {asked.seed}")
    return asked.folder or Path(tempfile.mkdtemp(prefix=f"{name}-"))


def main() -> None:
    """Kill until there have been enough kills, or the time is over; print each failure, and a table at the end."""
    parser = parser_of(__doc__, 100, "kills of each verb")
    parser.add_argument("--started", type=float, default=0.1, help="share of trials that begin as a user begins them")
    parser.add_argument("--out", type=Path, default=None, help="CSV of verbs and outcomes")
    asked = parser.parse_args()
    campaign, coins = Campaign(begin(asked, "kills"), asked.seed), random.Random(asked.seed)
    trials: list[Trial] = []
    until = time.monotonic() + asked.seconds
    verbs = [verb for verb in asked.verbs if not missing_input(verb)]
    while verbs and time.monotonic() < until:
        for verb in list(verbs):
            trial = campaign.trial(verb, started=coins.random() < asked.started)
            trials.append(trial)
            say(f"{verb}: {'; '.join(trial.kills) or 'not killed'}: {'; '.join(trial.wrong) or 'the same'}"
                + f" (busy {trial.busy})" * bool(trial.busy))  # fmt: skip
            if sum(len(t.kills) for t in trials if t.verb == verb) >= asked.count:
                verbs.remove(verb)
    write_table(trials, asked.out)
    sys.exit(any(trial.wrong for trial in trials))


def write_table(trials: list[Trial], out: Path | None) -> None:
    """A row for each verb: kills by signal, trials, and how they ended."""
    file = out.open("w", newline="") if out else sys.stdout
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["verb", "trials", *(number.name for number in SIGNALS), "same", "wrong", "refused first"])
    for verb in dict.fromkeys(trial.verb for trial in trials):
        own = [trial for trial in trials if trial.verb == verb]
        kinds = Counter(kill.split()[0] for trial in own for kill in trial.kills)
        wrong = sum(bool(trial.wrong) for trial in own)
        busy = sum(bool(trial.busy) for trial in own)
        writer.writerow([verb, len(own), *(kinds[number.name] for number in SIGNALS), len(own) - wrong, wrong, busy])
    file.flush()


def say(line: str) -> None:
    """At once."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
