"""Weights of a file into a module of somebody else: by their names, after taking off prefixes, or in their order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from segdepth.core.errors import CheckpointError
from segdepth.core.words import first_of

from ..state_files import find_weights_file, read_state

__all__ = ["Filled", "fill"]

#: What batch norms count; files written before torch 0.4.1 have none, and nothing needs them.
_COUNTER = "num_batches_tracked"

#: Tensors in a message, before "and N more".
_NAMED = 4

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Filled:
    """What became of a file.

    Attributes:
        source: the file's name, or the package's, for a card.
        remarks: what its user has to read.
    """

    source: str
    remarks: tuple[str, ...]


def fill(module: nn.Module, source: str | Path | State, *, encoder: str | None, arch: str, called: str = "") -> Filled:
    """Copy weights into a module: all of its encoder, and of the rest what fits.

    Tensors are found by their names, with or without prefixes; where names differ, in their order, if the kinds and shapes of
    all of the encoder's agree with the file's first ones. Nothing is changed where the encoder would not be filled.

    Args:
        module: somebody else's.
        source: what :func:`~segdepth.networks.state_files.find_weights_file` takes; or a state dict.
        encoder: path of the part that must be filled whole; None: the whole module must.
        arch: whose it is, for messages.
        called: what to call the source; needed for a state dict.

    Raises:
        CheckpointError: if the file cannot be had, or does not fit.
    """
    name = called or (Path(source).name if isinstance(source, (str, Path)) else "the weights")
    try:
        given = read_state(find_weights_file(source)) if isinstance(source, (str, Path)) else source
        own = module.state_dict()
        prefix = "" if encoder is None else f"{encoder}."
        needed = {key for key in own if key.startswith(prefix) and not key.endswith(_COUNTER)}
        found, how = _places(own, needed, prefix, given)
        if not needed <= found.keys():
            raise CheckpointError(_misfit(own, sorted(needed, key=list(own).index), prefix, found, given, name, arch))
    except CheckpointError as error:
        raise CheckpointError(f"model.pretrained: {error}") from None
    with torch.no_grad():
        for ours, theirs in found.items():
            own[ours].copy_(given[theirs])
    return Filled(name, _remarks(own, needed, found, given, name, how))


def _places(own: State, needed: set[str], prefix: str, given: State) -> tuple[dict[str, str], str]:
    """Our names -> the file's, of what fits best; and how it was found."""
    whole = _by_name(own, given)
    if needed <= whole.keys():
        return whole, "by name"
    part = {key: tensor for key, tensor in own.items() if key.startswith(prefix)}
    named = _by_name(part, given)
    if needed <= named.keys():
        return named, "by name"
    ordered = _in_order([key for key in part if key in needed], own, given)
    return (ordered, "in their order") if ordered else (max(whole, named, key=len), "by name")


def _by_name(own: State, given: State) -> dict[str, str]:
    """Our names -> the file's, after taking off the prefix of ours and the one of theirs with which most agree."""
    best: dict[str, str] = {}
    shared = [prefix for prefix in _prefixes(own) if all(key.startswith(prefix) for key in own)]
    for ours in shared:
        short = {key.removeprefix(ours): key for key in own}
        for theirs in _prefixes(given):
            fitting = {
                key: theirs + name
                for name, key in short.items()
                if theirs + name in given and given[theirs + name].shape == own[key].shape
            }
            if len(fitting) > len(best):
                best = fitting
    return best


def _prefixes(names: Iterable[str]) -> list[str]:
    """Every beginning of a name that ends at a dot, the shortest first."""
    parts = (name.split(".")[:-1] for name in names)
    found = {".".join(some[:k]) + "." if k else "" for some in parts for k in range(len(some) + 1)}
    return sorted(found | {""}, key=lambda prefix: (len(prefix), prefix))


def _in_order(own_names: list[str], own: State, given: State) -> dict[str, str]:
    """Our names -> the file's first ones, if kinds (weight, bias, ...) and shapes agree one by one; else nothing."""
    theirs = [name for name in given if not name.endswith(_COUNTER)]
    pairs = dict(zip(own_names, theirs, strict=False))
    agree = all(_kind(ours) == _kind(name) and own[ours].shape == given[name].shape for ours, name in pairs.items())
    return pairs if agree and len(pairs) == len(own_names) else {}


def _kind(name: str) -> str:
    return name.rpartition(".")[2]


def _remarks(own: State, needed: set[str], found: dict[str, str], given: State, name: str, how: str) -> tuple[str, ...]:
    """One sentence: how much was filled, what of the file has no place, what of the network has kept its first values."""
    used = {theirs for ours, theirs in found.items() if not ours.endswith(_COUNTER)}
    unused = [key for key in given if key not in used and not key.endswith(_COUNTER)]
    rest = [key for key in own if key not in found and key not in needed and not key.endswith(_COUNTER)]
    beyond = any(key not in needed and not key.endswith(_COUNTER) for key in found)
    said = f"{len(used)} tensors of {name} were taken {how}"
    if unused:
        said += f"; no place for {first_of(unused, _NAMED)}"
    if beyond and rest:
        said += f"; made anew: {first_of(rest, _NAMED)}"
    return (said,)


def _misfit(
    own: State, needed: list[str], prefix: str, found: dict[str, str], given: State, name: str, arch: str
) -> str:
    """Why a file is refused: the first tensors that have no fitting one."""
    whose = f"the {prefix.removesuffix('.')} of {arch}" if prefix else arch
    lost = [key for key in needed if key not in found]
    theirs = {key.removeprefix(prefix): tensor for key, tensor in given.items()}
    told = []
    for key in lost:
        short = key.removeprefix(prefix)
        there = next(
            (tensor for other, tensor in theirs.items() if other == short or other.endswith("." + short)), None
        )
        told.append(f"{short} {_shape(own[key])} ({'not there' if there is None else f'{_shape(there)} there'})")
    return (
        f"{name} does not fit {whose}: {len(lost)} of its {len(needed)} tensors find none of their name and shape, nor do all "
        f"agree in their order: {first_of(told, _NAMED)}"
        + (
            ""
            if found
            else f"; the file begins with {first_of([f'{key} {_shape(given[key])}' for key in given], _NAMED)}"
        )
    )


def _shape(tensor: Tensor) -> str:
    return str(list(tensor.shape))
