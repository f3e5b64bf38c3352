"""What one page holds."""

import pytest

from segdepth.core.errors import InputError
from segdepth.explorer.limits import MOST_NETWORKS, check_networks


def test_a_page_has_a_few_networks() -> None:
    for count in range(1, MOST_NETWORKS + 1):
        check_networks(count)
    for count in (0, MOST_NETWORKS + 1):
        with pytest.raises(InputError, match=f"one to {MOST_NETWORKS} networks, not {count}"):
            check_networks(count)
