"""Small networks with traps, and many kinds of answers."""

import pytest

from gallery.check import check
from gallery.gallery import Entry
from gallery.networks_traps import LIBRARY


@pytest.mark.parametrize("entry", LIBRARY.entries, ids=str)
def test_is_explained_as_given(entry: Entry, caplog: pytest.LogCaptureFixture) -> None:
    check(LIBRARY, entry, caplog)
