"""Work that is cut into keys: who does one, and how it is seen that one is done."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, Generic, Protocol, TypeVar

__all__ = ["Job", "Worker"]

K = TypeVar("K")
R = TypeVar("R")
K_contra = TypeVar("K_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Worker(Protocol[K_contra, R_co]):
    """Keeps ready what all keys of a job need: a network, the list of pictures."""

    def do(self, key: K_contra) -> R_co:
        """Do one task and leave its file.

        It may be done by two workers at once, and again after it was done: the file is written beside its name, then renamed,
        and holds the same bytes whoever writes it.

        Args:
            key: of the task; a few bytes or paths.

        Returns:
            Something small that whoever asked wants to know.
        """


class Job(ABC, Generic[K, R]):
    """What is to be done, wherever that is; picklable.

    Attributes:
        name: in words.
        gpus: of this machine, among which workers on it are spread; 0 where the work needs none.
        repeatable: whether two workers may do a task at once, as one that takes long is given to a second one.
    """

    name: str
    gpus: int = 0
    repeatable: bool = True

    @abstractmethod
    def worker(self) -> Worker[K, R]:
        """Made in the process where the work is done.

        Raises:
            SegdepthError: if this process, or its machine, cannot do the work.
        """

    def done(self, key: K) -> bool:  # noqa: ARG002  some leave no file that says so
        """Whether a task's file is there, whoever left it."""
        return False

    def claimed(self) -> Collection[Any]:
        """Keys that workers of somebody else are at; they are taken last."""
        return ()

    def label(self, key: K) -> str:
        """A task in words, for messages."""
        return str(key)
