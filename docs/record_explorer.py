"""Record the explorer as a moving picture: the pointer goes over a street, the maps follow.

    segdepth explore --checkpoint SEG --checkpoint DEPTH STREET.png         # prints an address
    python docs/record_explorer.py ADDRESS docs/images/explorer-moving.webp

Every frame waits for its exact maps. Needs Debian's Chromium and Playwright (extra ``test``).
"""

import argparse
import io
import shutil
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

SIZE = {"width": 1120, "height": 640}
#: Width of the picture, milliseconds of a frame, steps between two places.
WIDTH, FRAME, STEPS = 900, 90, 12
#: Places on the picture, (row, column) as shares of its height and width: road, car, house, sky, and back.
PLACES = ((0.85, 0.45), (0.68, 0.62), (0.45, 0.85), (0.2, 0.5), (0.5, 0.2), (0.85, 0.45))


def main() -> None:
    """Record it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("file", type=Path)
    parser.add_argument("--height", type=int, default=SIZE["height"], help="of the window")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("needs chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE | {"height": options.height}, color_scheme="dark")
        page.goto(options.address)
        frames = list(record(page))
        browser.close()
    frames[0].save(options.file, save_all=True, append_images=frames[1:], duration=FRAME, loop=0, quality=60, method=6)
    print(f"{options.file}: {len(frames)} frames, {options.file.stat().st_size / 1e6:.2f} MB")


def record(page: Page) -> Iterator[Image.Image]:
    """The frames."""
    picture = page.locator('[data-panel="picture"] canvas[role]')
    settle(page)
    for (row, column), (to_row, to_column) in pairwise(PLACES):
        for step in range(STEPS):
            done = step / STEPS
            done = done * done * (3 - 2 * done)  # slowly on, slowly off
            box = picture.bounding_box()
            assert box is not None
            page.mouse.move(
                box["x"] + box["width"] * (column + done * (to_column - column)),
                box["y"] + box["height"] * (row + done * (to_row - row)),
            )
            settle(page)
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            yield shot.resize((WIDTH, round(shot.height * WIDTH / shot.width)), Image.Resampling.LANCZOS)


def settle(page: Page) -> None:
    """Wait until every panel shows what is asked for."""
    page.wait_for_selector('[data-panel^="map"]', timeout=120_000)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-panel^=map]')].every(one => one.getAttribute('aria-busy') === 'false')",
        timeout=120_000,
    )


if __name__ == "__main__":
    main()
