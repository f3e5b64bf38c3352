"""The front in a page that needs no server, opened from a disk."""

import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.fake_server import GRID, SIZES, Fake, saliency
from segdepth.explorer.front import front_file, modules_as_one

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import expect

from explorer.browsing import Visit

TARGETS = {"fcn": "class", "monodepth": "depth"}


def packed(content: bytes) -> str:
    """As the page has it."""
    return base64.b64encode(zlib.compress(content)).decode()


def series(fake: Fake, network: str) -> dict[str, Any]:
    """Maps on a grid, at half the size."""
    height, width = SIZES[network]
    pixels = [(row, column) for row in range(GRID // 2, height, GRID) for column in range(GRID // 2, width, GRID)]
    maps = np.stack([saliency(network, *pixel)[::2, ::2] for pixel in pixels])
    scales = maps.max((1, 2))
    roots = np.round(255 * np.sqrt(maps / scales[:, None, None])).astype(np.uint8)
    heads = [{"text": TARGETS[network], "value": 1.0, "peak": float(scale), "statistics": {}} for scale in scales]
    return {
        "picture": "p0", "network": network, "model": "trained", "target": TARGETS[network], "method": "gradient",
        "size": [height, width], "stored": list(maps.shape[1:]), "pixels": pixels, "heads": heads, "scales": scales.tolist(),
        "data": packed(roots.tobytes()),
    }  # fmt: skip


@pytest.fixture
def page(fake: Fake, tmp_path: Path) -> str:
    """The address of a page on the disk."""
    session = fake.session() | {"can": dict.fromkeys(("drop", "mask", "random", "fields", "study", "code"), False)}
    session["networks"] = [network | {"models": ["trained"]} for network in session["networks"]]
    session["pictures"] = fake.pictures[:1]
    asked = [("api/picture", {"picture": "p0"})]
    asked += [("api/answer", {"model": "trained", "network": network, "picture": "p0"}) for network in fake.networks]
    replies = {}
    for path, words in asked:
        _, kind, content = fake.reply(path, words, b"")
        replies[f"{path}?" + "&".join(f"{name}={value}" for name, value in words.items())] = {
            "type": kind,
            "data": packed(content),
        }
    data = {"session": session, "replies": replies, "maps": [series(fake, network) for network in fake.networks]}
    text = json.dumps(data).replace("<", "\\u003c")
    style = front_file("style.css")[0].decode()
    (tmp_path / "page.html").write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>explorer</title><style>{style}</style></head>'
        f'<body><main id="explorer"></main><script type="application/json" id="explorer-data">{text}</script>'
        f'<script type="module">{modules_as_one("static_main.js")}</script></body></html>',
        encoding="utf-8",
    )
    return (tmp_path / "page.html").as_uri()


def test_a_page_from_a_disk_shows_the_nearest_map_that_it_has_and_names_it(page: str, opened: Callable[..., Visit]):
    seen = opened(page)
    for network, (row, column) in {"fcn": (24, 40), "monodepth": (56, 88)}.items():
        seen.point(f"answer {network}", row + 2, column + 3, SIZES[network])
        seen.settled(f"map {network}")
        part = SIZES[network][0] // SIZES["fcn"][0]  # places are counted in the first network's pixels
        expect(seen.badge(f"map {network}")).to_have_text(f"nearest computed: ({row // part}, {column // part})")
        wanted = saliency(network, row, column)
        found = seen.array(f"map {network}")
        np.testing.assert_allclose(found[1::2, 1::2], wanted[::2, ::2], atol=wanted.max() / 100)
    seen.point("answer fcn", 24, 40, SIZES["fcn"])
    seen.settled("map fcn")
    expect(seen.badge("map fcn")).to_be_hidden()
    seen.page.wait_for_url("**at=24,40,64,208**")
    seen.page.reload()
    seen.settled("map fcn")
    expect(seen.badge("map fcn")).to_be_hidden()
