"""Everything that a stopped run needs to go on, in one file that loads without executing code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from segdepth.core.errors import CheckpointError, reason
from segdepth.core.files import replacing
from segdepth.networks import Network

__all__ = ["TrainingState", "load_training_state", "save_training_state"]


@dataclass
class TrainingState:
    """Where a run is.

    Attributes:
        step: updates done.
        best: the best value so far of the score that keeps a checkpoint.
    """

    step: int = 0
    best: float | None = None


def save_training_state(path: Path, state: TrainingState, net: Network, optimizer: Optimizer) -> None:
    """Write network, optimizer and position, whole or not at all.

    Data order and random draws are functions of the seed and the step, so there is no random state to keep.
    """
    content = {
        "card": net.card.model_dump_json(),
        "model_state": net.state_dict(),
        "optimizer_state": optimizer.state_dict(),
        "step": state.step,
        "best": state.best,
    }
    with replacing(path) as temporary:
        torch.save(content, temporary)


def load_training_state(path: Path, net: Network, optimizer: Optimizer) -> TrainingState:
    """Load network and optimizer in place; the position is returned.

    Raises:
        CheckpointError: if the file is missing, truncated or foreign, or holds another network.
    """
    if not path.is_file():
        raise CheckpointError(f"training.resume: there is no {str(path)!r}; name a run folder or its last.pt")
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        net.load_state_dict(content["model_state"])
        optimizer.load_state_dict(content["optimizer_state"])
        return TrainingState(content["step"], content["best"])
    except KeyError as error:
        raise CheckpointError(f"training.resume: {str(path)!r} is no checkpoint of a run (it has no {error})") from None
    except Exception as error:  # torch raises half a dozen kinds for a broken or unfitting file
        raise CheckpointError(
            f"training.resume: {str(path)!r} is truncated or does not fit this configuration ({reason(error)})"
        ) from None
