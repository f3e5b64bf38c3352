"""Neighbouring targets in groups: their boxes are nearly one box, so that they share a backward pass."""

from collections.abc import Sequence

from .target import Pixel

__all__ = ["STEP", "neighbours", "tile_pixels"]

#: How far apart neighbours are, and how many times as much as that they may take together.
STEP, SLACK = 4, 4


def neighbours(pixels: Sequence[Pixel]) -> int:
    """How many of the pixels stand together, on average: all of them on a usual grid, few where they are strewn.

    Args:
        pixels: in any order, at least one.

    Example:
        >>> neighbours([(r, c) for r in range(0, 32, 4) for c in range(0, 32, 4)]), neighbours([(0, 0), (90, 200), (10, 300)])
        (64, 1)
    """
    high, wide = (max(p[k] for p in pixels) - min(p[k] for p in pixels) + STEP for k in (0, 1))
    room = SLACK * STEP**2 * len(pixels)
    return max(1, min(len(pixels), len(pixels) * room // (high * wide)))


def tile_pixels(pixels: Sequence[Pixel], largest: int) -> list[list[int]]:
    """Indices of the pixels in compact groups of exactly ``largest``, but for one.

    The longer side of a group is cut, at a multiple of ``largest`` near the middle, until it is small enough.

    Args:
        pixels: in any order, repeated ones too.
        largest: group size, at least 1.

    Example:
        >>> tile_pixels([(0, 0), (0, 9), (1, 0), (1, 9), (2, 9)], 2)
        [[0, 2], [1, 3], [4]]
    """
    tiles: list[list[int]] = []
    waiting = [list(range(len(pixels)))] if pixels else []
    while waiting:
        group = waiting.pop()
        if len(group) <= largest:
            tiles.append(group)
            continue
        spans = [max(pixels[i][k] for i in group) - min(pixels[i][k] for i in group) for k in (0, 1)]
        long = 0 if spans[0] > spans[1] else 1
        group.sort(key=lambda i: (pixels[i][long], pixels[i][1 - long]))
        middle = max(1, round(len(group) / 2 / largest)) * largest
        waiting += [group[middle:], group[:middle]]
    return tiles
