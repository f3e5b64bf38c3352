"""Numba's compiler, whose results are kept where there is a folder for them."""

from collections.abc import Callable
from typing import Any

from numba import njit

__all__ = ["kept"]

_compile: Any = njit  # whose stubs do not know all of its options


def kept(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator: compiled at the first call, and read from a file by later processes.

    Numba looks for a folder that can be written to: ``NUMBA_CACHE_DIR``, beside the code, the user's cache. Where there is none
    (an installation of root's, a user without a home) every process compiles anew, which takes half a minute.

    Args:
        **options: of ``numba.njit``.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return _compile(cache=True, **options)(function)
        except RuntimeError:  # no such folder
            return _compile(**options)(function)

    return decorate
