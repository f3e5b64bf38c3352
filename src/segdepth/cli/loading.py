"""A checkpoint as the verbs want it: on the device, checked against what the user said about it."""

from pathlib import Path
from typing import TYPE_CHECKING

from segdepth.core.errors import CheckpointError, InputError

if TYPE_CHECKING:
    import torch

    from segdepth.networks import Network

__all__ = ["load_checked", "resolve_device"]


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
