"""The explorer in a real browser: from the pointer to the map on the screen, and what it takes of memory.

    python benchmarks/explorer.py                           # six networks at 256x832, each alone; four of them together
    python benchmarks/explorer.py --archs dispnet --count 5

`segdepth explore` is run as anybody runs it, with random weights, and driven in a headless Chromium: pointer events are sent
in the page, and the clock stops in the frame in which the map is drawn. Milliseconds, median and worst of twenty pixels:
``new`` is an exact map that nobody knew, ``engine`` what the engine took of it as the server says, ``beside`` the rest
(request, transfer, drawing, up to two frames); ``rested`` is another such map after the pointer has rested for 2.5 s, while
maps around it are computed ahead; ``near`` one that was computed ahead but is not in the page; ``held`` one that is.
``first`` is the time from opening the page to the first map, the server being up; ``start`` from the command to its address.
``server`` and ``workers`` are resident MiB after that, ``page`` the browser's JavaScript heap. With fewer free cores than
processes, times say little. Not to be run in a shell's background (`&`), which makes the command ignore the Ctrl-C that ends
it.
"""

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe, write_csv
from saliency import ARCHS

from segdepth.drawing import write_png
from segdepth.networks import Classes, save_network
from segdepth.tasks import create_network

#: In the page: notes what the server says of each exact map, and times a pointer's way.
SCRIPT = """() => {
  const ask = window.fetch;
  window.engine = {};
  window.fetch = async (address, options) => {
    const reply = await ask(address, options);
    const words = new URL(address).searchParams;
    if (String(address).includes("api/map") && words.get("exact") === "1" && reply.status === 200) {
      const bytes = await reply.clone().arrayBuffer();
      const length = new DataView(bytes).getUint32(0, true);
      const head = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
      window.engine[`${words.get("network")} ${words.get("row")} ${words.get("column")}`] = head.ms;
    }
    return reply;
  };
  const frame = () => new Promise(requestAnimationFrame);
  window.pointTo = async (x, y, panel) => {
    const shown = document.querySelector(`[data-panel="${panel}"]`);
    const canvas = document.querySelector('[data-panel="picture"] canvas[role]');
    const start = performance.now();
    const where = { clientX: x, clientY: y, bubbles: true, pointerId: 1, pointerType: "mouse" };
    canvas.dispatchEvent(new PointerEvent("pointermove", where));
    await frame();
    while (shown.getAttribute("aria-busy") !== "false") await frame();
    return performance.now() - start;
  };
}"""


def saved(arch: str, task: str, size: tuple[int, int], folder: Path) -> Path:
    """A network with random weights on disk."""
    torch.manual_seed(0)
    net = create_network(arch, task, **({"num_classes": 19} if task == "seg" else {})).eval()
    named = Classes.named([f"class {k}" for k in range(19)]) if net.output.answers.names_classes else None
    net.card = net.card.model_copy(update={"input_size": size, "classes": named})
    path = folder / f"{arch}-{task}.safetensors"
    save_network(net, path)
    return path


@contextmanager
def serving(networks: Sequence[Path], picture: Path) -> Iterator[tuple[str, int, float]]:
    """The command: its address, process and seconds to start."""
    begun = time.perf_counter()
    named = [word for path in networks for word in ("--checkpoint", str(path))]
    command = [sys.executable, "-m", "segdepth", "explore", *named, str(picture)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=picture.parent, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        try:
            yield address, process.pid, time.perf_counter() - begun
        finally:
            process.send_signal(signal.SIGINT)


def resident(number: int) -> float:
    """MiB of a process."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{number}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def children(number: int) -> list[int]:
    """The workers of the command."""
    found = subprocess.run(
        ["pgrep", "-f", "spawn_main", "-P", str(number)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in found.stdout.split()]


def case(name: str, networks: Sequence[Path], picture: Path, size: tuple[int, int], count: int) -> dict[str, Any]:
    """One row: the first network's maps are timed."""
    from playwright.sync_api import sync_playwright

    rng = np.random.default_rng(0)
    places = rng.integers((40, 60), (size[0] - 40, size[1] - 60), (2 * count, 2))
    pixels = [(int(row), int(column)) for row, column in places]
    with serving(networks, picture) as (address, number, start), sync_playwright() as running:
        browser = running.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(600_000)
        begun = time.perf_counter()
        page.goto(address)
        page.wait_for_selector('[data-panel="map n0"][aria-busy="false"]')
        first = time.perf_counter() - begun
        page.evaluate(SCRIPT)
        box = page.locator('[data-panel="picture"] canvas[role]').bounding_box()
        assert box is not None

        def point(pixel: tuple[int, int], panel: str = "map n0") -> float:
            scale = min(box["height"] / size[0], box["width"] / size[1])
            x = box["x"] + (box["width"] - scale * size[1]) / 2 + (pixel[1] + 0.5) * scale
            y = box["y"] + (box["height"] - scale * size[0]) / 2 + (pixel[0] + 0.5) * scale
            return float(page.evaluate("([x, y, panel]) => window.pointTo(x, y, panel)", [x, y, panel]))

        new, engine, rested, near, held = [], [], [], [], []
        for pixel in pixels[:count]:
            new.append(point(pixel))
            engine.append(list(page.evaluate("window.engine").values())[-1])
        for row, column in pixels[count:]:
            rested.append(point((row, column)))
            page.wait_for_timeout(2500)
            near.append(point((row, column + 1)))
            held.append(point((row, column)))
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 2**20
        workers = sum(map(resident, children(number)))
        server = resident(number)
        browser.close()
    rows: dict[str, Any] = {"networks": name, "rows": size[0], "columns": size[1], "start s": start, "first s": first}
    beside = [took - ms for took, ms in zip(new, engine, strict=True)]
    for title, values in (
        ("new", new),
        ("engine", engine),
        ("beside", beside),
        ("rested", rested),
        ("near", near),
        ("held", held),
    ):
        rows |= {f"{title} ms": statistics.median(values), f"{title} worst ms": max(values)}
    return rows | {"server MiB": server, "workers MiB": workers, "page MiB": heap}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archs", nargs="+", default=list(ARCHS))
    parser.add_argument("--size", type=int, nargs=2, default=(256, 832), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--csv", type=Path, default=Path("runs/benchmarks/explorer.csv"))
    options = parser.parse_args()
    size = (options.size[0], options.size[1])
    print(describe())
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = folder / "street.png"
        write_png(picture, np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8))
        networks = {arch: [saved(arch, "depth", size, folder)] for arch in options.archs}
        if len(networks) >= 4:
            networks["four"] = [path for paths in list(networks.values())[:4] for path in paths]
        for title, paths in networks.items():
            rows.append(case(title, paths, picture, size, options.count))
            print("  ".join(f"{key} {value:.3g}" if isinstance(value, float) else f"{value}" for key, value in rows[-1].items()),
                  flush=True)  # fmt: skip
            write_csv(options.csv, rows)
    print(options.csv)


if __name__ == "__main__":
    main()
