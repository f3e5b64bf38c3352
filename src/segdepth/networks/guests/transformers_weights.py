"""Weights for networks of transformers: of a folder's safetensors, or of a file that somebody names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segdepth.core.errors import CheckpointError
from segdepth.core.words import first_of

from ..state_files import find_weights_file, read_state
from .transformers_config import words_of
from .transformers_source import WEIGHTS, WEIGHTS_INDEX, Source, read_json

__all__ = ["Loaded", "load_weights"]

#: Names in a message, before "and N more".
_NAMED = 4


@dataclass(frozen=True)
class Loaded:
    """What became of weights.

    Attributes:
        source: where they came from; None: there were none.
        with_head: whether all of the network has them.
        remarks: sentences that a user has to read.
    """

    source: str | None = None
    with_head: bool = False
    remarks: tuple[str, ...] = ()


def load_weights(
    module: nn.Module, source: Source, wanted: bool | str | Path, encoder: str | None, arch: str
) -> tuple[nn.Module, Loaded]:
    """The module with weights: all of its encoder's, and of the rest what fits, which is said.

    Args:
        module: untrained.
        source: whose folder's weights are wanted.
        wanted: True for these; or a folder, a file, or the name of a package that ships one.
        encoder: path of the part that must be filled; None: all must.
        arch: for messages.

    Raises:
        CheckpointError: if there are no weights, none in safetensors, or they do not fit.
    """
    try:
        called, state = _state(source, wanted)
        state = _beneath(module, state, encoder)
        filled, told = type(module).from_pretrained(  # type: ignore[attr-defined]
            None, config=module.config, state_dict=dict(state), dtype=torch.float32, ignore_mismatched_sizes=True,
            output_loading_info=True,
        )  # fmt: skip
    except CheckpointError as error:
        raise CheckpointError(f"model.pretrained: {error}") from None
    except Exception as error:  # whatever the library makes of tensors that are another network's
        raise CheckpointError(f"model.pretrained: {arch}: the weights cannot be loaded: {words_of(error)}") from None
    anew = _anew(filled, told, encoder, arch)
    remarks = (f"{called} has no fitting weights for {anew}, which begins anew",) if anew else ()
    left = first_of(_theirs(told["unexpected_keys"]), _NAMED)
    if left:
        remarks = (*remarks, f"of {called} {left} has no place here")
    return filled.train(), Loaded(called, not anew, remarks)


def _anew(module: nn.Module, told: Mapping[str, Any], encoder: str | None, arch: str) -> str:
    """Which tensors begin anew, in words; empty where all have weights.

    Raises:
        CheckpointError: if there are some of the encoder among them.
    """
    missing = sorted(told["missing_keys"])
    shapes = {str(found[0]): (list(found[1]), list(found[2])) for found in told["mismatched_keys"]}
    lost = [key for key in [*missing, *sorted(shapes)] if encoder is None or key.startswith(f"{encoder}.")]
    if lost:
        more = [f"{key} ({shapes[key][0]} there, {shapes[key][1]} here)" if key in shapes else key for key in lost]
        unexpected = first_of(sorted(told["unexpected_keys"]), _NAMED)
        raise CheckpointError(
            f"model.pretrained: the weights do not fit {arch}: missing or of another shape: {first_of(more, _NAMED)}"
            + (f"; not expected: {unexpected}" if unexpected else "")
        )
    own = list(module.state_dict())
    return first_of(sorted({*missing, *shapes}, key=lambda key: own.index(key) if key in own else -1), _NAMED)


def _theirs(keys: Any) -> list[str]:
    """Tensors without a place but those of auxiliary heads, which only a loss of the library's own asks."""
    return sorted(key for key in keys if not key.startswith("auxiliary_head."))


def _beneath(module: nn.Module, state: Mapping[str, Tensor], encoder: str | None) -> Mapping[str, Tensor]:
    """Weights of an encoder alone, by the names that they have in the network."""
    if encoder is None:
        return state
    own = module.get_submodule(encoder).state_dict()
    return {f"{encoder}.{key}": tensor for key, tensor in state.items()} if own.keys() <= state.keys() else state


def _state(source: Source, wanted: bool | str | Path) -> tuple[str, Mapping[str, Tensor]]:
    if wanted is True:
        if source.folder is None:
            raise CheckpointError(
                f"hf:{source.name} is a configuration without weights; give hf:owner/name, a folder, or the path of weights"
            )
        return source.name, _of_folder(source.folder)
    path = Path(str(wanted)).expanduser()
    if path.is_dir():
        return str(wanted), _of_folder(path)
    return str(wanted), read_state(find_weights_file(str(wanted)))


def _of_folder(folder: Path) -> Mapping[str, Tensor]:
    """All tensors of a folder's safetensors files.

    Raises:
        CheckpointError: if it has none.
    """
    if (folder / WEIGHTS).is_file():
        return read_state(folder / WEIGHTS)
    if (folder / WEIGHTS_INDEX).is_file():
        places = read_json(folder / WEIGHTS_INDEX).get("weight_map")
        if not isinstance(places, dict):
            raise CheckpointError(f"{str(folder / WEIGHTS_INDEX)!r} has no weight_map")
        files = sorted({Path(str(name)).name for name in places.values()})
        return {key: tensor for file in files for key, tensor in read_state(folder / file).items()}
    pickled = sorted(path.name for path in folder.glob("*.bin"))
    if pickled:
        raise CheckpointError(
            f"{str(folder)!r} holds its weights only as {pickled[0]}, a pickle, and not as {WEIGHTS}; where you trust it, "
            "load it once and save_pretrained() it anew"
        )
    raise CheckpointError(f"{str(folder)!r} holds no {WEIGHTS}")
