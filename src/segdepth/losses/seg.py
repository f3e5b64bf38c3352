"""Losses of class logits against train ids."""

from functools import lru_cache
from typing import Annotated

import torch
from jaxtyping import Bool, Float, Int64
from pydantic import Field
from torch import Tensor

from segdepth.core.errors import InputError

from .sizes import at_size

__all__ = ["bootstrapped_cross_entropy", "cross_entropy"]

#: The ancestors' mark for "not labelled"; read as such wherever it cannot be a class.
_OLD_IGNORE = 250


def cross_entropy(
    prediction: Float[Tensor, "b c _h _w"],
    target: Int64[Tensor, "b h w"],
    *,
    ignore_index: int = 255,
    weight: list[Annotated[float, Field(ge=0)]] | None = None,
    size_average: bool = True,
) -> Float[Tensor, ""]:
    """Mean of ``-log softmax(logits)[label]`` over the labelled pixels, weighted by class if asked.

    Args:
        prediction: logits; resized bilinearly if they have another size than ``target``.
        target: train ids, 0..c-1; ``ignore_index``, and 250 where it is no class, = not labelled.
        ignore_index: the value that marks a pixel without label.
        weight: one factor per class, in the order of the train ids; None = all 1.
        size_average: divide by the sum of the labelled pixels' weights; otherwise the plain sum.

    Returns:
        Nats; 0 with a graph when nothing is labelled.

    Raises:
        InputError: if there is not one weight for each class, or (checked on the CPU only, because a check on
            the GPU would wait for it) if a label is neither a class nor ignored.

    Example:
        >>> cross_entropy(torch.zeros(1, 2, 1, 2), torch.tensor([[[1, 255]]]))
        tensor(0.6931)
    """
    losses, labels = _pixel_losses(prediction, target, ignore_index, weight)
    if not size_average:
        return losses.sum()
    labelled = labels != ignore_index
    if weight is None:
        return losses.sum() / labelled.sum().clamp(min=1)
    weights = _weights(tuple(weight), losses.dtype, losses.device)
    total = (weights[labels.where(labelled, 0)] * labelled).sum()
    return losses.sum() / torch.where(total > 0, total, 1)


def bootstrapped_cross_entropy(
    prediction: Float[Tensor, "b c _h _w"],
    target: Int64[Tensor, "b h w"],
    *,
    K: Annotated[int, Field(ge=1)] = 16384,
    ignore_index: int = 255,
    weight: list[Annotated[float, Field(ge=0)]] | None = None,
    size_average: bool = True,
    labelled_only: bool = False,
) -> Float[Tensor, ""]:
    """Cross entropy of the ``K`` pixels of each image that are hardest at the moment.

    For each image, the sum of its ``K`` largest pixel losses over ``K``; then the mean over the images.

    Args:
        prediction: logits; resized bilinearly if they have another size than ``target``.
        target: train ids, 0..c-1; ``ignore_index``, and 250 where it is no class, = not labelled.
        K: pixels per image; all of them if the image has fewer. The default is an eighth of a 256x512
            picture.
        ignore_index: the value that marks a pixel without label.
        weight: one factor per class, in the order of the train ids; None = all 1.
        size_average: as said; otherwise the plain sum over the hardest pixels of all images.
        labelled_only: divide by the number of labelled pixels among the ``K``, and leave out images without a
            label. Otherwise a pixel without label counts as one without loss, and few labels make a small
            loss.

    Returns:
        Nats; 0 with a graph when nothing is labelled.

    Raises:
        InputError: as :func:`cross_entropy`.

    Source:
        Wu, Shen and van den Hengel 2016, arXiv:1605.06885; with a fixed number of pixels: Pohlen et al. 2017,
        arXiv:1611.08323.
    """
    losses, labels = _pixel_losses(prediction, target, ignore_index, weight)
    pixels = min(K, labels[0].numel())
    hardest = losses.flatten(1).topk(pixels, dim=1, sorted=False).values.sum(1)
    if not size_average:
        return hardest.sum()
    if not labelled_only:
        return (hardest / pixels).mean()
    labelled = (labels != ignore_index).flatten(1).sum(1).clamp(max=pixels)
    return (hardest / labelled.clamp(min=1)).sum() / (labelled > 0).sum().clamp(min=1)


def _pixel_losses(
    prediction: Float[Tensor, "b c _h _w"],
    target: Int64[Tensor, "b h w"],
    ignore: int,
    weight: list[float] | None,
) -> tuple[Float[Tensor, "b h w"], Int64[Tensor, "b h w"]]:
    """The (weighted) loss of each pixel, 0 without a label; and the labels, ``ignore`` where none is."""
    logits = at_size(prediction, *target.shape[-2:])
    classes = logits.shape[1]
    if classes <= _OLD_IGNORE:
        target = target.masked_fill(target == _OLD_IGNORE, ignore)
    if target.device.type == "cpu":
        _check_labels(target, (target >= 0) & (target < classes) | (target == ignore), classes, ignore)
    weights = None
    if weight is not None:
        if len(weight) != classes:
            raise InputError(f"the loss has {len(weight)} class weights but the network has {classes} classes")
        weights = _weights(tuple(weight), logits.dtype, logits.device)
    labelled = target != ignore
    labels = target.where(labelled, 0)
    # not F.cross_entropy, which has no deterministic form on a GPU (as of torch 2.13)
    losses = -logits.log_softmax(1).gather(1, labels[:, None])[:, 0]
    if weights is not None:
        losses = losses * weights[labels]
    return losses.masked_fill(~labelled, 0), target


def _check_labels(target: Int64[Tensor, "b h w"], known: Bool[Tensor, "b h w"], classes: int, ignore: int) -> None:
    if not known.all():
        wrong = target[~known][0].item()
        raise InputError(f"label {wrong} in the truth: train ids must be 0..{classes - 1}, or {ignore} for none")


@lru_cache(maxsize=8)
def _weights(weight: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Float[Tensor, " c"]:
    """The class weights on the device; kept, because sending them there makes the host wait."""
    with torch.inference_mode(mode=False):  # else weights first met in a validation could not be trained with
        return torch.tensor(weight, dtype=dtype, device=device)
