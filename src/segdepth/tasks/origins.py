"""Where a network comes from, as somebody names it: a checkpoint, a repository of the hub, an address."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from segdepth.core.errors import CheckpointError, ConfigError, SegdepthError
from segdepth.core.tables import pick
from segdepth.core.words import as_file_name
from segdepth.data import Dataset
from segdepth.networks import (
    OUTPUTS,
    Card,
    Classes,
    Network,
    NetworkSpec,
    fetch,
    find_weights,
    is_address,
    is_guest,
    is_repository,
    kind_said_by,
    load_network,
    parse_network,
    read_card,
)

from .build import TASKS, create_network

__all__ = ["Asked", "Origin", "find_origin", "network_of", "task_said_by", "with_classes_of"]

log = logging.getLogger(__name__)

#: How files of weights end; nobody's repository is called so.
_ENDINGS = (".safetensors", ".pt", ".pth", ".pkl")


@dataclass(frozen=True)
class Asked:
    """What is known where a network is asked for; who has a card needs little of it.

    Attributes:
        task: that was said.
        data: gives what the network will be asked about; called only where the card does not say how many classes there are.
        allow: addresses of code that may be run.
        seed: of weights by chance: each process, today and tomorrow, has the same.
    """

    task: str | None = None
    data: Callable[[str], Dataset | None] = lambda _: None
    allow: Collection[str] = ()
    seed: int = 0


class Origin(ABC):
    """Where a network comes from.

    Attributes:
        words: as it was named.
    """

    words: str

    @property
    @abstractmethod
    def source(self) -> str:
        """What it is in the end: a file, or an address with its options."""

    @property
    @abstractmethod
    def stem(self) -> Path:
        """Of files that are made of it: beside the checkpoint, or in the working folder. Without an ending."""

    @property
    def card(self) -> Card | None:
        """Read without the weights; None where there is none before the network is built.

        Raises:
            CheckpointError: if it cannot be read.
        """
        return None

    @abstractmethod
    def network(self, asked: Asked) -> Network:
        """The network, in eval mode, on the CPU.

        Raises:
            SegdepthError: if it cannot be had.
        """


class _Checkpoint(Origin):
    """A file or folder.

    Args:
        where: it is.
        words: as it was named.
        stem: of files made of it; None: beside it.
    """

    def __init__(self, where: Path, words: str, stem: Path | None = None) -> None:
        self.words = words
        self._where = where
        self._stem = stem

    @cached_property
    def _weights(self) -> Path:
        return find_weights(self._where)

    @property
    def source(self) -> str:
        return str(self._weights)

    @property
    def stem(self) -> Path:
        return self._stem or self._weights.with_suffix("")

    @cached_property
    def card(self) -> Card:  # it always has one
        return read_card(self._weights)

    def network(self, asked: Asked) -> Network:
        return load_network(self._weights, allow=asked.allow)


class _Address(Origin):
    """A network of somebody else, as its library gives it."""

    def __init__(self, spec: NetworkSpec, words: str) -> None:
        self.words = words
        self._spec = spec

    @property
    def source(self) -> str:
        return self.words

    @property
    def stem(self) -> Path:
        return Path(as_file_name(self._spec.arch))

    def network(self, asked: Asked) -> Network:
        net = network_of(self._spec, asked)
        if not self._spec.options.get("pretrained"):
            log.warning(
                "%s: no weights were loaded (pretrained=true asks its library for some): they are random, unless the code that "
                "makes it loads some itself", self._spec.arch,
            )  # fmt: skip
        return net.eval()


def find_origin(named: str | Path) -> Origin:
    """What a user means by a path, by ``owner/name`` on the hub, or by an address with its options behind commas.

    What is here is meant first; ``owner/name,revision=...`` says that the hub is meant.

    Raises:
        ConfigError: if there is no such library, or an option cannot be read.
        CheckpointError: if the hub has no such repository, or cannot be asked.
    """
    text, path = str(named), Path(named)
    if path.exists() or path.with_name(f"{path.name}.safetensors").is_file():
        return _Checkpoint(path, text)
    library, colon, _ = text.partition(":")
    if colon and library.isidentifier():
        return _Address(parse_network(text), text)
    if is_repository(text.partition(",")[0]) and path.suffix not in _ENDINGS:
        spec = parse_network(text)
        return _Checkpoint(_fetched(spec), text, stem=Path(as_file_name(spec.arch)))
    return _Checkpoint(path, text)


def _fetched(spec: NetworkSpec) -> Path:
    """The checkpoint of a repository, in the cache."""
    unknown = spec.options.keys() - {"revision"}
    if unknown:
        raise ConfigError(
            f"{spec.arch}: a repository of the hub has the option revision, not {', '.join(sorted(unknown))}"
        )
    try:
        return fetch(spec.arch, revision=spec.options.get("revision"))
    except CheckpointError as error:
        raise CheckpointError(f"there is no checkpoint {spec.arch!r} here; {error}") from None


def network_of(spec: NetworkSpec, asked: Asked) -> Network:
    """A network that no training of ours has seen.

    It has the classes that came with its weights, where its library names them; else as many as the data have, where there are
    data; else as many as its library gives it.

    Args:
        spec: of ours, registered, or an address; the code that it names is run.
        asked: what else is known. Without a task in it, the address has to say one.

    Raises:
        ConfigError: if nobody says the task, or the network cannot be built.
        CheckpointError: if weights cannot be had, or do not fit.
        InputError: if its library is not installed.
    """
    _check(spec)
    task = asked.task or task_said_by(spec.arch)
    if task is None:
        raise ConfigError(f"say what {spec.arch} shall answer: {' or '.join(f'--task {name}' for name in TASKS)}")

    def made(**classes: Any) -> Network:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(asked.seed)
            return create_network(spec.arch, task, **classes, **spec.options)

    if "num_classes" in spec.options or not is_guest(spec.arch) or not _has_classes(task):
        return made()
    if spec.options.get("pretrained"):
        with suppress(SegdepthError):  # what has no number of classes of its own; anything else is said again below
            net = made(num_classes=None)
            if net.card.classes is not None:
                return net
    dataset = asked.data(task)
    if dataset is None or dataset.classes is None:
        return _require_classes(made(num_classes=None))
    return with_classes_of(made(num_classes=len(dataset.classes)), dataset)


def task_said_by(arch: str) -> str | None:
    """The task that a network's address says by itself; None if it says none, or is a name.

    Raises:
        SegdepthError: if there is no such library, or what it has to be asked for is not there.
    """
    kind = kind_said_by(arch) if is_address(arch) else None
    return next((task.name for task in TASKS.values() if task.target == kind), None)


def _has_classes(task: str) -> bool:
    """Whether the data say how many channels a network for a task has."""
    return OUTPUTS[pick(TASKS, task, kind="task").output].channels is None


def _require_classes(net: Network) -> Network:
    """Refuse a network whose library has made it for one class, because nobody said how many there are."""
    if net.output.answers.names_classes and net.out_channels < 2:
        raise ConfigError(f"{net.card.arch} has no number of classes of its own: {net.card.arch},num_classes=19")
    return net


def _check(spec: NetworkSpec) -> None:
    """Refuse what :func:`create_network` takes as it is."""
    count, preprocessing = spec.options.get("num_classes"), spec.options.get("preprocessing")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
        raise ConfigError(
            f"{spec.arch}: num_classes must be a number, or null for as many as its weights have, not {count!r}"
        )
    if not isinstance(preprocessing, str | None):
        raise ConfigError(f"{spec.arch}: preprocessing must be a name here, not {preprocessing!r}")


def with_classes_of(net: Network, dataset: Dataset) -> Network:
    """The network, whose card has a data set's classes if it answers classes."""
    classes = dataset.classes
    if classes is not None and net.output.answers.names_classes:
        known = Classes(names=classes.names, colours=classes.colours, label_ids=classes.label_ids)
        net.card = net.card.model_copy(update={"classes": known})
    return net
