"""The explorer's page as a person has it before them."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

#: Milliseconds that what has to happen may take; nothing waits that long where all is well.
PATIENCE = 15_000

Size = tuple[int, int]


@dataclass
class Visit:
    """A page in a window of its own, and what went wrong in it.

    Attributes:
        page: Playwright's.
        problems: errors of the page's code, and what its console complained of.
        expected: words of complaints that are no problem.
    """

    page: Page
    problems: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def problems_are_expected(self, *words: str) -> None:
        """The browser itself complains of requests that were refused; these are the test's subject."""
        self.expected += words

    def panel(self, name: str) -> Locator:
        """A panel by its id: "picture", "map fcn"."""
        return self.page.locator(f'[data-panel="{name}"]')

    def canvas(self, name: str) -> Locator:
        """Its canvas."""
        return self.panel(name).locator("canvas[role]")

    def spot(self, name: str, row: float, column: float, size: Size) -> tuple[float, float]:
        """Where on the screen the middle of a pixel is, as long as the whole picture is seen."""
        box = self.canvas(name).bounding_box()
        assert box is not None
        scale = min(box["height"] / size[0], box["width"] / size[1])
        left = box["x"] + (box["width"] - scale * size[1]) / 2
        top = box["y"] + (box["height"] - scale * size[0]) / 2
        return left + (column + 0.5) * scale, top + (row + 0.5) * scale

    def point(self, name: str, row: float, column: float, size: Size) -> None:
        """Move the pointer to a pixel."""
        self.page.mouse.move(*self.spot(name, row, column, size))
        self.drawn()

    def drawn(self) -> None:
        """Wait until the page has drawn what it knows by now."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def click(self, name: str, row: float, column: float, size: Size) -> None:
        """Click on a pixel."""
        self.page.mouse.click(*self.spot(name, row, column, size))

    def settled(self, name: str) -> None:
        """Wait until a panel shows what is asked for."""
        from playwright.sync_api import expect

        self.drawn()
        expect(self.panel(name)).to_have_attribute("aria-busy", "false", timeout=PATIENCE)

    def value(self, name: str) -> str:
        """What a panel says of the pixel under the cursor."""
        return self.panel(name).locator(".value").inner_text()

    def number(self, name: str) -> float:
        """The number that it begins with."""
        found = re.match(r"-?[\d.]+(e[-+]?\d+)?", self.value(name))
        assert found is not None, self.value(name)
        return float(found[0])

    def badge(self, name: str) -> Locator:
        """The line over a panel's picture."""
        return self.panel(name).locator(".badge")

    def saved(self, name: str, form: str) -> bytes:
        """What a panel gives to take away."""
        self.panel(name).locator("summary").click()
        with self.page.expect_download() as waiting:
            self.panel(name).get_by_role("button", name=form.upper()).click()
        with waiting.value.path().open("rb") as file:
            return file.read()

    def array(self, name: str) -> np.ndarray:
        """A panel's numbers."""
        return np.load(io.BytesIO(self.saved(name, "npy")))

    def open_part(self, title: str) -> Locator:
        """A part of the controls, unfolded."""
        part = self.page.locator("details.part").filter(has=self.page.get_by_role("heading", name=title, exact=True))
        if part.get_attribute("open") is None:
            part.locator("summary").first.click()
        return part

    def count_maps(self) -> None:
        """From now on, note how many questions for maps are under way at once; one that was cancelled is not."""
        self.page.evaluate("""() => {
          const [ask, now] = [window.fetch, {}];
          window.most = {};
          window.fetch = (address, options) => {
            if (!String(address).includes("api/map")) return ask(address, options);
            const words = new URL(address).searchParams;
            const key = `${words.get("network")} ${words.get("exact")}`;
            now[key] = (now[key] || 0) + 1;
            window.most[key] = Math.max(window.most[key] || 0, now[key]);
            let open = true;
            const close = () => { if (open) now[key] -= 1; open = false; };
            options.signal.addEventListener("abort", close);
            return ask(address, options).finally(close);
          };
        }""")

    def most_maps(self) -> dict[str, int]:
        """The most questions that were under way at once, by "network exact"."""
        found: dict[str, int] = self.page.evaluate("window.most")
        return found


def visit(browser: Browser, address: str, **options: Any) -> Visit:
    """Open the page, and wait for nothing.

    Args:
        browser: in which a new window is opened.
        address: of the page.
        options: of the window, as Playwright names them.
    """
    context: BrowserContext = browser.new_context(**{"viewport": {"width": 1100, "height": 720}} | options)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    found = Visit(page)
    page.on("pageerror", lambda error: found.problems.append(str(error)))
    page.on("console", lambda message: message.type == "error" and found.problems.append(message.text))
    page.goto(address)
    return found
