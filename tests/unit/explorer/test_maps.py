"""Known maps in bounded memory."""

import numpy as np

from segdepth.explorer.maps import FoundMap, MapCache
from segdepth.geometry.regions import Region

ONE = 4 * 6 * 4


def a_map() -> FoundMap:
    return FoundMap({"text": "road"}, np.zeros((4, 6), np.float32))


def test_the_least_recently_used_goes() -> None:
    cache = MapCache(3 * ONE)
    kept = [a_map() for _ in range(4)]
    for column in range(3):
        cache.add("s", (0, column), kept[column])
    assert cache.find("s", (0, 0)) is kept[0]
    cache.add("s", (0, 3), kept[3])
    assert cache.pixels("s") == [(0, 0), (0, 2), (0, 3)]
    assert cache.find("s", (0, 1)) is None
    assert cache.bytes == 3 * ONE


def test_a_map_that_comes_again_takes_no_more() -> None:
    cache = MapCache(3 * ONE)
    for _ in range(5):
        cache.add("s", (0, 0), a_map())
    assert cache.bytes == ONE


def test_one_that_is_larger_than_all_memory_is_kept_alone() -> None:
    cache = MapCache(ONE // 2)
    cache.add("s", (0, 0), a_map())
    cache.add("s", (0, 1), a_map())
    assert cache.pixels("s") == [(0, 1)]


def test_the_nearest_of_a_series() -> None:
    cache = MapCache(9 * ONE)
    near, far = a_map(), a_map()
    cache.add("s", (0, 0), far)
    cache.add("s", (2, 2), near)
    cache.add("other", (3, 3), a_map())
    cache.add("s", Region(0, 0, 4, 4), a_map())
    assert cache.nearest("s", (3, 3)) == ((2, 2), near)
    assert cache.nearest("none", (3, 3)) is None
    assert cache.pixels("s") == [(0, 0), (2, 2)]
    assert cache.find("s", Region(0, 0, 4, 4)) is not None
