"""Pixels in groups."""

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency import Explainer, saliency_maps
from segdepth.saliency.batched import BatchedEngine, Recorded
from segdepth.saliency.boxes import box_size
from segdepth.saliency.engines import EngineName
from segdepth.saliency.tiles import neighbours, tile_pixels

from .small import HEIGHT, PIXELS, WIDTH, Small


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


@pytest.mark.parametrize("engine", ["sparse", "windowed"])
def test_strewn_targets_do_not_drag_what_lies_between_them_along(engine: EngineName) -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1)]
    net, image = nn.Sequential(*layers).double(), torch.randn(3, 96, 160, dtype=torch.float64)
    pixels = [(2, 3), (90, 150), (50, 80), (3, 155), (92, 4), (51, 82), (20, 40), (70, 120)]
    at = Explainer(net, engine=engine).at(image)
    covered = [(len(indices), *box_size(box)) for indices, box, _ in at.chunks(pixels, target=0)]
    assert sum(count * rows * columns for count, rows, columns in covered) < 1000
    alone = torch.cat([at.maps([pixel], target=0) for pixel in pixels])
    torch.testing.assert_close(at.maps(pixels, target=0), alone, rtol=0, atol=1e-14)


def test_a_dense_grid_stays_together() -> None:
    torch.manual_seed(0)
    net, image = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1)), torch.randn(3, 64, 96)
    at = Explainer(net, engine="windowed").at(image)
    grid = [(r, c) for r in range(8, 40, 4) for c in range(8, 40, 4)]
    assert [len(indices) for indices, _, _ in at.chunks(grid, target=0)] == [64]


def test_neighbours_are_counted() -> None:
    assert neighbours([(5, 5)]) == 1
    assert neighbours([(5, 5)] * 9) == 9
    assert neighbours([(r, c) for r in range(0, 160, 8) for c in range(0, 160, 8)]) == 400
    assert neighbours([(r, c) for r in range(0, 160, 16) for c in range(0, 160, 16)]) < 50
