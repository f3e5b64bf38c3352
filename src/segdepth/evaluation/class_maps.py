"""Which class of the data a network's class is, where the two lists are not the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

from segdepth.core.errors import ConfigError, InputError
from segdepth.core.tables import did_you_mean
from segdepth.core.words import first_of
from segdepth.core.yaml_text import read_yaml
from segdepth.data.sample import Dataset
from segdepth.kinds import IGNORE, Kind
from segdepth.networks import Network

__all__ = ["ClassMap", "map_classes", "read_class_map"]

#: Names of a list in a sentence, before "and N more": all those of the usual data sets, which a table has to spell.
_NAMED = 40

#: A network's class by its name -> the data set's, or None.
Given = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class ClassMap:
    """From a network's answers to train ids of a data set.

    An answer that is none of its classes counts as wrong wherever the truth is known.

    Attributes:
        names: the network's class -> the data set's, or None.
        words: who said so.
        table: train id of each of the network's classes, or :data:`~segdepth.kinds.IGNORE`.
    """

    names: Given
    words: str
    table: Int64[Tensor, " c"]

    def __call__(self, answers: Shaped[Tensor, "*shape"]) -> Int64[Tensor, "*shape"]:
        """The data set's train ids."""
        return self.table.to(answers.device)[answers.long()]


def read_class_map(path: Path) -> Given:
    """The table in a YAML file: ``the network's class: the data set's class``, or ``null`` for none.

    Raises:
        ConfigError: if the file cannot be read, or holds something else.
    """
    values = read_yaml(path, "each of the network's classes, and one of the data set's, or null")
    if not all(value is None or isinstance(value, str) for value in values.values()):
        raise ConfigError(
            f"--class-map: {path} must be a mapping from each of the network's classes to one of the data set's, or to null"
        )
    return values


def map_classes(net: Network, dataset: Dataset, kind: Kind, given: Given | None = None) -> ClassMap | None:
    """How a network's classes become the data set's; None where its answers are taken as they are.

    Without a table they are taken as they are where the names are the same, or where the card names none and there are as many.
    The same names in another order are mapped by name.

    Args:
        net: whose card may name its classes; without names they are called by their numbers.
        dataset: that it is scored on.
        kind: of the answers.
        given: the user's table.

    Raises:
        ConfigError: if the table names a class that neither has, leaves one of the network's out, or the answers are no classes.
        InputError: if the classes are others, and there is no table.
    """
    if not kind.names_classes or dataset.classes is None:
        if given is not None:
            raise ConfigError(f"--class-map is for classes; this network answers {kind.units[0]}")
        return None
    named = net.card.classes.names if net.card.classes else None
    own, theirs = named or tuple(str(k) for k in range(net.out_channels)), dataset.classes.names
    if given is not None:
        _check(given, own, theirs)
        return _made(own, given, theirs, "by the table that was given")
    if own == theirs or (named is None and len(own) == len(theirs)):
        return None
    if sorted(own) == sorted(theirs) and len(set(own)) == len(own):
        return _made(own, {name: name for name in own}, theirs, "by name, for the network has them in another order")
    raise InputError(
        f"the network's {len(own)} classes ({first_of(own, _NAMED) if named else 'without names'}) are not the data set's "
        f"{len(theirs)} ({first_of(theirs, _NAMED)}): say which is which, "
        "--class-map FILE (YAML, 'its class: the data set's class', or"
        " null)"
    )


def _made(own: Sequence[str], given: Given, theirs: Sequence[str], words: str) -> ClassMap:
    names = {name: given[name] for name in own}
    meant = (names[name] for name in own)  # several of its classes may have one name
    ids = [IGNORE if name is None else theirs.index(name) for name in meant]
    return ClassMap(names, words, torch.tensor(ids))


def _check(given: Given, own: Sequence[str], theirs: Sequence[str]) -> None:
    for name, meant in given.items():
        if name not in own:
            raise ConfigError(f"--class-map: the network has no class {name!r} {did_you_mean(name, own)}")
        if meant is not None and meant not in theirs:
            raise ConfigError(f"--class-map: the data set has no class {meant!r} {did_you_mean(meant, theirs)}")
    if absent := [name for name in own if name not in given]:
        raise ConfigError(
            f"--class-map: nothing is said of the network's {first_of(absent, _NAMED)}; null says that the data "
            "set has no such class"
        )
