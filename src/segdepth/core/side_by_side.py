"""Jobs in processes of their own, side by side, that tell how they get on; nothing is left running after them."""

import contextlib
import logging
import multiprocessing
import signal
from collections.abc import Callable, Generator, Mapping
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from .errors import SegdepthError
from .processes import without_ctrl_c

__all__ = ["Tell", "side_by_side"]

#: What a job tells with: the topic of its news, and their values.
Tell = Callable[..., None]

#: Seconds without news after which the listener is given the word.
_PULSE = 1.0

#: Topics of news that are not passed on.
_LOG, _ERROR = "_log", "_error"

log = logging.getLogger(__name__)


def side_by_side(
    jobs: Mapping[str, Callable[[Tell], None]],
) -> Generator[tuple[str, str, tuple[Any, ...]] | None, None, None]:
    """Run every job at once; yields ``(job's name, topic, values)`` of all that they tell, and None when there was no news.

    What jobs log is logged here, under their names. Ctrl-C at a terminal reaches this process alone. When it leaves the
    generator, jobs that still run are sent SIGTERM once, which ends a training between two updates, and are waited for.

    Args:
        jobs: by name; picklable.

    Raises:
        SegdepthError: what a job raised; or if one was ended from outside.
        OSError: what a job raised.
    """
    context = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = []
    listening: dict[Connection, tuple[str, BaseProcess]] = {}
    try:
        for name, job in jobs.items():
            ours, theirs = context.Pipe(duplex=False)
            process: BaseProcess = context.Process(target=_run, args=(job, theirs), name=f"segdepth {name}")
            with without_ctrl_c():  # this process ends its jobs itself
                process.start()
            theirs.close()  # the job's end is its own, so its end is seen
            processes.append(process)
            listening[ours] = (name, process)
        while listening:
            ready = wait(list(listening), timeout=_PULSE)
            for connection in ready:
                assert isinstance(connection, Connection)
                name, process = listening[connection]
                try:
                    topic, values = connection.recv()
                except EOFError:
                    del listening[connection]
                    _check_end(name, process)
                    continue
                if topic == _LOG:
                    log.log(values[0], "%s: %s", name, values[1])
                elif topic == _ERROR:
                    raise values[0]
                else:
                    yield name, topic, values
            if not ready:
                yield None
    finally:
        for connection in listening:
            connection.close()  # nobody waits with news that nobody reads
        _end(processes)


def _check_end(name: str, process: BaseProcess) -> None:
    process.join()
    if process.exitcode:
        how = "an error that stands above" if process.exitcode > 0 else "a signal from outside (out of memory?)"
        raise SegdepthError(
            f"the process for {name} was ended by {how}; what is done stays done, the same command goes on"
        )


def _end(processes: list[BaseProcess]) -> None:
    for process in processes:
        process.terminate()
    try:
        for process in processes:
            process.join()
    except KeyboardInterrupt:  # asked for a second time
        for process in processes:
            process.kill()
        raise


class _LogTeller(logging.Handler):
    """Hands log lines to the listener."""

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):  # he has left
            self._tell(_LOG, record.levelno, record.getMessage())


def _run(job: Callable[[Tell], None], connection: Connection) -> None:

    def tell(topic: str, *values: Any) -> None:
        connection.send((topic, values))

    logger = logging.getLogger("segdepth")
    logger.handlers, logger.propagate = [_LogTeller(tell)], False
    logger.setLevel(logging.INFO)
    try:
        job(tell)
    except KeyboardInterrupt:  # how a training answers SIGTERM
        pass
    except BrokenPipeError:  # the listener has left, or was killed
        pass
    except (SegdepthError, OSError) as error:
        with contextlib.suppress(OSError):
            tell(_ERROR, error)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the end is near enough
        connection.close()
