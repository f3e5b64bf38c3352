"""Every error that we raise on purpose.

A user's mistake is a :class:`SegdepthError`: its text is one sentence that says what is wrong, where, and what would
be right. The command line prints that sentence and exits with code 2. Anything else is a bug of ours and keeps its traceback.
"""

__all__ = [
    "BusyError",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "InputError",
    "SegdepthError",
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
