"""Networks on disk: safetensors whose metadata hold the card. Loading never executes code."""

from collections.abc import Collection, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from segdepth.core.errors import CheckpointError, SegdepthError, reason
from segdepth.core.files import write_bytes
from segdepth.core.reading import as_kind, parse_json
from segdepth.core.weights import read_words
from segdepth.core.words import first_of
from segdepth.runs import BEST, CARD_KEY, meant_by

from .build import build_network, prepared
from .card import Card
from .devices import usable_device
from .guests import GuestNetwork
from .network import Network
from .state_files import read_state
from .torch_files import is_torch_file, load_torch_file, require_plain

__all__ = ["find_weights", "load_network", "load_state", "read_card", "require_tensors", "save_network"]

#: What to do with a file of another program.
_CONVERT = "`segdepth convert` turns the ancestor's networks and torchvision's backbones into one"

#: Files that a folder is searched for, the preferred one first.
_NAMES = (BEST, "model.safetensors")

#: Numbers of a network that may be built to say what does not fit.
_SMALL = 10_000_000

#: Names in a message, before "and N more".
_NAMED = 3


def save_network(net: Network, path: Path) -> None:
    """Write weights and card to one ``.safetensors`` file, whole or not at all.

    Tensors that a network holds under several names are written under each.

    Raises:
        CheckpointError: see :func:`require_tensors`.
    """
    require_tensors(net)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    seen: set[int] = set()
    for name, tensor in state.items():
        storage = tensor.untyped_storage().data_ptr()
        if storage in seen:
            state[name] = tensor.clone()
        seen.add(storage)
    # not save_file, which writes to a file of its own that a kill would leave behind
    write_bytes(path, save(state, metadata={CARD_KEY: net.card.model_dump_json(), "format": "pt"}))


def require_tensors(net: Network) -> None:
    """Refuse a network that no checkpoint can hold.

    Raises:
        CheckpointError: if its state has something else than tensors.
    """
    others = [name for name, value in net.state_dict().items() if not isinstance(value, Tensor)]
    if others:
        raise CheckpointError(
            f"{net.card.arch} cannot be saved: of its state {first_of(others, _NAMED)} are no tensors, as quantised layers and "
            "get_extra_state have it"
        )


def find_weights(where: Path) -> Path:
    """The weights that a user means: a file, a run folder (its best, else its last), or the newest run of a config's folder.

    The last are those that a run goes on from. The ending may be left out: ``runs/x/best``.

    Raises:
        CheckpointError: if there is nothing.
    """
    if where.is_file():
        return where
    if where.is_dir():
        for run in meant_by(where):
            files = [run.path / name for name in _NAMES]
            for file in (*files, *(checkpoint.path for checkpoint in run.checkpoints())):
                if file.is_file():
                    return file
        raise CheckpointError(f"{str(where)!r} holds no checkpoint ({', '.join(_NAMES)})")
    beside = where.with_name(where.name + ".safetensors")
    if beside.is_file():
        return beside
    raise CheckpointError(f"there is no checkpoint {str(where)!r}")


def read_card(path: Path) -> Card:
    """The card in a checkpoint, without its weights.

    Raises:
        CheckpointError: if the file is truncated, foreign, or of another version.
    """
    if is_torch_file(path):
        return _parse_card(path, _load_run_state(path)["card"])
    words = read_words(path)
    if CARD_KEY not in words:
        raise CheckpointError(
            f"{str(path)!r} holds weights but no segdepth card, so it is no checkpoint of ours; {_CONVERT}"
        )
    return _parse_card(path, words[CARD_KEY])


def _parse_card(path: Path, text: str) -> Card:
    values = parse_json(text, f"{str(path)!r}: its card", error=CheckpointError)
    where = f"{str(path)!r} has a card that this version cannot read"
    card: Card = as_kind(Card, values, where, error=CheckpointError)
    return card


