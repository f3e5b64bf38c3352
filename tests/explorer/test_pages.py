"""What is written for a disk, and what stands in a notebook, in a browser without a network."""

import base64
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segdepth.campaigns.demo.page import ExplorerPage
from segdepth.explorer.container import unpack
from segdepth.explorer.explorer import Explorer
from segdepth.explorer.static_page import StaticPage, write_static_page
from segdepth.explorer.widget import Widget
from segdepth.report.demo_page import write_demo_page
from unit.explorer.streets import SIZE, ask, explorer_of, picture, png, tiny
from unit.report.test_demo_page import page_of_every_task

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import expect

from explorer.browsing import Visit, visit


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return explorer_of("seg", "depth")


@pytest.fixture(scope="module")
def written(explorer: Explorer, tmp_path_factory: pytest.TempPathFactory) -> StaticPage:
    """A page of two networks and pictures."""
    return write_static_page(explorer, tmp_path_factory.mktemp("disk") / "explorer.html", positions=24)


def wanted(explorer: Explorer, network: str, row: int, column: int) -> np.ndarray:
    """A map as Python has it."""
    reply = ask(explorer, "map", picture="p0", network=network, row=row, column=column)
    return unpack(reply.body)[1]["map"]


@pytest.fixture
def offline(browser: Any) -> Iterator[Callable[..., Visit]]:
    """Open pages without a network; they must not complain, and ask for nothing but themselves."""
    visits: list[tuple[Visit, list[str]]] = []

    def open_page(address: str, **options: Any) -> Visit:
        seen = visit(browser, "about:blank", **options)
        asked: list[str] = []
        seen.page.context.set_offline(True)
        seen.page.on("request", lambda request: asked.append(request.url))
        seen.page.goto(address)
        visits.append((seen, asked))
        return seen

    yield open_page
    for seen, asked in visits:
        seen.page.context.close()
        assert seen.problems == []
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def place_of(badge: str) -> tuple[int, int]:
    """What is shown in place of what is pointed at."""
    found = re.fullmatch(r"nearest computed: \((\d+), (\d+)\)", badge)
    assert found is not None, badge
    return int(found[1]), int(found[2])


def test_a_written_page_shows_what_python_computes(
    explorer: Explorer, written: StaticPage, offline: Callable[..., Visit]
) -> None:
    seen = offline(written.path.as_uri())
    for row, column in ((5, 6), (25, 41)):
        seen.point("answer n0", row, column, SIZE)
        for network in ("n0", "n1"):
            seen.settled(f"map {network}")
            near = place_of(seen.badge(f"map {network}").inner_text())
            assert np.hypot(near[0] - row, near[1] - column) < 8
            values = wanted(explorer, network, *near)
            assert np.abs(seen.array(f"map {network}") - values).max() <= 0.004 * values.max()
    assert seen.page.locator(".about summary").inner_text().startswith("Maps of 24 positions a picture")
    seen.page.locator(".about summary").click()
    for note in written.notes:
        expect(seen.page.get_by_text(note, exact=True).first).to_be_visible()


def test_a_written_page_offers_nothing_that_it_cannot_do(written: StaticPage, offline: Callable[..., Visit]) -> None:
    seen = offline(written.path.as_uri())
    seen.settled("map n0")
    for name in ("Code", "Open …", "Delete them"):
        expect(seen.page.get_by_role("button", name=name)).to_have_count(0)
    assert seen.page.get_by_label("segnet seg: what is explained").locator("option").count() == 1
    seen.page.get_by_label("Picture", exact=True).select_option(label="other")
    seen.settled("map n1")
    expect(seen.panel("picture")).to_contain_text("other")


@pytest.mark.parametrize("width", [1280, pytest.param(390, marks=pytest.mark.slow)])
def test_the_demonstration_s_page_has_it_inside(
    explorer: Explorer, written: StaticPage, offline: Callable[..., Visit], width: int
) -> None:
    folder = written.path.parent
    page = replace(page_of_every_task(folder), explorer=ExplorerPage(written.path.name, written.bytes, written.notes))
    write_demo_page(page, folder / "index.html")
    seen = offline((folder / "index.html").as_uri(), viewport={"width": width, "height": 844})
    seen.page.locator("iframe").scroll_into_view_if_needed()
    before_it_came = seen.page.evaluate("window.scrollY")
    inside = seen.page.frame_locator("iframe")
    shown = inside.locator('[data-panel="map n1"]')
    expect(shown).to_have_attribute("aria-busy", "false")
    assert seen.page.evaluate("document.activeElement.tagName") == "BODY", "keys are the page's"
    assert seen.page.evaluate("window.scrollY") == before_it_came
    canvas = inside.locator('[data-panel="picture"] canvas[role]')
    canvas.scroll_into_view_if_needed()
    before = place_of(shown.locator(".badge").inner_text())
    box = canvas.bounding_box()
    assert box is not None
    scale = min(box["height"] / SIZE[0], box["width"] / SIZE[1])
    canvas.hover(position={"x": (box["width"] - scale * SIZE[1]) / 2 + 2 * scale, "y": box["height"] / 2})
    expect(shown.locator(".badge")).not_to_have_text(f"nearest computed: {before}")
    assert place_of(shown.locator(".badge").inner_text())[1] < before[1]
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, "nothing is wider than the screen"


