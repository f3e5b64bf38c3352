"""A browser, where there is one."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from explorer.browsing import Visit, visit  # noqa: E402 - these import playwright
from explorer.fake_server import Fake, Server  # noqa: E402


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=path, args=["--no-sandbox", "--js-flags=--expose-gc"])
        yield started
        started.close()


@pytest.fixture
def fake() -> Fake:
    """What the server answers."""
    return Fake()


@pytest.fixture
def server(fake: Fake) -> Iterator[Server]:
    """A server of made-up numbers."""
    running = Server(fake)
    yield running
    running.stop()


@pytest.fixture
def opened(browser: Any, server: Server) -> Iterator[Callable[..., Visit]]:
    """Open pages that must not complain."""
    visits: list[Visit] = []

    def open_page(address: str = server.address, **options: Any) -> Visit:
        visits.append(visit(browser, address, **options))
        return visits[-1]

    yield open_page
    for one in visits:
        one.page.context.close()
    for one in visits:
        assert [text for text in one.problems if not any(word in text for word in one.expected)] == []


@pytest.fixture
def seen(opened: Callable[..., Visit]) -> Visit:
    """The page with two networks, whose first maps have come."""
    one = opened()
    one.settled("map fcn")
    one.settled("map monodepth")
    return one
