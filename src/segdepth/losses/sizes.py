"""Bring a prediction to the target's size and to a precision in which sums over pixels are safe."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["at_size"]


def at_size(prediction: Float[Tensor, "b c _h _w"], height: int, width: int) -> Float[Tensor, "b c h w"]:
    """The prediction in at least single precision, at the target's size.

    Where its size differs it is resized bilinearly, corners not aligned.

    Args:
        prediction: logits or metres, any floating type (half precision under autocast).
        height: rows of the target.
        width: columns of the target.
    """
    prediction = prediction.to(torch.promote_types(prediction.dtype, torch.float32))
    if prediction.shape[-2:] == (height, width):
        return prediction
    return F.interpolate(prediction, size=(height, width), mode="bilinear", align_corners=False)
