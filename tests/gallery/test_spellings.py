"""Small networks that hold what others do, in all its spellings."""

import pytest

from gallery.check import check
from gallery.gallery import Entry
from gallery.networks_spellings import LIBRARY


@pytest.mark.parametrize("entry", LIBRARY.entries, ids=str)
def test_is_explained_as_given(entry: Entry, caplog: pytest.LogCaptureFixture) -> None:
    check(LIBRARY, entry, caplog)
