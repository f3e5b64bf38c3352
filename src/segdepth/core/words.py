"""Words in messages and in names of files."""

import re
from collections.abc import Sequence

__all__ = ["as_file_name", "counted", "first_of", "of_pydantic"]


def as_file_name(words: str) -> str:
    """A part of a file's name: what some systems, or nobody, would take in one becomes ``-``.

    Example:
        >>> as_file_name("hf:nvidia/segformer-b0"), as_file_name("python:my.nets:Net (random weights)")
        ('hf-nvidia-segformer-b0', 'python-my.nets-Net-random-weights')
    """
    return re.sub(r"[^\w.=+-]+", "-", words).strip("-")


def counted(number: int, noun: str) -> str:
    """A number of things, in words that fit it.

    Args:
        number: of them.
        noun: of one, whose plural ends in s.

    Example:
        >>> counted(1, "drive"), counted(0, "label file")
        ('1 drive', '0 label files')
    """
    return f"{number} {noun}" + ("" if number == 1 else "s")


def first_of(names: Sequence[str], most: int) -> str:
    """The first of some names, and how many more there are.

    Args:
        names: in their order.
        most: that are named.

    Example:
        >>> first_of(["a", "b", "c"], 3), first_of(["a", "b", "c"], 1)
        ('a, b, c', 'a and 2 more')
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def of_pydantic(message: str) -> str:
    """Its message about a value, to stand behind the value's name.

    Example:
        >>> of_pydantic("Input should be a valid string"), of_pydantic("Value error, Give three numbers")
        ('should be a valid string', 'give three numbers')
    """
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    return message[0].lower() + message[1:]
