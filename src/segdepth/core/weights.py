"""The head of a safetensors file: what its weights are of. No torch, no weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import safe_open

from .errors import CheckpointError, SegdepthError, reason
from .reading import require_file

__all__ = ["opened_weights", "read_words"]


@contextmanager
def opened_weights(path: Path, framework: str) -> Iterator[Any]:
    """A safetensors file, open.

    Args:
        path: of the file.
        framework: whose tensors it gives: "numpy" or "pt".

    Raises:
        CheckpointError: if it is missing, truncated, or something else; or a tensor that is asked for is damaged.
    """
    require_file(path, "a file of weights", error=CheckpointError)
    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except SegdepthError:
        raise
    except Exception as error:  # of a head that is wrong, whatever the library and torch stumble on
        raise CheckpointError(
            f"{str(path)!r} is no safetensors file, or is truncated ({reason(error)[:200]})"
        ) from None


def read_words(path: Path) -> dict[str, str]:
    """The words that a file of weights has beside them.

    Raises:
        CheckpointError: as :func:`opened_weights`.
    """
    with opened_weights(path, "numpy") as file:
        return dict(file.metadata() or {})
