"""Augmentations: random changes of a sample that act alike on picture and truths.

Every function here takes a sample at its own size, a generator that all its randomness comes from, and its
parameter, and gives a new sample; the old one is left as it was.

- The picture is resampled bilinearly, truths by copying the nearest pixel; what is a direction turns with the picture.
- What is uncovered has no truth: its kind's void value (labels 255, depth 0). What had none still has none.
- Colour changes leave truths alone.
- **Zooms leave metric depth alone**, all but one. Scaling a picture is what a longer focal length does, and a longer
  focal length does not move the scene: the sample's ``focal_px`` changes, its metres do not. :func:`rscale` is the
  exception, as in the papers: there the camera stays as it is and comes nearer, so depth is divided and ``focal_px`` stays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any

import cv2
import numpy as np
from jaxtyping import Float, Float64, Shaped, UInt8
from numpy import ndarray
from pydantic import AfterValidator, BeforeValidator, Field

from segdepth.core.tables import pick
from segdepth.geometry import resize_image, resize_nearest
from segdepth.kinds import KINDS

from .sample import Sample

__all__ = ["AUGMENTATIONS", "augment"]

Strength = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
HueShare = Annotated[float, Field(ge=0, le=0.5)]
Degrees = Annotated[float, Field(ge=0, le=180)]


def _pair(form: str, of: str = "whole numbers") -> BeforeValidator:
    """A check that says what a pair looks like; its two numbers are checked by their own."""

    def check(value: Any) -> Any:
        if isinstance(value, str) or not (isinstance(value, Sequence) and len(value) == 2):
            raise ValueError(f"must be two {of} {form}")
        return value

    return BeforeValidator(check)


Size = Annotated[tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]], _pair("[h, w]")]


def _rising(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError("must be [low, high], the lower factor first")
    return value


Shift = Annotated[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], _pair("[dh, dw]")]
_Zoom = Annotated[float, Field(ge=0.1, le=10)]
Zooms = Annotated[tuple[_Zoom, _Zoom], _pair("[low, high]", of="factors"), AfterValidator(_rising)]

Rng = np.random.Generator

_VALUES = np.arange(256.0)


def augment(sample: Sample, parameters: Mapping[str, Any], rng: Rng) -> Sample:
    """The sample after a row of augmentations.

    Args:
        sample: picture and truth at their own size; left unchanged.
        parameters: name of an augmentation (see :data:`AUGMENTATIONS`) -> its parameter; applied in this
        order.
        rng: source of all randomness.

    Raises:
        ConfigError: if there is no augmentation of a name.

    Example:
        >>> sample = Sample(np.zeros((4, 6, 3), np.uint8), "a")
        >>> augment(sample, {"hflip": 0.5, "rcrop": (2, 3)}, np.random.default_rng(0)).image.shape
        (2, 3, 3)
    """
    for name, parameter in parameters.items():
        sample = pick(AUGMENTATIONS, name, kind="augmentation")(sample, rng, parameter)
    return sample


def gamma(sample: Sample, rng: Rng, parameter: Strength) -> Sample:
    """Darken: ``255 (v / 255) ** g`` with ``g`` drawn from 1 to ``1 + parameter``."""
    exponent = rng.uniform(1, 1 + parameter)
    return _by_value(sample, 255 * (_VALUES / 255) ** exponent)


def hue(sample: Sample, rng: Rng, parameter: HueShare) -> Sample:
    """Turn the colour circle by a share drawn from ``-parameter`` to ``parameter`` (0.5 is half a turn)."""
    degrees = 360 * rng.uniform(-parameter, parameter)
    # In float: hue, saturation and value of 8 bits each would be off by up to 7 levels on the way back.
    hsv = cv2.cvtColor(sample.image.astype(np.float32), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + degrees) % 360
    return replace(sample, image=_to_uint8(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)))


def brightness(sample: Sample, rng: Rng, parameter: Strength) -> Sample:
    """Multiply by a factor drawn from ``1 - parameter`` to ``1 + parameter``, at least 0."""
    return _by_value(sample, _factor(rng, parameter) * _VALUES)


def saturation(sample: Sample, rng: Rng, parameter: Strength) -> Sample:
    """Blend with the grey picture by a factor from ``1 - parameter`` (0 at least) to ``1 + parameter``."""
    factor = _factor(rng, parameter)
    grey = cv2.cvtColor(cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return replace(sample, image=np.asarray(cv2.addWeighted(sample.image, factor, grey, 1 - factor, 0)))


def contrast(sample: Sample, rng: Rng, parameter: Strength) -> Sample:
    """Move values from (or to) the mean grey by a factor as of :func:`saturation`."""
    mean = cv2.mean(cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY))[0]
    return _by_value(sample, mean + _factor(rng, parameter) * (_VALUES - mean))


def rcrop(sample: Sample, rng: Rng, parameter: Size) -> Sample:
    """Cut out a window of (rows, columns) at a random place.

    A sample that is smaller than the window, in either direction, is resized to it instead.
    """
    height, width = sample.image.shape[:2]
    rows, columns = parameter
    if height < rows or width < columns:
        return scale(sample, rng, parameter)
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    return _cut(sample, top, left, rows, columns)


def translate(sample: Sample, rng: Rng, parameter: Shift) -> Sample:
    """Move by whole pixels, from (-dh, -dw) to (dh, dw); the picture goes on as its own reflection."""
    height, width = sample.image.shape[:2]
    down = int(rng.integers(-parameter[0], parameter[0] + 1))
    right = int(rng.integers(-parameter[1], parameter[1] + 1))
    margins = (max(down, 0), max(-down, 0), max(right, 0), max(-right, 0))
    padded = _padded(sample, margins, cv2.BORDER_REFLECT_101)
    return _cut(padded, max(-down, 0), max(-right, 0), height, width)


def rotate(sample: Sample, rng: Rng, parameter: Degrees) -> Sample:
    """Turn about the centre by an angle from ``-parameter`` to ``parameter`` degrees; the corners get black.

    Depth keeps its metres: the camera rolls about its optical axis, along which depth is measured.
    """
    height, width = sample.image.shape[:2]
    angle = rng.uniform(-parameter, parameter)
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)

    def turned(array: Shaped[ndarray, "..."], method: int, outside: float) -> Any:
        return cv2.warpAffine(array, turn, (width, height), flags=method, borderValue=(outside,) * 3)

    return _each(
        sample,
        lambda image: turned(image, cv2.INTER_LINEAR, 0),
        lambda truth, outside: turned(truth, cv2.INTER_NEAREST, outside),
        turn[:, :2],
    )


def scale(sample: Sample, rng: Rng, parameter: Size) -> Sample:  # noqa: ARG001  every augmentation is called alike
    """Resize to (rows, columns); the picture averaged over areas where it shrinks. ``focal_px`` follows."""
    columns, size = sample.image.shape[1], (parameter[0], parameter[1])
    scaled = _each(
        sample,
        lambda image: resize_image(image, size),
        lambda truth, _: resize_nearest(truth, size),
    )
    if sample.focal_px is None:
        return scaled
    return replace(scaled, focal_px=sample.focal_px * size[1] / columns)


def rscale(sample: Sample, rng: Rng, parameter: Zooms) -> Sample:
    """Zoom in or out by a factor drawn from ``low`` to ``high``, at a random place; the size stays, depth is divided.

    What sticks out is cut off, what is missing is the picture's reflection without truth. So what the network sees is
    drawn about the scale that is scored, whatever its size.

    Source:
        MMSegmentation's ``RandomResize`` and ``RandomCrop``; Chen et al. 2016, "DeepLab", arXiv:1606.00915. Depth: Eigen, Puhrsch
        and Fergus 2014, arXiv:1406.2283: a picture ``s`` times as large is a camera ``s`` times nearer.
    """
    height, width = sample.image.shape[:2]
    factor = float(rng.uniform(*parameter))
    if factor >= 1:  # the window first: resizing what is cut off would be for nothing
        rows, columns = _at_least_1(height / factor), _at_least_1(width / factor)
        top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
        zoomed = scale(_cut(sample, top, left, rows, columns), rng, (height, width))
    else:
        rows, columns = _at_least_1(height * factor), _at_least_1(width * factor)
        top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
        margins = (top, height - rows - top, left, width - columns - left)
        zoomed = _padded(scale(sample, rng, (rows, columns)), margins, cv2.BORDER_REFLECT_101)
    truths = {kind: KINDS[kind].nearer(truth, factor) for kind, truth in zoomed.truths.items()}
    return replace(zoomed, truths=truths, focal_px=sample.focal_px)


def ccrop(sample: Sample, rng: Rng, parameter: Size) -> Sample:  # noqa: ARG001  every augmentation is called alike
    """Cut a window of (rows, columns) out of the centre; a sample that is smaller gets a black border."""
    height, width = sample.image.shape[:2]
    rows, columns = parameter
    missing_rows, missing_columns = max(rows - height, 0), max(columns - width, 0)
    above, before = missing_rows // 2, missing_columns // 2
    margins = (above, missing_rows - above, before, missing_columns - before)
    padded = _padded(sample, margins, cv2.BORDER_CONSTANT)
    top, left = max(height - rows, 0) // 2, max(width - columns, 0) // 2
    return _cut(padded, top, left, rows, columns)


def hflip(sample: Sample, rng: Rng, parameter: Share) -> Sample:
    """Mirror left and right with probability ``parameter``."""
    return _flipped(sample, 1) if rng.random() < parameter else sample


def vflip(sample: Sample, rng: Rng, parameter: Share) -> Sample:
    """Mirror top and bottom with probability ``parameter``."""
    return _flipped(sample, 0) if rng.random() < parameter else sample


#: Name in the configuration -> function of the sample, the generator and the parameter.
AUGMENTATIONS: Mapping[str, Callable[[Sample, Rng, Any], Sample]] = MappingProxyType(
    {
        "gamma": gamma,
        "hue": hue,
        "brightness": brightness,
        "saturation": saturation,
        "contrast": contrast,
        "rcrop": rcrop,
        "translate": translate,
        "rotate": rotate,
        "scale": scale,
        "rscale": rscale,
        "ccrop": ccrop,
        "hflip": hflip,
        "vflip": vflip,
    }
)


def _factor(rng: Rng, strength: float) -> float:
    return float(rng.uniform(max(0.0, 1 - strength), 1 + strength))


def _at_least_1(length: float) -> int:
    return max(1, round(length))


def _to_uint8(values: Float[ndarray, "..."]) -> UInt8[ndarray, "..."]:
    rounded: UInt8[ndarray, "..."] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return rounded


def _by_value(sample: Sample, table: Float[ndarray, "256"]) -> Sample:
    """The sample with each value ``v`` of its picture replaced by ``table[v]``, rounded and clipped."""
    return replace(sample, image=np.asarray(cv2.LUT(sample.image, _to_uint8(table))))


def _each(
    sample: Sample,
    of_image: Callable[[UInt8[ndarray, "h w 3"]], Any],
    of_truth: Callable[[Shaped[ndarray, "h w *values"], float], Any],
    turn: Float64[ndarray, "2 2"] | None = None,
) -> Sample:
    """The sample with its arrays replaced; ``of_truth`` also gets the value for uncovered pixels, and what turns is turned."""
    truths = {kind: of_truth(truth, KINDS[kind].void) for kind, truth in sample.truths.items()}
    if turn is not None:
        truths = {kind: KINDS[kind].turned(truth, turn) for kind, truth in truths.items()}
    return replace(sample, image=of_image(sample.image), truths=truths)


def _cut(sample: Sample, top: int, left: int, rows: int, columns: int) -> Sample:
    def window(array: Shaped[ndarray, "..."]) -> Any:
        return np.ascontiguousarray(array[top : top + rows, left : left + columns])

    return _each(sample, window, lambda truth, _: window(truth))


def _padded(sample: Sample, margins: tuple[int, int, int, int], image_border: int) -> Sample:
    """With rows added above and below, columns left and right; truths get their value for "nothing" there."""
    if not any(margins):
        return sample
    return _each(
        sample,
        lambda image: cv2.copyMakeBorder(image, *margins, image_border),
        lambda truth, outside: cv2.copyMakeBorder(truth, *margins, cv2.BORDER_CONSTANT, value=outside),
    )


def _flipped(sample: Sample, axis: int) -> Sample:
    turn = np.diag([-1.0, 1.0] if axis == 1 else [1.0, -1.0])
    return _each(sample, lambda image: cv2.flip(image, axis), lambda truth, _: cv2.flip(truth, axis), turn)
