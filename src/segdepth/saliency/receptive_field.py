"""How far an output pixel can see (theoretical receptive field) and how far it looks (effective receptive field).

The first follows from the architecture alone: which input pixels are connected to the output pixel at all. The second
is measured: the mean absolute gradient at the pixel over many pictures, most of which lies in a small part of the first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from jaxtyping import Float
from torch import Tensor, nn

from segdepth.core.errors import InputError

from .apart import structure
from .boxes import Reach, box_size
from .engines import EngineName
from .explainer import Explainer
from .graph import Box, Graph
from .target import Pixel, Target, check_pixels

Pair = tuple[int, int]

__all__ = [
    "MASSES",
    "EffectiveField",
    "FieldBoxes",
    "LayerField",
    "TheoreticalField",
    "effective_field",
    "extent_of",
    "theoretical_field",
]

#: Shares of an effective field's mass whose radius is given.
MASSES = (0.5, 0.9, 0.95)

#: A pixel belongs to the effective area from this share of the peak on: what a Gaussian has left at two sigma.
TWO_SIGMA = 1 - 0.9545

#: Pictures are enlarged to at most this side to find where a field ends; one that is larger is called unbounded.
SMALLEST_SIDE, LARGEST_SIDE = 512, 4096

#: Enlarged pictures keep the output pixel's place on the coarsest grid that networks have.
COARSEST = 64


@dataclass(frozen=True)
class LayerField:
    """One layer between picture and output pixel.

    Attributes:
        name: kind of layer, kernel and stride.
        stride: input rows and columns between two neighbouring units of the layer.
        field: input rows and columns that one unit, in the middle of the layer, can depend on.
        window: rows and columns of the layer that the output pixel can depend on.
    """

    name: str
    stride: tuple[Fraction, Fraction]
    field: Pair
    window: Pair


@dataclass(frozen=True)
class TheoreticalField:
    """What an output pixel is connected to.

    Attributes:
        size: rows and columns of the picture.
        pixel: row and column.
        box: rows and columns of the picture that it can depend on.
        whole: rows and columns that it would depend on in a picture large enough; None where that is all of any picture.
        layers: from the picture to the output, as they are in a picture large enough (in this one, if the field is
            unbounded).
    """

    size: Pair
    pixel: Pixel
    box: Box
    whole: tuple[int | None, int | None]
    layers: Sequence[LayerField]

    @property
    def clipped(self) -> bool:
        """Whether the picture's border cuts the field."""
        return self.whole != box_size(self.box)


@dataclass(frozen=True, eq=False)
class EffectiveField:
    """What an output pixel's answer reacts to, on average over pictures.

    Attributes:
        pixel: row and column.
        map: mean of the absolute gradients, scaled so that it sums to 1; 0 where no picture has a gradient.
        radii: share of the map's sum -> radius around the pixel of the disc that holds it, pixels.
        sigma: root of the mean squared distance from the pixel along one axis, pixels.
        area: number of pixels that reach :data:`TWO_SIGMA` of the peak.
        pictures: how many were averaged.
        dead: how many of these have no gradient at the pixel (a dead ReLU).

    Source:
        Luo et al. 2016, arXiv:1701.04128, sections 3 and 4.1.
    """

    pixel: Pixel
    map: Float[Tensor, "h w"]
    radii: dict[float, float]
    sigma: float
    area: int
    pictures: int
    dead: int


class FieldBoxes:
    """The theoretical fields of a network at one size, by look-up.

    A field is the product of one span of rows, which depends on the output's row alone, and one of columns. (Only where a
    branch sees nothing but zeros beyond the picture's border in one direction, the other direction's span can be shorter.)

    Args:
        net: any module that can be traced; what no operation is known for is taken to depend on all of its input.
        image: any picture; only its shape, type and device matter.

    Raises:
        UnsupportedOperationError: at what cannot be traced.
    """

    def __init__(self, net: nn.Module, image: Float[Tensor, "_ h w"]) -> None:
        size = (image.shape[-2], image.shape[-1])
        graph = structure(net, net, image)
        reach = Reach(graph, ((0, size[0]), (0, size[1])))
        whole: Box = (0, size[0]), (0, size[1])
        self._rows = [reach.back(((row, row + 1), whole[1])).values[0][0] for row in range(size[0])]
        self._columns = [reach.back((whole[0], (col, col + 1))).values[0][1] for col in range(size[1])]

    def of(self, pixel: Pixel) -> Box:
        """Rows and columns of the picture that an output pixel can depend on."""
        return self._rows[pixel[0]], self._columns[pixel[1]]


def theoretical_field(net: nn.Module, image: Float[Tensor, "_ h w"], pixel: Pixel) -> TheoreticalField:
    """The input pixels that are connected to an output pixel, exactly, whatever the weights are.

    Args:
        net: any module that can be traced; what no operation is known for is taken to depend on all of its input.
        image: any picture; only its shape, type and device matter.
        pixel: row and column.

    Raises:
        InputError: if the pixel is outside the picture.
        UnsupportedOperationError: at what cannot be traced.
    """
    size = (image.shape[-2], image.shape[-1])
    check_pixels([pixel], size)
    graph = structure(net, net, image)
    box = _picture_box(graph, size, pixel)
    roomy = _roomy(net, image, pixel)
    return TheoreticalField(size, pixel, box, *_layers_and_whole(graph, pixel, roomy))


