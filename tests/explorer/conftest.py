"""A browser, where there is one."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from explorer.fake_server import Fake, Server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium. While Playwright runs, nothing else may begin an event loop in this thread: not the session's."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
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
def opened(browser: Any, server: Server) -> Iterator[Callable[..., Any]]:
    """Open pages that must not complain."""
    from explorer.browsing import visit  # which imports playwright

    visits: list[Any] = []

    def open_page(address: str = server.address, **options: Any) -> Any:
        visits.append(visit(browser, address, **options))
        return visits[-1]

    yield open_page
    for one in visits:
        one.page.context.close()
    for one in visits:
        assert [text for text in one.problems if not any(word in text for word in one.expected)] == []


@pytest.fixture
def seen(opened: Callable[..., Any]) -> Any:
    """The page with two networks, whose first maps have come."""
    one = opened()
    one.settled("map fcn")
    one.settled("map monodepth")
    return one
