"""``segdepth`` in processes of its own: as a user starts them, or split off from one that has imported what takes long.

For tests of signals, kills and runs that share their work. The process from which others are split off has no thread and
has computed nothing; there is one for each test process that asks.
"""

import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from multiprocessing import get_context, set_start_method
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Running", "split_off", "start"]

REPOSITORY = Path(__file__).resolve().parents[1]
PATIENCE_S = 300
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["segdepth.training", "segdepth.studies", "torch.utils.tensorboard"])


class Running(NamedTuple):
    """Processes that have begun; each leads a group of its own, as one does that a shell has started.

    Attributes:
        ids: of the processes.
        alive: whether one of them has not ended.
        wait: wait for the end; the first exit code that is not 0, or 0.
    """

    ids: list[int]
    alive: Callable[[], bool]
    wait: Callable[[], int]

    def send(self, number: int, *, to_group: bool = True) -> None:
        """Send a signal: to all of the group, as a terminal does, or to the process alone."""
        for each in self.ids:
            (os.killpg if to_group else os.kill)(each, number)


def start(arguments: Sequence[str], output: Path, number: int = 1) -> Running:
    """Start ``segdepth`` (or a door, where the first argument is its file), with ``torchrun`` if more than one is wanted.

    Args:
        arguments: of the command.
        output: the file to which is added what is printed.
        number: of processes.
    """
    command = [sys.executable]
    if number > 1:
        command += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={number}"]
    command += arguments if arguments[0].endswith(".py") else ["-m", "segdepth", *arguments]
    with output.open("a") as file:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=file, stderr=file, start_new_session=True)
    return Running([process.pid], lambda: process.poll() is None, lambda: process.wait(PATIENCE_S))


def split_off(arguments: Sequence[str], output: Path, number: int = 1) -> Running:
    """The same, at once: what ``torchrun`` tells processes that share their work is told to them here."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    together = {"WORLD_SIZE": str(number), "LOCAL_WORLD_SIZE": str(number), "GROUP_RANK": "0",
                "TORCHELASTIC_RUN_ID": port, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}  # fmt: skip
    output.touch()
    processes: list[Any] = []
    for rank in range(number):
        places = together | {"RANK": str(rank), "LOCAL_RANK": str(rank)} if number > 1 else {}
        environment = dict(os.environ) | places  # a test's, not that of the process that is split
        processes.append(CONTEXT.Process(target=_run, args=(list(arguments), output, environment)))
        processes[-1].start()

    def wait() -> int:
        for process in processes:
            process.join(PATIENCE_S)
            if process.is_alive():
                os.killpg(process.pid, signal.SIGKILL)
                raise TimeoutError(f"still running after {PATIENCE_S} s: {arguments}")
        return next((process.exitcode for process in processes if process.exitcode), 0)

    return Running([p.pid for p in processes], lambda: any(p.is_alive() for p in processes), wait)


def _run(arguments: list[str], output: Path, environment: dict[str, str]) -> None:
    os.setsid()
    set_start_method(None, force=True)  # this process's own way to start others is not the command's
    os.chdir(REPOSITORY)
    os.environ.clear()
    os.environ.update(environment)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(written, 1)
    os.dup2(written, 2)
    if arguments[0].endswith(".py"):
        sys.argv = arguments
        runpy.run_path(str(REPOSITORY / arguments[0]), run_name="__main__")
    else:
        sys.argv = ["segdepth", *arguments]
        runpy.run_module("segdepth", run_name="__main__", alter_sys=True)
