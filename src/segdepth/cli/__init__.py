"""The command ``segdepth``: the only place that prints, exits or reads argv. Nothing here imports torch before a verb runs."""

import errno
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence

__all__ = ["main", "run", "told"]

# Read by the OpenMP library when torch is imported. Its threads spin while they wait for each other; on a machine with
# something else to do, a spinning thread waits for one that does not run: measured 6 times slower steps on two busy cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

#: What the system says of a disk that is full, read-only or failing, rather than of our use of it.
_OF_A_DISK = {errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG, errno.EIO}

#: Characters of a line of what is said: some twenty lines of a terminal.
_LONGEST = 1600

#: What a shell reports for a program ended by Ctrl-C.
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 2 a mistake of the user's (said in one sentence), 130 Ctrl-C."""
    return told(lambda: _run(list(sys.argv[1:] if argv is None else argv)))


def _run(argv: list[str]) -> int:
    import typer

    from segdepth.core.interrupts import AnsweredSignals, end_now

    from .app import build_app

    command = typer.main.get_command(build_app())
    with AnsweredSignals(_answer, patience=0.5, end=end_now):  # mostly the command has ended before
        code = command.main(args=argv, prog_name="segdepth", standalone_mode=False)
    if code == INTERRUPTED:  # Typer has caught Ctrl-C
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def told(work: Callable[[], int]) -> int:
    """Do some work; what a user can be told of in a sentence is printed, and becomes an exit code.

    Args:
        work: returns an exit code.
    """
    import typer

    from segdepth.core.errors import SegdepthError

    try:
        return work()
    except SegdepthError as error:
        _say(f"{_process()}{error}")
        return 2
    except OSError as error:
        if error.filename is None and error.errno not in _OF_A_DISK:  # nothing that the user named
            raise
        where = "a file, or the standard output" if error.filename is None else error.filename
        _say(f"{_process()}{where}: {error.strerror}")
        return 2
    except typer.exceptions.TyperException as error:
        if message := error.format_message():  # none where help was shown because nothing was asked
            message = message.replace(": Value error, ", ": ")  # of the library that Typer checks choices with
            _say(f"{message} Try --help.")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        _say(f"{_process()}interrupted")
        return INTERRUPTED


def _say(text: str) -> None:
    """Print what went wrong; lines that quote a file at length, or a name of thousands of characters, without their middle."""
    lines = (
        line if len(line) <= _LONGEST else f"{line[: _LONGEST - 400]} ... {line[-390:]}" for line in text.split("\n")
    )
    print("segdepth: " + "\n".join(lines), file=sys.stderr)


def _answer() -> None:
    """Ctrl-C came while the program is inside a long call."""
    print("segdepth: stopping after the step at hand, again to stop now", file=sys.stderr, flush=True)


def _process() -> str:
    """Which process of a group says it; nothing outside a group, and nothing for the first."""
    number = os.environ.get("RANK", "0")
    return "" if number == "0" else f"process {number}: "


def run() -> None:
    """Entry point of the installed command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may be bytes that are no text
            stream.reconfigure(errors="backslashreplace" if stream.errors == "strict" else stream.errors)
    try:
        code = main()
    except KeyboardInterrupt:  # before the command had begun
        code = INTERRUPTED
    if code == INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # torch takes its time to leave; one more is no traceback
    sys.exit(code)
