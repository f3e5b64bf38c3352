"""Rectangles of pixels, as words and as numbers."""

import pytest

from segdepth.core.errors import InputError
from segdepth.geometry.regions import Region


def test_words_and_back() -> None:
    region = Region.parse(" 2, 4,6,9")
    assert region == (2, 4, 6, 9)
    assert Region.parse(str(region)) == region
    assert len(region.pixels) == 4 * 5
    assert (region.pixels[0], region.pixels[-1], region.centre) == ((2, 4), (5, 8), (3, 6))
    assert Region(3, 4, 4, 5).centre == (3, 4)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1 2 3 4", "-1,2,3,4", "1,2,3,99999999999", "1.5,2,3,4"]
)
def test_what_is_no_region(text: str) -> None:
    with pytest.raises(InputError, match="r0,c0,r1,c1"):
        Region.parse(text)


@pytest.mark.parametrize("region", [(0, 0, 0, 5), (3, 3, 2, 5), (0, 0, 33, 5), (0, 40, 5, 49)])
def test_what_is_not_inside(region: tuple[int, int, int, int]) -> None:
    with pytest.raises(InputError, match="not inside the 32x48 picture"):
        Region(*region).check((32, 48))
    Region(0, 0, 32, 48).check((32, 48))
