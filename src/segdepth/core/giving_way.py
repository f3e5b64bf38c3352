"""Long work that gives way to what is more urgent: it looks, at steps of its own choice, whether it should end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["GaveWay", "give_way", "giving_way"]


class GaveWay(BaseException):
    """Work has ended before it was done. No mistake: ``except Exception`` does not catch it, like Ctrl-C."""


#: Whether something more urgent waits; None: nobody can ask for anything meanwhile.
_asked: ContextVar[Callable[[], bool] | None] = ContextVar("asked", default=None)


@contextmanager
def giving_way(asked: Callable[[], bool]) -> Iterator[None]:
    """What is called in this block may end early.

    Args:
        asked: says whether it should; called in this thread, often.
    """
    before = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(before)


def give_way() -> None:
    """End what is under way here, if something more urgent waits for it; nothing may be half-done at this step.

    Raises:
        GaveWay: if so.
    """
    asked = _asked.get()
    if asked is not None and asked():
        raise GaveWay
