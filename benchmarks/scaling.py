"""How long the published study takes, and a hundred times it, on many machines: a simulation from measured times.

    python benchmarks/scaling.py [--csv FILE]

Nothing is computed but the order of events. Tasks are blocks of 582 targets (the last of a picture is smaller) of 100
pictures with 7,141 targets each, for six networks and two tasks; their seconds are those per map of docs/benchmarks/saliency-
avx2.csv, on one core, times ``BESIDE``, for cores share their memory. A machine has sixteen cores, a worker each. A worker
first starts (``START``), then takes tasks from one parent, which needs ``HAND_OUT`` seconds for each; machines are lost at
random, once in ``LIFE`` hours each, come back after five minutes, and what their workers were at is done anew. The row with
eight times as many tasks cuts every block in eight, as if that cost nothing. Column ``busy``: share of the workers' time that
went into maps that counted; ``parent``: of the parent's time that went into handing out; ``files/s``: operations on the
shared folder, ten a task. ``cost``: at ``PRICE`` a machine and hour.
"""

import argparse
import csv
import heapq
import random
from collections.abc import Iterator
from pathlib import Path

from machine import describe, write_csv

KEPT = Path(__file__).resolve().parents[1] / "docs/benchmarks/saliency-avx2.csv"
PICTURES, TARGETS, BLOCK = 100, 7141, 582
WORKERS = 16
#: Seconds. Measured: start-up by benchmarks/study_processes.py; handing out with 2,000 tasks that do nothing, on Ray with two
#: workers and a busy machine (a pool of processes: 0.0003).
START, HAND_OUT = 13.5, 0.002
#: How much longer a task takes beside others: measured for two processes on two cores, assumed for sixteen.
BESIDE = 2 / 1.88
#: Hours between two losses of a machine, seconds until it is back, and dollars an hour for sixteen cores: assumptions.
LIFE, BACK, PRICE = 100.0, 300.0, 0.70
FILES = 10


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/scaling.csv"))
    options = parser.parse_args()
    print(describe())
    rows = []
    for times in (1, 100):
        for machines in (1, 10, 1000):
            for parts in (1, 8):
                if parts > 1 and (machines, times) != (1000, 1):
                    continue
                rows.append(simulated(times, machines, parts))
                print(rows[-1], flush=True)
    write_csv(options.csv, rows)


def tasks(times: int, parts: int) -> Iterator[float]:
    """Seconds of each task, in the order of studies one after another."""
    with KEPT.open() as file:
        each = {row["case"]: float(row["auto s"]) for row in csv.DictReader(file)}
    blocks = [BLOCK] * (TARGETS // BLOCK) + [TARGETS % BLOCK]
    for seconds in each.values():
        for _ in range(PICTURES * times):
            for block in blocks:
                for _ in range(parts):
                    yield BESIDE * seconds * block / parts


def simulated(times: int, machines: int, parts: int) -> dict[str, object]:
    """A row of the table.

    Args:
        times: the published study.
        machines: that work.
        parts: into which a block is cut, where cuts would be free.
    """
    chance = random.Random(0)
    waiting = tasks(times, parts)
    again: list[float] = []
    lost_at = [chance.expovariate(1 / (LIFE * 3600)) for _ in range(machines)]
    free = [(START, worker) for worker in range(machines * WORKERS)]
    heapq.heapify(free)
    parent = end = useful = total = 0.0
    count = losses = 0
    while True:
        seconds = again.pop() if again else next(waiting, None)
        if seconds is None:
            break
        now, worker = heapq.heappop(free)
        parent = max(parent, now) + HAND_OUT
        begun, machine = parent, worker // WORKERS
        while lost_at[machine] <= begun:  # while it waited, or before
            lost_at[machine] += chance.expovariate(1 / (LIFE * 3600))
        if begun + seconds > lost_at[machine]:
            again.append(seconds)
            losses += 1
            heapq.heappush(free, (lost_at[machine] + BACK + START, worker))
            continue
        count += 1
        useful += seconds
        end = max(end, begun + seconds)
        heapq.heappush(free, (begun + seconds, worker))
    total = end * machines * WORKERS
    return {
        "published studies": times, "machines": machines, "tasks": count, "hours": end / 3600, "busy": useful / total,
        "parent": count * HAND_OUT / end, "files/s": FILES * count / end, "lost": losses, "cost": end / 3600 * machines * PRICE,
    }  # fmt: skip


if __name__ == "__main__":
    main()
