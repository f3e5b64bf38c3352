"""What training makes small: one number, on the device, from a network's output and the truth.

A loss is a function ``loss(prediction, target, *, option=default, ...)``; its options are the config's. It is
finite whatever stands at a pixel without truth, it is 0 with a graph when no pixel has one, and it never
waits for the GPU.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

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
    "scale_invariant_loss",
]

Loss = Callable[..., Float[Tensor, ""]]

#: The losses by the target that they read (a kind of truth), then by name.
LOSSES: dict[str, dict[str, Loss]] = {
    "labels": {
        "cross_entropy": cross_entropy,
        "bootstrapped_cross_entropy": bootstrapped_cross_entropy,
    },
    "depth": {
        "l1_loss": l1_loss,
        "berhu_loss": berhu_loss,
        "huber_loss": huber_loss,
        "scale_invariant_loss": scale_invariant_loss,
    },
    "normals": {
        "cosine_loss": cosine_loss,
    },
}