def _load_run_state(path: Path) -> dict[str, Any]:
    """What a run wrote to go on from."""
    content = load_torch_file(path)
    if not isinstance(content, dict) or not {"card", "model_state"} <= content.keys():
        raise CheckpointError(f"{str(path)!r} is a torch file, but no checkpoint of ours; {_CONVERT}")
    if not (isinstance(content["card"], str) and isinstance(content["model_state"], Mapping)):
        raise CheckpointError(f"{str(path)!r} is damaged: its card is no text, or its weights have no names")
    return content


def load_state(path: Path) -> Mapping[str, Tensor]:
    """The weights in a checkpoint, without the network that they are of: nothing is built.

    Raises:
        CheckpointError: if the file is truncated or foreign.
    """
    read_card(path)
    if not is_torch_file(path):
        return read_state(path)
    state: Mapping[str, Tensor] = _load_run_state(path)["model_state"]
    require_plain(state, path)
    others = [str(name) for name, value in state.items() if not (isinstance(name, str) and isinstance(value, Tensor))]
    if others:
        raise CheckpointError(f"{str(path)!r} is damaged: among its weights {first_of(others, _NAMED)} is no tensor")
    return state


def load_network(
    where: str | Path,
    device: str | torch.device = "cpu",
    *,
    allow: Collection[str] = (),
    module: nn.Module | None = None,
) -> Network:
    """The network of a run folder or checkpoint file, in eval mode. Downloads nothing, and runs no code that a card names.

    Args:
        where: run folder, or file.
        device: where the network shall live.
        allow: ``python:package.module:factory`` of the card, to let that code run.
        module: a copy of it takes the weights, in place of what the card names: of the form of the one that was wrapped.

    Raises:
        CheckpointError: if there is none, it is broken, its weights do not fit its card, or it names code that is not allowed.
        InputError: if there is no such device.
    """
    target = usable_device(device)
    path = find_weights(Path(where))
    card, state = read_card(path), load_state(path)
    if card.guest is None:
        _require_same_size(path, card, state)
    net = _built(path, card, allow, module)
    _require_same_numbers(path, net, state)
    try:
        net.load_state_dict(state)
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
        raise CheckpointError(f"{str(path)!r}: the weights do not fit the card: {said}") from None
    return net.to(target).eval()


def _require_same_size(path: Path, card: Card, state: Mapping[str, Tensor]) -> None:
    """Refuse a card of a network far larger than its weights, before it gets memory."""
    try:
        with torch.device("meta"):
            wanted = sum(tensor.numel() for tensor in build_network(card).state_dict().values())
    except Exception:  # of settings that are no network's; building it says which
        return
    there = sum(tensor.numel() for tensor in state.values())
    if wanted > 2 * there + _SMALL:
        raise CheckpointError(
            f"{str(path)!r}: the weights do not fit the card: {there} numbers, and {card.arch} {card.options} has {wanted}"
        )


def _require_same_numbers(path: Path, net: Network, state: Mapping[str, Tensor]) -> None:
    """Refuse what torch would take as it is: whole or complex numbers in the place of floating point, and what is no number."""
    own = net.state_dict()
    for name in state.keys() & own.keys():
        there, here = state[name], own[name]
        if there.is_floating_point() and not there.isfinite().all():
            raise CheckpointError(f"{str(path)!r} is damaged: {name} has weights that are not finite (NaN or infinity)")
        if (there.is_floating_point(), there.is_complex()) != (here.is_floating_point(), here.is_complex()):
            raise CheckpointError(
                f"{str(path)!r}: the weights do not fit the card: {name} is {there.dtype}, where the network has {here.dtype}"
            )


def _built(path: Path, card: Card, allow: Collection[str], module: nn.Module | None) -> Network:
    if module is not None and card.guest is None:
        raise CheckpointError(f"{str(path)!r} holds {card.arch}, which needs no module; leave module= out")
    try:
        if module is None:
            return build_network(card, allow=allow)
        guest = GuestNetwork(deepcopy(module), card)
        guest.stands_in = True
        return prepared(guest, card)
    except SegdepthError:
        raise
    except Exception as error:  # whatever a constructor makes of settings that are no network's
        raise CheckpointError(
            f"{str(path)!r} has a card of a network that cannot be built: {card.arch} {card.options} ({reason(error)})"
        ) from None
