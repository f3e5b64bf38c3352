"""From 8-bit RGB to the range that a network's weights want: plain data that is stored with the weights."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import torch
from jaxtyping import Float, UInt8
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from torch import Tensor, nn

from segdepth.core.errors import ConfigError
from segdepth.core.tables import pick

__all__ = ["PREPROCESSINGS", "NamedNormalisation", "Normalisation", "Preprocessing", "normalisation_of"]

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Normalisation(BaseModel):
    """``(x / scale - mean) / std`` of the channels in the given order, ``x`` in 0..255.

    Attributes:
        mean: of each channel, in units of ``scale``.
        std: of each channel, in these units.
        order: of the channels.
        scale: 255 for networks that want 0..1 before mean and deviation; 1 leaves 0..255.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: tuple[Finite, Finite, Finite] = (0.0, 0.0, 0.0)
    std: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)
    order: Literal["RGB", "BGR"] = "RGB"
    scale: Positive = 255.0


PREPROCESSINGS: Mapping[str, Normalisation] = MappingProxyType(
    {
        # what torchvision's VGG and ResNet weights were trained with
        "imagenet": Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        # what the ancestor fed its segmentation networks: BGR in [0, 1]
        "reference_seg": Normalisation(order="BGR"),
        # what the ancestor fed its depth networks: RGB in [-1, 1]
        "reference_depth": Normalisation(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    }
)


def normalisation_of(said: str | Normalisation) -> Normalisation:
    """A normalisation by its name in :data:`PREPROCESSINGS`, or itself.

    Raises:
        ConfigError: if there is none of that name.
    """
    return pick(PREPROCESSINGS, said, kind="preprocessing") if isinstance(said, str) else said


def _named(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return normalisation_of(value)
    except ConfigError as error:
        raise ValueError(str(error)) from None


#: A field that takes a name of the table, too, as cards of the first form and configurations do.
NamedNormalisation = Annotated[Normalisation, BeforeValidator(_named)]


class Preprocessing(nn.Module):
    """A normalisation that follows its network to any device.

    Args:
        normalisation: or its name in :data:`PREPROCESSINGS`.

    Raises:
        ConfigError: if there is no preprocessing of that name.
    """

    def __init__(self, normalisation: str | Normalisation) -> None:
        super().__init__()
        self.normalisation = normalisation_of(normalisation)
        self.flip = self.normalisation.order == "BGR"
        # x / scale and the normalisation in one multiplication and one addition
        mean, std = (
            torch.tensor(v, dtype=torch.float64).view(1, 3, 1, 1)
            for v in (self.normalisation.mean, self.normalisation.std)
        )
        self.register_buffer("scale", (1 / (self.normalisation.scale * std)).float(), persistent=False)
        self.register_buffer("shift", (-mean / std).float(), persistent=False)
        self.scale: Tensor
        self.shift: Tensor

    def forward(self, image: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The network's input for 8-bit RGB pictures."""
        x = image.to(self.scale.dtype)
        if self.flip:
            x = x.flip(1)
        return x * self.scale + self.shift