def _picture_box(graph: Graph, size: Pair, pixel: Pixel) -> Box:
    reach = Reach(graph, ((0, size[0]), (0, size[1])))
    return reach.back(((pixel[0], pixel[0] + 1), (pixel[1], pixel[1] + 1))).values[0]


def _roomy(net: nn.Module, image: Tensor, pixel: Pixel) -> tuple[Graph, Pixel, tuple[int | None, int | None]]:
    """The network on a picture so large that the field does not touch its border, or on the largest one."""
    side = SMALLEST_SIDE
    while side < max(image.shape[-2:]):
        side *= 2
    while True:
        middle = side // 2
        row, column = (middle + place % COARSEST for place in pixel)
        graph = structure(net, net, image.new_empty(1).expand(len(image), side, side))
        box = _picture_box(graph, (side, side), (row, column))
        found = [None if span[0] <= 0 or span[1] >= side else span[1] - span[0] for span in box]
        whole = (found[0], found[1])
        if None not in whole or 2 * side > LARGEST_SIDE:
            return graph, (row, column), whole
        side *= 2


def _layers_and_whole(
    graph: Graph, pixel: Pixel, roomy: tuple[Graph, Pixel, tuple[int | None, int | None]]
) -> tuple[tuple[int | None, int | None], list[LayerField]]:
    large, place, whole = roomy
    return whole, _layers(large, place) if None not in whole else _layers(graph, pixel)


def _layers(graph: Graph, pixel: Pixel) -> list[LayerField]:
    """Every layer that changes which inputs are seen, or joins such ones."""
    _, height, width = graph.nodes[0].shape
    reach = Reach(graph, ((0, height), (0, width)))
    windows = reach.back(((pixel[0], pixel[0] + 1), (pixel[1], pixel[1] + 1))).values
    strides = _strides(graph)
    layers = []
    for index, node in enumerate(graph.nodes):
        name = node.label(graph.nodes[node.inputs[0]].shape[1:]) if node.inputs else ""
        if name and box_size(windows[index]) != (0, 0):
            (top, bottom), (left, right) = windows[index]
            row, column = (top + bottom) // 2, (left + right) // 2
            field = reach.back(((row, row + 1), (column, column + 1)), index).values[0]
            layers.append(LayerField(name, strides[index], box_size(field), box_size(windows[index])))
    return layers


def _strides(graph: Graph) -> list[tuple[Fraction, Fraction]]:
    """Input rows and columns from one unit to the next, per value."""
    strides = [(Fraction(1), Fraction(1))]
    for node in graph.nodes[1:]:
        rows, columns = strides[node.inputs[0]]
        steps = node.steps(graph.nodes[node.inputs[0]].shape[1:])
        strides.append((rows * steps[0], columns * steps[1]))
    return strides


def effective_field(
    net: nn.Module,
    pictures: Iterable[Float[Tensor, "_ h w"]],
    pixel: Pixel,
    *,
    target: Target = "predicted",
    engine: EngineName = "auto",
) -> EffectiveField:
    """The mean saliency map of one output pixel over pictures, and how far its mass reaches.

    Args:
        net: any module.
        pictures: of one size, in the network's input range; noise, or real ones.
        pixel: row and column.
        target: what is explained (see :meth:`ExplainedPicture.maps`).
        engine: who computes.

    Raises:
        InputError: if there is no picture, they differ in size, or the pixel is outside.
    """
    explainer = Explainer(net, engine=engine)
    total: Tensor | None = None
    count = dead = 0
    for picture in pictures:
        empty: list[int] = []
        found = explainer.at(picture).maps([pixel], target=target, zeros=empty.extend)[0].double()
        if total is not None and found.shape != total.shape:
            raise InputError(f"pictures of {list(total.shape)} and {list(found.shape)} have no common field")
        total = found if total is None else total + found
        count += 1
        dead += len(empty)
    if total is None:
        raise InputError("no picture to measure the effective receptive field with")
    mass = total.sum()
    mean = total / torch.where(mass > 0, mass, 1)
    return EffectiveField(pixel, mean, *extent_of(mean, pixel), count, dead)


def extent_of(mean: Float[Tensor, "h w"], pixel: Pixel) -> tuple[dict[float, float], float, int]:
    """Radii, sigma and area (see :class:`EffectiveField`) of a map; what it sums to does not matter to radii and area.

    Args:
        mean: that sums to 1, or is 0.
        pixel: row and column.
    """
    rows, columns = (torch.arange(n, device=mean.device, dtype=mean.dtype) for n in mean.shape)
    squares = (rows - pixel[0]).square()[:, None] + (columns - pixel[1]).square()
    if not mean.any():
        return dict.fromkeys(MASSES, 0.0), 0.0, 0
    order = squares.flatten().argsort(stable=True)
    held = mean.flatten()[order].cumsum(0)
    places = torch.searchsorted(held, held.new_tensor(MASSES) * held[-1]).clamp(max=len(held) - 1)
    radii = squares.flatten()[order][places].sqrt()
    sigma = ((mean * squares).sum() / 2).sqrt()
    area = int((mean >= TWO_SIGMA * mean.max()).sum())
    return dict(zip(MASSES, radii.tolist(), strict=True)), float(sigma), area
