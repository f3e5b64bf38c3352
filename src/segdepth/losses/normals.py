"""Losses of surface normals."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from .sizes import at_size

__all__ = ["cosine_loss"]


def cosine_loss(prediction: Float[Tensor, "b 3 _h _w"], target: Float[Tensor, "b 3 h w"]) -> Float[Tensor, ""]:
    """One minus the cosine of the angle between prediction and truth, averaged over the pixels whose normal is known.

    Args:
        prediction: vectors of any length; resized bilinearly if they have another size than ``target``.
        target: unit vectors; (0, 0, 0) = not known.

    Returns:
        0 to 2; 0 with a graph when nothing is known.

    Source:
        Eigen and Fergus 2015, arXiv:1411.4734, section 4.2.

    Example:
        >>> import torch
        >>> up = torch.tensor([0.0, -1.0, 0.0]).view(1, 3, 1, 1)
        >>> right = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
        >>> cosine_loss(3 * up, up), cosine_loss(right, up)
        (tensor(0.), tensor(1.))
    """
    prediction = at_size(prediction, *target.shape[-2:])
    known = target.ne(0).any(1)
    cosine = F.cosine_similarity(prediction, target.to(prediction.dtype), dim=1)
    return ((1 - cosine) * known).sum() / known.sum().clamp(min=1)
