"""What is computed ahead: coarse to fine, around the pointer, in blocks, not while somebody points."""

import threading

import numpy as np
import pytest

from segdepth.executing import GaveWayError
from segdepth.explorer.ahead import BLOCK, GRID_URGENCY, QUIET, TILE_URGENCY, Ahead, Block, coarse_grid, surroundings


class World:
    """A clock that stands still, and what is known."""

    def __init__(self) -> None:
        self.time = 100.0
        self.known: set[tuple[int, int]] = set()
        self.forgets = False
        self.good = True
        self.overtaken: list[Block] = []
        self.overtakes = 0
        self.blocks: list[Block] = []
        self.done = threading.Event()
        self.ahead = Ahead(lambda _: list(self.known), self.compute, lambda: self.time)

    def compute(self, block: Block) -> bool:
        if len(self.overtaken) < self.overtakes:
            self.overtaken.append(block)
            raise GaveWayError
        self.blocks.append(block)
        if not self.forgets and self.good:
            self.known.update(block.pixels)
        if sum(len(one.pixels) for one in self.blocks) >= 24 or not self.good:
            self.done.set()
        return self.good


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("size", [(32, 48), (256, 832), (64, 64), (1, 3)])
def test_the_grid_is_even_and_its_beginning_is_too(size: tuple[int, int]) -> None:
    grid = coarse_grid(size, 100)
    assert len(set(grid)) == len(grid)
    assert len(grid) <= 120
    assert all(0 <= r < size[0] and 0 <= c < size[1] for r, c in grid)
    if len(grid) < 60:
        return
    for part in (grid[:12], grid):
        quadrants = {(2 * r // size[0], 2 * c // size[1]) for r, c in part}
        assert len(quadrants) == 4
    distances = [np.hypot(*(np.array(grid[:k]) - grid[k]).T).min() for k in range(1, len(grid))]
    assert min(distances[:8]) >= min(distances[8:])


def test_surroundings_begin_where_the_pointer_is_and_reach_a_long_step() -> None:
    around = surroundings((10, 20), (32, 48))
    assert around[0] == (10, 20)
    assert {(9, 20), (10, 21), (2, 20), (10, 28)} <= set(around)
    assert all(0 <= r < 32 and 0 <= c < 48 for r, c in surroundings((0, 47), (32, 48)))


def test_blocks_of_the_grid_until_all_is_known(world: World) -> None:
    assert world.ahead.next_block() is None
    world.ahead.open("s", (32, 48), 20)
    grid = coarse_grid((32, 48), 20)
    found = []
    while (block := world.ahead.next_block()) is not None:
        assert (block.series, block.urgency) == ("s", GRID_URGENCY)
        assert len(block.pixels) <= BLOCK
        world.known.update(block.pixels)
        found += block.pixels
    assert tuple(found) == grid


@pytest.mark.parametrize(("each", "sizes"), [(0.0, [1, 1, 16, 16]), (1.0, [1, 1, 16, 8, 4, 2, 2])])
def test_as_many_go_together_as_cost_little_more_than_one(world: World, each: float, sizes: list[int]) -> None:
    world.ahead.open("s", (64, 96), 200)
    for size in sizes:
        block = world.ahead.next_block()
        assert block is not None
        assert len(block.pixels) == size
        world.known.update(block.pixels)
        world.ahead.took("s", size, 100 + 100 * each * (size - 1))
        world.ahead.took("of another picture", 16, 1e6)


def test_it_pauses_while_somebody_points_and_goes_on_around_the_place(world: World) -> None:
    world.ahead.open("s", (32, 48), 20)
    world.ahead.point("s", (10, 20))
    assert world.ahead.next_block() is None
    world.time += QUIET / 2
    assert world.ahead.next_block() is None
    world.ahead.point("s", (10, 21))
    world.time += QUIET * 0.9
    assert world.ahead.next_block() is None
    world.time += QUIET
    block = world.ahead.next_block()
    assert block is not None
    assert block.urgency == TILE_URGENCY
    assert block.pixels[0] == (10, 21)


def test_nothing_is_begun_while_somebody_waits_however_long(world: World) -> None:
    world.ahead.open("s", (32, 48), 20)
    with world.ahead.resting():
        with world.ahead.resting():
            world.time += 100 * QUIET
        world.time += 100 * QUIET
        assert world.ahead.next_block() is None
    assert world.ahead.next_block() is None
    world.time += 1.1 * QUIET
    assert world.ahead.next_block() is not None


def test_what_gave_way_is_begun_again_in_smaller_blocks_until_there_is_time(world: World) -> None:
    world.overtakes = 3
    world.ahead.open("s", (32, 48), 24)
    for _ in range(2):
        world.ahead.took("s", 1, 100)
    world.ahead.start()
    assert world.done.wait(60)
    world.ahead.close()
    assert [len(block.pixels) for block in world.overtaken] == [16, 8, 4]
    assert [len(block.pixels) for block in world.blocks] == [2, 4, 8, 10]
    assert tuple(pixel for block in world.blocks for pixel in block.pixels)[:24] == coarse_grid((32, 48), 24)[:24]


def test_another_series_is_another_work(world: World) -> None:
    world.ahead.open(("p0", "n0", "a"), (32, 48), 20)
    world.ahead.point(("p1",), (1, 1))  # of a picture that was left
    world.time += 2 * QUIET
    block = world.ahead.next_block()
    assert block is not None
    assert block.urgency == GRID_URGENCY
    assert world.ahead.belongs("p0", "n0")
    assert not world.ahead.belongs("p1")


def test_the_thread_computes_it_all_and_nothing_twice(world: World) -> None:
    world.forgets = True  # as a cache does that is too small
    world.ahead.open("s", (32, 48), 24)
    world.ahead.start()
    assert world.done.wait(60)
    world.ahead.close()
    pixels = [pixel for block in world.blocks for pixel in block.pixels]
    assert len(pixels) == len(set(pixels))


def test_what_cannot_be_computed_is_left_alone(world: World) -> None:
    world.good = False
    world.ahead.open("s", (32, 48), 24)
    world.ahead.start()
    assert world.done.wait(60)
    world.ahead.close()
    assert len(world.blocks) == 1


def test_closed_before_it_began() -> None:
    World().ahead.close()
