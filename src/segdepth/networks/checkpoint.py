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

from segdepth.core.errors import CheckpointError
from segdepth.core.files import replacing

from .build import build_network
from .card import Card
from .network import Network

__all__ = ["find_weights", "load_network", "read_card", "read_state", "save_network"]

_METADATA_KEY = "segdepth"


def save_network(net: Network, path: Path) -> None:
    """Write weights and card to one ``.safetensors`` file, whole or not at all."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    with replacing(path) as temporary:
        save_file(state, temporary, metadata={_METADATA_KEY: net.card.model_dump_json(), "format": "pt"})


def find_weights(where: Path) -> Path:
    """The weights that a user means: a file, a run folder (its best, else its last), or the newest run of a config's folder.

    ``runs/x/best`` means ``runs/x/best.safetensors``.

    Raises:
        CheckpointError: if there is nothing.
    """
    if where.is_file():
        return where
    if where.is_dir():
        for name in ("best.safetensors", "model.safetensors", "last.safetensors"):
            if (where / name).is_file():
                return where / name
        runs = sorted(where.glob("*/best.safetensors")) or sorted(where.glob("*/last.safetensors"))
        if runs:
            return runs[-1]  # run folders are named after their time
        raise CheckpointError(
            f"{str(where)!r} holds no checkpoint (best.safetensors, last.safetensors or model.safetensors)"
        )
    beside = where.with_name(where.name + ".safetensors")
    if beside.is_file():
        return beside
    raise CheckpointError(f"there is no checkpoint {str(where)!r}")


def read_card(path: Path) -> Card:
    """The card in a checkpoint, without its weights.

    Raises:
        CheckpointError: if the file is truncated, foreign, or of another version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{str(path)!r} is no safetensors file, or is truncated ({error})") from None
    if _METADATA_KEY not in metadata:
        raise CheckpointError(
            f"{str(path)!r} holds weights but no segdepth card; was it written by another program?"
        )
    try:
        return Card.model_validate(json.loads(metadata[_METADATA_KEY]))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise CheckpointError(
            f"{str(path)!r} has a card that this version cannot read: {where}: {first['msg']}"
        ) from None


def load_network(where: str | Path, device: str | torch.device = "cpu") -> Network:
    """The network of a run folder or checkpoint file, in eval mode. Never downloads backbone weights.

    Raises:
        CheckpointError: if there is none, it is broken, or its weights do not fit its card.
    """
    path = find_weights(Path(where))
    card = read_card(path)
    net = build_network(card)
    with safe_open(path, framework="pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(
            f"{str(path)!r}: the weights do not fit the card: {str(error).splitlines()[-1].strip()}"
        ) from None
    return net.to(device).eval()


def read_state(path: Path) -> Mapping[str, Tensor]:
    """A plain state dict from a ``.safetensors`` or a pickled torch file, without executing anything in it.

    Raises:
        CheckpointError: if the file is missing, truncated, or holds more than tensors and plain values.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no weights file {str(path)!r}")
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds for a broken file
        raise CheckpointError(
            f"{str(path)!r} cannot be read safely as weights ({str(error).splitlines()[0]})"
        ) from None
    for key in ("state_dict", "model_state"):
        loaded = loaded.get(key, loaded) if isinstance(loaded, Mapping) else loaded
    if not isinstance(loaded, Mapping) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise CheckpointError(f"{str(path)!r} holds no state dict (a mapping from names to tensors)")
    return loaded
