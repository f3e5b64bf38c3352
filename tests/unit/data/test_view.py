"""Whatever a data set promises is seen through every wrapper, also what nobody had thought of when the wrapper was written."""

import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segdepth
from segdepth.data.labels import CAMVID
from segdepth.data.sample import Dataset, Sample
from segdepth.data.view import DatasetView

#: What the wrappers' constructors take besides the data set, by name.
SIZE = (4, 6)

#: What some wrappers say themselves: their samples have other truths.
OWN = {"Derived": {"targets", "origins"}}

#: Where data sets are defined, besides those of the data package.
PACKAGES = ("data", "evaluation", "studies", "training")


class Numbered(Dataset):
    names = ("a", "b")

    def __init__(
        self, path: Path | None = None, split: str = "train", targets: frozenset[str] = frozenset(), *, speed: int = 1
    ) -> None:
        super().__init__(path, split, targets)

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((*SIZE, 3), index, np.uint8), self.names[index])

    def sources(self, index: int) -> list[Path]:
        return [Path(f"{index}.png")]

    def too_far(self, index: int, kind: str) -> int:
        return 7 + index


def all_of(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from all_of(one)


def every(kind: type) -> list[type]:
    """All subclasses in the package."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages([str(Path(segdepth.__file__).parent / package)], f"segdepth.{package}."):
            importlib.import_module(module.name)
    return [one for one in all_of(kind) if one.__module__.startswith("segdepth.")]


def wrapped(view: type[DatasetView], dataset: Dataset, folder: Path) -> DatasetView:
    given = {"dataset": dataset, "size": SIZE, "folder": folder, "targets": frozenset({"normals"})}
    return view(**{name: given[name] for name in list(inspect.signature(view.__init__).parameters)[1:]})


VIEWS = every(DatasetView)


def test_there_are_wrappers_and_all_of_them_are_views() -> None:
    assert VIEWS
    taking = [
        one
        for one in every(Dataset)
        if any("Dataset" in str(p.annotation) for p in inspect.signature(one.__init__).parameters.values())
    ]
    assert all(issubclass(one, DatasetView) for one in taking), (
        "what takes a data set and is one forwards by construction"
    )


@pytest.mark.parametrize("view", VIEWS)
def test_what_a_data_set_says_its_wrappers_say(view: type[DatasetView], tmp_path: Path) -> None:
    said: dict[str, Any] = {
        "path": Path("somewhere"),
        "split": "odd",
        "targets": frozenset({"depth"}),
        "classes": CAMVID,
        "depth_range": (1.0, 2.0),
        "crop": "garg",
        "points": frozenset({"depth"}),
        "names": ("x", "y"),
        "origins": {"depth": "guessed"},
        "expected": 12,
        "missing": ("z",),
        "positions": (3, 5),
    }
    attributes = {name for name in Dataset.__annotations__ if not name.startswith("_")}
    assert said.keys() == attributes, "a new attribute has a value here"
    dataset = Numbered()
    through = wrapped(view, dataset, tmp_path)
    for name, value in said.items():
        setattr(dataset, name, value)
        assert (getattr(through, name) == value) == (name not in OWN.get(view.__name__, ()))
    assert through.colours == CAMVID.colours
    assert (through.reader, through.options) == ("Numbered", ["speed"])
    assert len(through) == 2
    assert [through.too_far(index, "depth") for index in range(2)] == [7, 8]
    assert list(through.sources(1)) == [Path("1.png")]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("default", [None, "declared only"])
def test_an_attribute_that_is_new_is_seen_through_every_wrapper(
    view: type[DatasetView], default: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if default is None:
        monkeypatch.setattr(Dataset, "novelty", default, raising=False)
    else:
        monkeypatch.setitem(Dataset.__annotations__, "novelty", str)
    monkeypatch.setattr(Dataset, "grown", lambda self, index: (self.novelty, index), raising=False)
    dataset = Numbered()
    through = wrapped(view, dataset, tmp_path)
    if default is None:
        assert through.novelty is None
    dataset.novelty = "seen"
    assert through.novelty == "seen"
    assert through.grown(3) == ("seen", 3)


@pytest.mark.parametrize("view", VIEWS)
def test_a_wrapper_keeps_what_is_its_own(view: type[DatasetView], tmp_path: Path) -> None:
    dataset = Numbered()
    through = wrapped(view, dataset, tmp_path)
    assert through.opened_with["dataset"] is dataset
    through.expected = 1
    assert (through.expected, dataset.expected) == (1, None)
    with pytest.raises(AttributeError, match="nothing"):
        _ = through.nothing
    dataset.nothing = "a reader's own"
    with pytest.raises(AttributeError, match="nothing"):
        _ = through.nothing
    assert pickle.loads(pickle.dumps(through)).names == dataset.names, "as worker processes receive it"