#: What stands between a front and a widget in a notebook; it speaks with Python as Playwright lets it.
CHANNEL = """
const heard = new Set();
window.hear = (content, text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  for (const listener of heard) listener(content, [new DataView(bytes.buffer)]);
};
const textOf = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
const model = {
  get: (name) => ({ height: 640 })[name],
  on: (name, listener) => heard.add(listener),
  off: (name, listener) => heard.delete(listener),
  send: (content, callbacks, buffers) => window.tell(content, buffers.map(textOf)),
};
window.heard = heard;
"""


@pytest.fixture
def cell(browser: Any, tmp_path: Path) -> Iterator[Visit]:
    """A notebook's cell with a widget in it."""
    widget = Widget([tiny("seg"), tiny("depth")], picture(1, SIZE))
    answers: list[tuple[Any, list[bytes]]] = []
    answered = threading.Condition()

    def send(content: Any, buffers: list[bytes]) -> None:
        with answered:
            answers.append((content, buffers))

    widget.send = send  # type: ignore[method-assign]
    show = "export default { render: renderWidget };\n"
    assert widget._esm.endswith(show)
    script = widget._esm.replace(show, f"{CHANNEL}\nwindow.end = renderWidget({{ model, el: document.body }});")
    (tmp_path / "cell.html").write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>cell</title><style>{widget._css}</style>'
        f'<body><script type="module">{script}</script></body></html>',
        encoding="utf-8",
    )
    seen = visit(browser, "about:blank")

    def tell(content: Any, buffers: list[str]) -> None:
        data = {"method": "custom", "content": content}
        widget._handle_msg(
            {"content": {"data": data}, "buffers": [memoryview(base64.b64decode(text)) for text in buffers]}
        )

    seen.page.expose_function("tell", tell)
    seen.page.goto((tmp_path / "cell.html").as_uri())

    def deliver() -> None:
        """What Python has sent since; Playwright speaks in one thread only."""
        with answered:
            ready, answers[:] = list(answers), []
        for content, (body,) in ready:
            seen.page.evaluate("([content, text]) => hear(content, text)", [content, base64.b64encode(body).decode()])

    seen.deliver = deliver  # type: ignore[attr-defined]
    yield seen
    seen.page.context.close()
    widget.close()
    assert seen.problems == []


def until(cell: Any, holds: Callable[[], bool]) -> None:
    """Deliver what Python sends until something holds."""
    for _ in range(600):
        cell.deliver()
        if holds():
            return
        cell.page.wait_for_timeout(50)  # in which Playwright hears the page
    raise AssertionError("it never comes")


def settled(cell: Any, name: str) -> None:
    """Deliver until a panel shows what is asked for."""
    until(cell, lambda: cell.panel(name).count() and cell.panel(name).get_attribute("aria-busy") == "false")


def test_a_widget_shows_what_python_computes_and_takes_a_picture(cell: Any, explorer: Explorer) -> None:
    settled(cell, "map n0")
    cell.point("answer n0", 10, 30, SIZE)
    for network in ("n0", "n1"):
        settled(cell, f"map {network}")
        reply = ask(explorer, "map", picture="p1", network=network, row=10, column=30)  # the same picture
        np.testing.assert_array_equal(cell.array(f"map {network}"), unpack(reply.body)[1]["map"])
    cell.page.locator('input[type="file"]').set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": png(2, SIZE)}
    )
    until(cell, lambda: "mine.png" in cell.panel("picture").inner_text())
    settled(cell, "map n1")
    assert cell.page.evaluate("window.heard.size") == 1
    cell.page.evaluate("window.end()")
    assert cell.page.evaluate("window.heard.size") == 0
