"""The windows in which depth is scored and saliency is measured. One place only."""

from collections.abc import Mapping
from types import MappingProxyType

from segdepth.core.errors import InputError
from segdepth.core.tables import pick

__all__ = ["CROPS", "crop_window"]

#: First row, end row, first column, end column, as fractions of the height and of the width.
#: ``garg``: Garg et al. 2016, arXiv:1603.04992. ``eigen``: Eigen et al. 2014, arXiv:1406.2283, on KITTI.
#: ``nyu``: the same authors on NYU, 45:471 and 41:601 of 480x640. ``cityscapes``: without the car's bonnet
#: and the borders that stereo cannot see.
CROPS: Mapping[str, tuple[float, float, float, float]] = MappingProxyType(
    {
        "none": (0.0, 1.0, 0.0, 1.0),
        "garg": (0.40810811, 0.99189189, 0.03594771, 0.96405229),
        "eigen": (0.3324324, 0.91351351, 0.0359477, 0.96405229),
        "cityscapes": (0.05, 0.80, 0.05, 0.99),
        "nyu": (45 / 480, 471 / 480, 41 / 640, 601 / 640),
    }
)


def crop_window(name: str, height: int, width: int) -> tuple[slice, slice]:
    """The rows and the columns of a named window, ready to index ``[..., rows, columns]``.

    Args:
        name: one of :data:`CROPS`.
        height: rows of the picture, pixels.
        width: columns of the picture, pixels.

    Returns:
        Rows and columns; the start is included, the end is not, both are the fraction's product rounded down.

    Raises:
        ConfigError: if there is no window of that name.
        InputError: if the picture is too small for the window to hold a pixel.

    Example:
        >>> crop_window("garg", 256, 832)
        (slice(104, 253, None), slice(29, 802, None))
    """
    top, bottom, left, right = pick(CROPS, name, kind="crop")
    rows = slice(int(top * height), int(bottom * height))
    columns = slice(int(left * width), int(right * width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        raise InputError(
            f"the crop {name!r} of a {height}x{width} picture has no pixel: use a larger one or crop 'none'"
        )
    return rows, columns
