"""A checkpoint as the verbs want it: on the device, checked against what the user said about it."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segdepth.core.errors import CheckpointError, ConfigError, InputError

if TYPE_CHECKING:
    import torch

    from segdepth.config import Config
    from segdepth.data import Dataset
    from segdepth.networks import Network
    from segdepth.tasks import Origin

__all__ = ["allowed_code", "find_configuration", "input_size", "load_checked", "resolve_device"]


def resolve_device(name: str) -> "torch.device":
    """The device of a name; "auto" is CUDA or MPS where there is one.

    Raises:
        InputError: if there is no such device on this machine.
    """
    from segdepth.networks import device_of

    try:
        return device_of(name)
    except InputError as error:
        raise InputError(f"--device: {error}, or 'auto'") from None


def allowed_code(addresses: Collection[str] | None) -> tuple[str, ...]:
    """What ``--allow-code`` names.

    Raises:
        InputError: if one is no address of code.
    """
    for address in addresses or ():
        library, _, name = address.partition(":")
        if library != "python" or not all(name.partition(":")):
            raise InputError(f"--allow-code {address!r} must look like python:package.module:factory")
    return tuple(addresses or ())


def load_checked(
    origin: "Origin", device: str, *, allow: Collection[str] | None = None, model_name: str | None = None,
    task: str | None = None, likely: str | None = None, height: int | None = None, width: int | None = None,
    data: "Callable[[str], Dataset | None]" = lambda _: None,
) -> "Network":  # fmt: skip
    """Load a network and compare its card with what the user said.

    Args:
        origin: of the network.
        device: where it shall live.
        allow: what ``--allow-code`` names.
        model_name: that the user said.
        task: that the user said.
        likely: the task of a network without a card, where the user said none.
        height: that the user said.
        width: that the user said.
        data: gives, for a task, what the network will be asked about; called only where the network has no classes of its own.

    Raises:
        CheckpointError: if the checkpoint is another network, task or size than said, or names code that is not allowed.
        InputError: if rows are said, but no columns, of one that takes any size, or the other way round.
        SegdepthError: if there is no such network.
    """
    from segdepth.networks import resolve_arch
    from segdepth.tasks import Asked

    where = resolve_device(device)
    net = origin.network(Asked(task or likely, data, allowed_code(allow))).to(where)
    card, checkpoint = net.card, origin.words
    if model_name is not None:
        arch, implied = resolve_arch(model_name)
        if arch != card.arch or any(card.options.get(key) != value for key, value in implied.items()):
            raise CheckpointError(
                f"--model_name is {model_name!r}, but {checkpoint!r} holds {card.arch!r} {card.options}"
            )
    if task is not None and task != card.task:
        raise CheckpointError(f"--task is {task!r}, but {checkpoint!r} was trained for {card.task!r}")
    if card.input_size is not None:
        for flag, said, known in (
            ("--height", height, card.input_size[0]),
            ("--width", width, card.input_size[1]),
        ):
            if said is not None and said != known:
                raise CheckpointError(
                    f"{flag} is {said}, but {checkpoint!r} was trained at {card.input_size[0]}x{card.input_size[1]}"
                )
    elif height is not None and width is not None:
        net.card = card.model_copy(update={"input_size": (height, width)})
    elif height is not None or width is not None:
        raise InputError(f"{checkpoint!r} takes pictures of any size: give both --height and --width")
    return net


def input_size(net: "Network", origin: "Origin", config: "Config | None") -> tuple[int, int]:
    """Rows and columns of a network's input.

    Raises:
        ConfigError: if neither its card nor the configuration says it.
    """
    size = net.card.input_size or (None if config is None else (config.data.img_rows, config.data.img_cols))
    if size is None:
        raise ConfigError(f"{origin.words!r} does not know its input size: give --height and --width")
    return size


def find_configuration(
    config: Path | None, origin: "Origin | None", predictions: Path | None, overrides: Sequence[str]
) -> "Config | None":
    """The configuration of a file, or else the checkpoint's own; None where there are only predictions, or it has none.

    Raises:
        ConfigError: if there is neither, or a value is wrong.
    """
    from segdepth.config import RECORDED, apply_overrides, check_config, load_config

    if config is not None:
        return load_config(config, overrides)
    if origin is None:
        if predictions is None:
            raise ConfigError("name a checkpoint (--checkpoint) or a configuration (--config)")
        return None
    stored = origin.card.config if origin.card else None
    if stored is None:
        if overrides:
            raise ConfigError(f"{origin.source!r} does not know its configuration; name one with --config")
        return None
    values = apply_overrides(stored, overrides)
    return check_config(values, where=f"configuration in {origin.source}", unchecked=RECORDED)
