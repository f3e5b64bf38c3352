"""Words in messages."""

__all__ = ["counted"]


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
