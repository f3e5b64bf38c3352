"""Reduced channel counts, for laptops and demonstrations."""

from typing import Annotated

from pydantic import Field

from segdepth.core.errors import ConfigError

__all__ = ["Width", "scale_channels"]

#: A network's option: multiplies every channel count.
Width = Annotated[float, Field(gt=0, le=4, strict=True)]


def scale_channels(channels: int, width: float) -> int:
    """``channels`` times ``width``, rounded to a multiple of 8 (what vector units like) and at least 8.

    Raises:
        ConfigError: if ``width`` is not in (0, 4].

    Example:
        >>> scale_channels(64, 0.25), scale_channels(64, 1.0)
        (16, 64)
    """
    if not 0 < width <= 4:
        raise ConfigError(f"model option width is {width}; it multiplies every channel count and must be in (0, 4]")
    return channels if width == 1 else max(8, round(channels * width / 8) * 8)
