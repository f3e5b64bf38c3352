"""Places by their names."""

import pytest

from segdepth.core.errors import InputError
from segdepth.executing import Local, parse_place
from segdepth.executing.cluster import Ray


def test_places_have_names() -> None:
    assert parse_place("local") == Local()
    assert parse_place("local:3") == Local(3)
    assert parse_place("ray") == Ray()
    assert parse_place("ray:10.0.0.1:6379", cores=4) == Ray("10.0.0.1:6379", 4)


@pytest.mark.parametrize("name", ["", "local:", "local:0", "local:x", "ray:", "dask", "local:-1"])
def test_others_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="is no place; give local"):
        parse_place(name)
