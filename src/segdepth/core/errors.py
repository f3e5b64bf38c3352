"""Every error that we raise on purpose.

A user's mistake is a :class:`SegdepthError`: its text is one sentence that says what is wrong, where, and what would
be right. The command line prints that sentence and exits with code 2. Anything else is a bug of ours and keeps its traceback.
"""

from pathlib import Path
from types import TracebackType

__all__ = [
    "BusyError",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "InputError",
    "SegdepthError",
    "raised",
    "reason",
]


class SegdepthError(Exception):
    """A mistake of the user's that we can name in one sentence."""


class ConfigError(SegdepthError):
    """A configuration value is unknown, of the wrong type or out of range."""


class DataError(SegdepthError):
    """A data set's file is missing, broken or not what it should be.

    Args:
        sentence: what is wrong.
        todo: what would mend it, where that is not to put a file or folder where it should be.
    """

    def __init__(self, sentence: str, todo: str | None = None) -> None:
        super().__init__(sentence)
        self.todo = todo


class CheckpointError(SegdepthError):
    """A checkpoint is missing, truncated, foreign, or does not fit the network."""


class BusyError(SegdepthError):
    """Another process works in the folder that this one was to work in."""


class InputError(SegdepthError, ValueError):
    """An argument of a call (an image, a pixel, a size) cannot be used."""


def reason(error: BaseException) -> str:
    r"""Another library's error in one line: the first of its message, or its kind where it says nothing.

    Example:
        >>> reason(EOFError()), reason(ValueError("bad magic\nlong story"))
        ('EOFError', 'bad magic')
    """
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


#: Packages that code of somebody else's runs in: a line of theirs does not say where it went wrong.
_SURROUNDINGS = ("importlib", "segdepth", "torch")


def raised(error: BaseException) -> str:
    """What somebody else's code raised, in one line: kind, message, and the line of their code that it came from.

    Example:
        >>> raised(KeyError("width"))
        "KeyError: 'width'"
    """
    return f"{type(error).__name__}: {reason(error)}{_place(error.__traceback__)}"


def _place(trace: TracebackType | None) -> str:
    """The last line that is not of the surroundings, in brackets; empty where all are."""
    found = ""
    while trace is not None:
        code, package = trace.tb_frame.f_code, str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0]
        if package not in _SURROUNDINGS and not code.co_filename.startswith("<"):
            found = f" ({Path(code.co_filename).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return found
