"""Networks on disk: safetensors whose metadata hold the card. Loading never executes code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from segdepth.core.errors import CheckpointError, SegdepthError, reason
from segdepth.core.files import replacing
from segdepth.runs import BEST, CARD_KEY, meant_by

from .build import build_network
from .card import Card
from .devices import usable_device
from .network import Network
from .torch_files import is_torch_file, load_torch_file

__all__ = ["find_weights", "load_network", "read_card", "read_state", "save_network"]

#: What to do with a file of another program.
_CONVERT = "`segdepth convert` turns the ancestor's networks and torchvision's backbones into one"

#: What training programs call the state dict in their checkpoints.
_WRAPPERS = ("state_dict", "model_state", "model_state_dict", "model", "net", "network", "weights")

#: Files that a folder is searched for, the preferred one first.
_NAMES = (BEST, "model.safetensors")


def save_network(net: Network, path: Path) -> None:
    """Write weights and card to one ``.safetensors`` file, whole or not at all."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    with replacing(path) as temporary:
        save_file(state, temporary, metadata={CARD_KEY: net.card.model_dump_json(), "format": "pt"})


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
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{str(path)!r} is no safetensors file, or is truncated ({error})") from None
    if CARD_KEY not in metadata:
        raise CheckpointError(
            f"{str(path)!r} holds weights but no segdepth card, so it is no checkpoint of ours; {_CONVERT}"
        )
    return _parse_card(path, metadata[CARD_KEY])


def _parse_card(path: Path, text: str) -> Card:
    try:
        return Card.model_validate(json.loads(text))
    except (RecursionError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{str(path)!r} has a card that is broken ({reason(error)})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise CheckpointError(
            f"{str(path)!r} has a card that this version cannot read: {where}: {first['msg']}"
        ) from None


def _load_run_state(path: Path) -> dict[str, Any]:
    """What a run wrote to go on from."""
    content = load_torch_file(path)
    if not isinstance(content, dict) or not {"card", "model_state"} <= content.keys():
        raise CheckpointError(f"{str(path)!r} is a torch file, but no checkpoint of ours; {_CONVERT}")
    if not (isinstance(content["card"], str) and isinstance(content["model_state"], Mapping)):
        raise CheckpointError(f"{str(path)!r} is damaged: its card is no text, or its weights have no names")
    return content


def load_network(where: str | Path, device: str | torch.device = "cpu") -> Network:
    """The network of a run folder or checkpoint file, in eval mode. Never downloads backbone weights.

    Raises:
        CheckpointError: if there is none, it is broken, or its weights do not fit its card.
        InputError: if there is no such device.
    """
    target = usable_device(device)
    path = find_weights(Path(where))
    net = _built(path, read_card(path))
    state = _load_run_state(path)["model_state"] if is_torch_file(path) else read_state(path)
    try:
        net.load_state_dict(state)
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
        raise CheckpointError(f"{str(path)!r}: the weights do not fit the card: {said}") from None
    return net.to(target).eval()


def _built(path: Path, card: Card) -> Network:
    try:
        return build_network(card)
    except SegdepthError:
        raise
    except Exception as error:  # whatever a constructor makes of settings that are no network's
        raise CheckpointError(
            f"{str(path)!r} has a card of a network that cannot be built: {card.arch} {card.options} ({reason(error)})"
        ) from None


def read_state(path: Path) -> Mapping[str, Tensor]:
    """A plain state dict from a ``.safetensors`` or a pickled torch file, without executing anything in it.

    What training programs put around it (:data:`_WRAPPERS`) is taken off.

    Raises:
        CheckpointError: if the file is missing, truncated, or holds more than tensors and plain values.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no weights file {str(path)!r}")
    if path.suffix == ".safetensors" and not is_torch_file(path):
        try:
            with safe_open(path, framework="pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        except Exception as error:  # of a header that is wrong, torch raises what it stumbles on
            raise CheckpointError(f"{str(path)!r} is no safetensors file, or is truncated ({reason(error)})") from None
    state = _unwrapped(load_torch_file(path))
    if state is None:
        raise CheckpointError(
            f"{str(path)!r} holds no state dict (a mapping from names to tensors), neither by itself nor as one of "
            f"{', '.join(_WRAPPERS)}"
        )
    return state


def _unwrapped(loaded: Any) -> Mapping[str, Tensor] | None:
    """The state dict that something is, or holds under one of the usual names."""
    if not isinstance(loaded, Mapping):
        return None
    if loaded and all(isinstance(value, Tensor) for value in loaded.values()):
        return loaded
    inner = (_unwrapped(loaded[key]) for key in _WRAPPERS if key in loaded)
    return next((state for state in inner if state is not None), None)
