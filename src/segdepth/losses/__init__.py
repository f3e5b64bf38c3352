"""What training makes small: one number, on the device, from a network's output and the truth.

A loss is a function ``loss(prediction, target, *, option=default, ...)``; its options are the config's. It is
finite whatever stands at a pixel without truth, it is 0 with a graph when no pixel has one, and it never
waits for the GPU.
"""

from collections.abc import Callable, Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor

from segdepth.core.tables import OpenTable, require_readable_options
from segdepth.kinds import KINDS, by_kind

from .depth import berhu_loss, huber_loss, l1_loss, scale_invariant_loss
from .normals import cosine_loss
from .seg import bootstrapped_cross_entropy, cross_entropy

__all__ = [
    "LOSSES",
    "Loss",
    "berhu_loss",
    "bootstrapped_cross_entropy",
    "cosine_loss",
    "cross_entropy",
    "huber_loss",
    "l1_loss",
    "losses_for",
    "register_loss",
    "scale_invariant_loss",
]

Loss = Callable[..., Float[Tensor, ""]]


def _checked(given: Any) -> dict[str, Loss]:
    found = by_kind(given, KINDS, "a function loss(prediction, target, *, option=default, ...)", callable)
    for function in found.values():
        require_readable_options(function)
    return found


#: The losses by name, then by the target that they read (a kind of truth).
LOSSES: OpenTable[Mapping[str, Loss]] = OpenTable(
    {
        "cross_entropy": {"labels": cross_entropy},
        "bootstrapped_cross_entropy": {"labels": bootstrapped_cross_entropy},
        "l1_loss": {"depth": l1_loss},
        "berhu_loss": {"depth": berhu_loss},
        "huber_loss": {"depth": huber_loss},
        "scale_invariant_loss": {"depth": scale_invariant_loss},
        "cosine_loss": {"normals": cosine_loss},
    },
    kind="loss",
    group="segdepth.losses",
    checked=_checked,
)


def losses_for(kind: str) -> dict[str, Loss]:
    """The losses that read a kind of truth, by name: ours, and those registered in this process."""
    return {name: losses[kind] for name, losses in LOSSES.items() if kind in losses}


def register_loss(name: str, function: Loss, kind: str) -> None:
    """Let ``training.loss.name`` know a loss by a name, in this process.

    A package does the same for all processes with an entry point of the group ``segdepth.losses`` that holds
    ``{kind: function}``.

    Args:
        name: not one of ours.
        function: ``loss(prediction, target, *, option=default, ...)``: one number from the network's output ``[b, c, h, w]`` and
            the truth. It is to be finite whatever stands at a pixel without truth, and 0 with a graph where no pixel has one.
            Its options are the configuration's, and are checked by their types.
        kind: of truth that it reads: "labels", "depth" or "normals".

    Raises:
        ConfigError: if the name cannot be one, there is no such kind, or it is no function whose options can be read.

    Example::

        def squared(prediction, target, *, weight: float = 1.0):
            known = target[:, None] > 0
            errors = torch.where(known, prediction - target[:, None], 0)
            return weight * errors.square().sum() / known.sum().clamp(min=1)

        segdepth.register_loss("squared", squared, "depth")
    """
    LOSSES.register(name, {kind: function})
