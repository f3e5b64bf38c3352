"""What cannot be explained is refused before anything is computed."""

import logging

import torch
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.geometry.crops import crop_window

from .graph import Box

__all__ = ["Crop", "check_image", "window_of"]

log = logging.getLogger(__name__)

#: Channels of our networks' pictures.
COLOURS = 3

#: A window of the picture: its name (see ``segdepth.geometry.crops``), or rows and columns; None: all of it.
Crop = str | tuple[slice, slice] | None


def check_image(net: nn.Module, image: Tensor) -> None:
    """Refuse what is no picture; a picture of another size than the network was trained at is a warning.

    Raises:
        InputError: with what it is and what would be right.
    """
    if not isinstance(image, Tensor):
        raise InputError(
            f"the picture is a {type(image).__name__}; give a tensor [channels, rows, columns] of what the network takes"
        )
    if image.dim() == 3 and not image.numel():
        raise InputError(f"the picture {list(image.shape)} has no pixel")
    if image.dim() != 3:
        raise InputError(f"the picture has the shape {list(image.shape)}; give one picture [channels, rows, columns]")
    card = getattr(net, "card", None)
    if card is not None and len(image) != COLOURS:
        raise InputError(f"the picture has {len(image)} channels; the network sees {COLOURS} (RGB)")
    if not image.is_floating_point():
        raise InputError(
            f"the picture is {image.dtype}; give real numbers in the network's input range, as its preprocessing makes them"
        )
    if not torch.isfinite(image).all():
        raise InputError("the picture holds values that are not finite")
    trained = getattr(card, "input_size", None)
    if trained is not None and tuple(trained) != tuple(image.shape[-2:]):
        log.warning(
            "saliency: the picture is %dx%d, but the network was trained at %dx%d",
            *image.shape[-2:],
            *trained,
        )


def window_of(crop: Crop, height: int, width: int) -> Box:
    """Rows and columns of a window of a picture.

    Raises:
        InputError: if it has no pixel, is beyond the picture, or has a step.
        ConfigError: if there is no window of that name.
    """
    rows, columns = crop_window(crop, height, width) if isinstance(crop, str) else _slices(crop)
    for span, size, what in ((rows, height, "rows"), (columns, width, "columns")):
        if any(edge is not None and not -size <= edge <= size for edge in (span.start, span.stop)):
            raise InputError(f"crop {(rows, columns)} is beyond the {height}x{width} picture: it has {size} {what}")
    (top, bottom, row_step), (left, right, column_step) = rows.indices(height), columns.indices(width)
    if (row_step, column_step) != (1, 1) or top >= bottom or left >= right:
        raise InputError(f"crop {(rows, columns)} has no pixel of the {height}x{width} picture, or has a step")
    return (top, bottom), (left, right)


def _slices(crop: tuple[slice, slice] | None) -> tuple[slice, slice]:
    if crop is None:
        return slice(None), slice(None)
    if not isinstance(crop, tuple) or len(crop) != 2 or not all(isinstance(span, slice) for span in crop):
        raise InputError(f"crop {crop!r} is none: give a name, or (slice(top, bottom), slice(left, right))")
    return crop
