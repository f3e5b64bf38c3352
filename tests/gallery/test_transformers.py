"""Networks of transformers."""

import pytest

from gallery.check import check
from gallery.gallery import Entry
from gallery.networks_transformers import LIBRARY


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "entry",
    [pytest.param(entry, marks=[pytest.mark.slow] if n % 3 else []) for n, entry in enumerate(LIBRARY.entries)],
    ids=str,
)
def test_is_explained_as_given(entry: Entry, caplog: pytest.LogCaptureFixture) -> None:
    check(LIBRARY, entry, caplog)
