"""A checkpoint as the verbs want it: on the device, checked against what the user said about it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segdepth.core.errors import CheckpointError, ConfigError, InputError

if TYPE_CHECKING:
    import torch

    from segdepth.config import Config
    from segdepth.networks import Network

__all__ = ["find_configuration", "input_size", "load_checked", "resolve_device"]


def resolve_device(name: str) -> "torch.device":
    """The device of a name; "auto" is CUDA or MPS where there is one.

    Raises:
        InputError: if there is no such device on this machine.
    """
    import torch

    from segdepth.networks import usable_device

    if name == "auto":
        accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return accelerator or torch.device("cpu")
    try:
        return usable_device(name)
    except InputError as error:
        raise InputError(f"--device: {error}, or 'auto'") from None


def load_checked(
    checkpoint: Path, device: str, *, model_name: str | None = None, task: str | None = None,
    height: int | None = None, width: int | None = None,
) -> "Network":  # fmt: skip
    """Load a network and compare its card with what the user said.

    Raises:
        CheckpointError: if the checkpoint is another network, task or size than said.
    """
    from segdepth.networks import load_network, resolve_arch

    net = load_network(checkpoint, resolve_device(device))
    card = net.card
    if model_name is not None:
        arch, implied = resolve_arch(model_name)
        if arch != card.arch or any(card.options.get(key) != value for key, value in implied.items()):
            raise CheckpointError(
                f"--model_name is {model_name!r}, but {str(checkpoint)!r} holds {card.arch!r} {card.options}"
            )
    if task is not None and task != card.task:
        raise CheckpointError(f"--task is {task!r}, but {str(checkpoint)!r} was trained for {card.task!r}")
    if card.input_size is not None:
        for flag, said, known in (
            ("--height", height, card.input_size[0]),
            ("--width", width, card.input_size[1]),
        ):
            if said is not None and said != known:
                raise CheckpointError(
                    f"{flag} is {said}, but {str(checkpoint)!r} was trained at {card.input_size[0]}x{card.input_size[1]}"
                )
    elif height is not None and width is not None:
        net.card = card.model_copy(update={"input_size": (height, width)})
    return net


def input_size(net: "Network", checkpoint: Path, config: "Config | None") -> tuple[int, int]:
    """Rows and columns of a network's input.

    Raises:
        ConfigError: if neither its card nor the configuration says it.
    """
    size = net.card.input_size or (None if config is None else (config.data.img_rows, config.data.img_cols))
    if size is None:
        raise ConfigError(f"{str(checkpoint)!r} does not know its input size: give --height and --width")
    return size


def find_configuration(
    config: Path | None, checkpoint: Path | None, predictions: Path | None, overrides: Sequence[str]
) -> "Config | None":
    """The configuration of a file, or else the checkpoint's own; None where there are only predictions.

    Raises:
        ConfigError: if there is neither, or a value is wrong.
    """
    from segdepth.config import apply_overrides, check_config, load_config
    from segdepth.networks import find_weights, read_card

    if config is not None:
        return load_config(config, overrides)
    if checkpoint is None:
        if predictions is None:
            raise ConfigError("name a checkpoint (--checkpoint) or a configuration (--config)")
        return None
    path = find_weights(checkpoint)
    stored = read_card(path).config
    if stored is None:
        if overrides:
            raise ConfigError(f"{str(path)!r} does not know its configuration; name one with --config")
        return None
    return check_config(apply_overrides(stored, overrides), where=f"configuration in {path}")
