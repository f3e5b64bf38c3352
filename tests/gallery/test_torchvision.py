"""Networks of torchvision; run by `make test-outside`."""

import pytest

from gallery.check import check
from gallery.gallery import Entry
from gallery.networks_torchvision import LIBRARY


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", LIBRARY.entries, ids=str)
def test_is_explained_as_given(entry: Entry, caplog: pytest.LogCaptureFixture) -> None:
    check(LIBRARY, entry, caplog)
