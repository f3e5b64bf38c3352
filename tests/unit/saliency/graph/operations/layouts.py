"""Maps as tokens and windows, and back."""

from torch import Tensor

__all__ = ["from_tokens", "from_windows", "tokens", "windows"]


def tokens(x: Tensor) -> Tensor:
    """``[1, c, h, w]`` to ``[1, h w, c]``."""
    return x.flatten(2).transpose(1, 2)


def from_tokens(t: Tensor, rows: int) -> Tensor:
    """``[1, h w, c]`` to ``[1, c, h, w]``."""
    return t.transpose(1, 2).unflatten(2, (rows, -1))


def windows(x: Tensor, size: int) -> Tensor:
    """``[1, c, h, w]`` to the tokens of each window ``[windows, size^2, c]``."""
    _, c, h, w = x.shape
    return x.view(c, h // size, size, w // size, size).permute(1, 3, 2, 4, 0).reshape(-1, size * size, c)


def from_windows(t: Tensor, size: int, rows: int) -> Tensor:
    """Those of a map of that many rows, back."""
    c = t.shape[-1]
    return t.view(rows // size, -1, size, size, c).permute(4, 0, 2, 1, 3).reshape(1, c, rows, -1)
