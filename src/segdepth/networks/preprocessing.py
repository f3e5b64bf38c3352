"""From 8-bit RGB to the range that a network's weights want. Named, and stored with the weights."""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from segdepth.core.tables import pick

__all__ = ["PREPROCESSINGS", "Normalisation", "Preprocessing"]


class Normalisation(NamedTuple):
    """``(x / 255 - mean) / std`` of the channels in the given order."""

    order: Literal["RGB", "BGR"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


PREPROCESSINGS: dict[str, Normalisation] = {
    # what torchvision's VGG and ResNet weights were trained with
    "imagenet": Normalisation("RGB", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # what the ancestor fed its segmentation networks: BGR in [0, 1]
    "reference_seg": Normalisation("BGR", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    # what the ancestor fed its depth networks: RGB in [-1, 1]
    "reference_depth": Normalisation("RGB", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


class Preprocessing(nn.Module):
    """A named preprocessing that follows its network to any device.

    Args:
        name: a key of :data:`PREPROCESSINGS`.

    Raises:
        ConfigError: if there is no preprocessing of that name.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        normalisation = pick(PREPROCESSINGS, name, kind="preprocessing")
        self.flip = normalisation.order == "BGR"
        # x / 255 and the normalisation in one multiplication and one addition
        mean, std = (torch.tensor(v, dtype=torch.float64).view(1, 3, 1, 1) for v in normalisation[1:])
        self.register_buffer("scale", (1 / (255 * std)).float(), persistent=False)
        self.register_buffer("shift", (-mean / std).float(), persistent=False)
        self.scale: Tensor
        self.shift: Tensor

    def forward(self, image: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The network's input for 8-bit RGB pictures."""
        x = image.to(self.scale.dtype)
        if self.flip:
            x = x.flip(1)
        return x * self.scale + self.shift
