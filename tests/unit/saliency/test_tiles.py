"""Pixels in groups, and groups in halves where memory runs out."""

import pytest
import torch
from torch import Tensor

from segdepth.saliency import saliency_maps
from segdepth.saliency.batched import BatchedEngine, Recorded
from segdepth.saliency.memory import in_halves
from segdepth.saliency.tiles import tile_pixels

from .small import HEIGHT, PIXELS, WIDTH, Small


def test_running_out_of_memory_halves_the_chunk() -> None:
    sizes = []

    def step(group: list[int]) -> int:
        sizes.append(len(group))
        if len(group) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return sum(group)

    assert list(in_halves(list(range(7)), step)) == [([0], 0), ([1, 2], 3), ([3, 4], 7), ([5, 6], 11)]
    assert sizes == [7, 3, 1, 2, 4, 2, 2]
    with pytest.raises(RuntimeError, match="other"):
        list(in_halves([1, 2], lambda _: (_ for _ in ()).throw(RuntimeError("other"))))


@pytest.mark.parametrize("chunk", [1, 2, 5, 1000])
def test_the_chunk_size_does_not_matter(net: Small, image: Tensor, chunk: int) -> None:
    window = ((0, HEIGHT), (0, WIDTH))
    expected = saliency_maps(net, image, PIXELS, engine="reference", target=2)
    engine = BatchedEngine(Recorded(net.eval(), image), window)
    engine.chunk = chunk
    found = torch.cat([c.gradients.abs().amax(1) for c in engine.gradients(PIXELS, [2] * len(PIXELS))])
    torch.testing.assert_close(found, expected)


def test_tiles_hold_every_pixel_once() -> None:
    for largest in (1, 3, 16, 100):
        tiles = tile_pixels(PIXELS, largest)
        assert sorted(i for tile in tiles for i in tile) == list(range(len(PIXELS)))
        assert sum(len(tile) < largest for tile in tiles) <= 1
