"""A data set that is seen through another: a cache, a choice, a change of its samples."""

from typing import TYPE_CHECKING, Any

from .sample import Dataset

__all__ = ["DatasetView"]


class DatasetView(Dataset):
    """What is made of another data set's samples, and says the rest as that one does.

    Whatever a :class:`~segdepth.data.sample.Dataset` promises is asked of the wrapped one, unless a subclass defines it or
    sets it on itself: no attribute is copied, so none can be forgotten. A subclass has its ``__getitem__``; one with other
    samples, or with another order, says ``names`` and all that goes by index, too.

    Args:
        dataset: that is wrapped.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    opened_with = Dataset.opened_with  # a view's arguments are its own

    if not TYPE_CHECKING:  # to a type checker a view has what a data set has, and nothing besides

        def __getattribute__(self, name: str) -> Any:
            """An attribute of the view where it has one, else what the data set says."""
            if name.startswith("_") or not _promised(name) or name in self.__dict__ or _defined(type(self), name):
                return super().__getattribute__(name)
            return getattr(self._dataset, name)


def _promised(name: str) -> bool:
    return hasattr(Dataset, name) or name in Dataset.__annotations__


def _defined(view: type, name: str) -> bool:
    """Whether one of the classes from a view's up to :class:`DatasetView` defines it."""
    own = view.__mro__[: view.__mro__.index(Dataset)]
    return any(name in vars(each) for each in own)
