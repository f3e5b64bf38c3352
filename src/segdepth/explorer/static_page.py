"""A page that works from a disk: the front, and in place of a server what was computed when the page was written."""

import base64
import html
import json
import math
import shlex
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray

from segdepth.core.errors import InputError
from segdepth.core.files import write_bytes
from segdepth.core.provenance import provenance
from segdepth.geometry.resize import shrink_averaged

from .ahead import coarse_grid
from .container import finite, pack, unpack
from .explorer import Explorer, Reply, Request
from .front import front_file, modules_as_one
from .questions import MODELS

__all__ = ["LIMIT", "MEGABYTE", "POSITIONS", "StaticPage", "roots_of", "rounded", "write_static_page"]

#: Bytes, as limits and sizes of pages are said.
MEGABYTE = 1_000_000

#: Of a page, where nothing else is said.
LIMIT = 8 * MEGABYTE

#: Pixels of a picture whose maps are on the page, about.
POSITIONS = 200

#: Maps that are computed together: neighbours share most of the work.
_BLOCK = 64

#: Numbers of a map that are kept at most, and how many times coarser its sides may become where a page would be too large.
_STORED, _COARSER = 1 << 16, (1, 2, 4)

#: Fewer positions than these are no map to move over.
_FEWEST = 12

#: What is explained, and how, at every position.
_TARGET, _METHOD = "predicted", "gradient"

#: Bits that are kept of the significand of numbers that are not maps.
_BITS = 14

#: What the page forbids itself: anything from anywhere but its own text.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob: data:; base-uri 'none'"
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class StaticPage:
    """What was written.

    Attributes:
        path: of the page.
        bytes: of the page.
        notes: what was chosen, and what is not exact, in sentences; they stand on the page, too.
    """

    path: Path
    bytes: int
    notes: Sequence[str]


@dataclass
class _Stored:
    """Maps at one size, a byte a value.

    Attributes:
        size: rows and columns.
        roots: of each map.
        scales: largest value of each map.
    """

    size: tuple[int, int]
    roots: list[UInt8[ndarray, "rows cols"]] = field(default_factory=list)
    scales: list[float] = field(default_factory=list)


class _Series:
    """The maps of one picture and network, at several sizes; it becomes smaller where it has to.

    Args:
        words: picture, network, model, target and method, by name.
        size: of the network.
        pixels: all of whose maps will be added.
    """

    def __init__(self, words: Mapping[str, str], size: tuple[int, int], pixels: Sequence[tuple[int, int]]) -> None:
        self.words = words
        self.size = size
        self.pixels = pixels
        self.skip = 1
        self._heads: list[dict[str, Any]] = []
        first = math.ceil(math.sqrt(size[0] * size[1] / _STORED))
        sizes = [tuple(max(1, round(side / (first * coarser))) for side in size) for coarser in _COARSER]
        self._stored = [_Stored((rows, columns)) for rows, columns in sizes]
        self._packed: str | None = None

    @property
    def stored(self) -> tuple[int, int]:
        """Rows and columns of what is kept of a map."""
        return self._stored[0].size

    def add(self, facts: Mapping[str, Any], values: Float32[ndarray, "h w"]) -> None:
        """The next pixel's map.

        Args:
            facts: what is said of it.
            values: the map.
        """
        self._heads.append({name: _short(value) for name, value in facts.items()})
        for stored in self._stored:
            roots, scale = roots_of(shrink_averaged(values, stored.size))
            stored.roots.append(roots)
            stored.scales.append(scale)

    @property
    def kept(self) -> list[int]:
        """Numbers of the pixels that are on the page: each so many-th row and column of the grid."""
        rows, columns = (sorted({pixel[axis] for pixel in self.pixels})[:: self.skip] for axis in (0, 1))
        return [k for k, (row, column) in enumerate(self.pixels) if row in rows and column in columns]

    def coarser(self) -> bool:
        """Keep smaller maps; False: they are the smallest."""
        if len(self._stored) == 1:
            return False
        del self._stored[0]
        self._packed = None
        return True

    def sparser(self) -> bool:
        """Keep every second row and column of the grid only; False: there are too few."""
        if len(self.kept) < 4 * _FEWEST:
            return False
        self.skip *= 2
        self._packed = None
        return True

    @property
    def packed(self) -> str:
        """All values, as the front unpacks them."""
        if self._packed is None:
            roots = self._stored[0].roots
            self._packed = _packed(b"".join(roots[k].tobytes() for k in self.kept))
        return self._packed

    def plain(self) -> dict[str, Any]:
        """As the front has it."""
        kept = self.kept
        return {
            **self.words, "size": self.size, "stored": self.stored, "pixels": [self.pixels[k] for k in kept],
            "heads": [self._heads[k] for k in kept], "scales": [self._stored[0].scales[k] for k in kept],
            "data": self.packed,
        }  # fmt: skip


def write_static_page(
    explorer: Explorer, path: Path, *, limit: int = LIMIT, positions: int = POSITIONS,
    progress: Progress = lambda _done, _total: None,
) -> StaticPage:  # fmt: skip
    """Write one HTML file with all networks and pictures of an explorer, which needs neither a server nor anything else.

    It has the maps of what is predicted at a regular grid of pixels. Where the page would be larger than its limit, first maps
    are stored smaller, then the grid becomes sparser.

    Args:
        explorer: that knows the answers.
        path: of the page.
        limit: bytes that it may have.
        positions: of the grid in each picture, about.
        progress: called with how many maps are done, and of how many.

    Raises:
        InputError: if the page cannot be made as small as its limit, or a network cannot explain what it predicts.
        CancelledError: if the explorer is closed meanwhile.
    """
    session = json.loads(_asked(explorer, "api/session").body)
    model = MODELS[0]
    replies = _Replies(explorer)
    all_series: list[_Series] = []
    for picture in session["pictures"]:
        replies.add("api/picture", picture=picture["id"])
        for network in session["networks"]:
            words = {"picture": picture["id"], "network": network["id"], "model": model}
            rows, columns = replies.add("api/answer", **words)["size"]
            pixels = sorted(coarse_grid((rows, columns), positions))
            all_series.append(_Series({**words, "target": _TARGET, "method": _METHOD}, (rows, columns), pixels))
    for network in session["networks"]:
        replies.add("api/study", network=network["id"])
    done, total = 0, sum(len(series.pixels) for series in all_series)
    progress(done, total)
    for series in all_series:
        for start in range(0, len(series.pixels), _BLOCK):
            block = series.pixels[start : start + _BLOCK]
            for found in explorer.maps(tuple(series.words.values()), block):
                series.add(found.facts, found.map)
            done += len(block)
            progress(done, total)
    page = _Page(explorer, session, replies.found, all_series)
    content = page.content()
    while len(content) > limit:
        if not page.shrink():
            raise InputError(
                f"{len(session['pictures'])} pictures and {len(session['networks'])} networks make a page of at least"
                f" {len(content) / MEGABYTE:.1f} MB, which is over the limit of {limit / MEGABYTE:g} MB: give fewer pictures or a"
                " larger limit"
            )
        content = page.content()
    write_bytes(path, content)
    return StaticPage(path, len(content), page.notes())


class _Replies:
    """What a server would have answered, by path and sorted parameters."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self.found: dict[str, dict[str, str]] = {}

    def add(self, path: str, **params: str) -> dict[str, Any]:
        """Ask, and keep the answer; returns a container's head."""
        reply = _asked(self._explorer, path, **params)
        head: dict[str, Any] = {}
        if reply.status != 204:
            body = reply.body
            if path != "api/study":
                head, arrays = unpack(body)
                body = pack(head, {name: rounded(array) for name, array in arrays.items()})
            words = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
            self.found[f"{path}?{words}"] = {"type": reply.type, "data": _packed(body)}
        return head


@dataclass
class _Page:
    """What the page is made of."""

    explorer: Explorer
    session: dict[str, Any]
    replies: Mapping[str, Mapping[str, str]]
    series: Sequence[_Series]

    def shrink(self) -> bool:
        """Keep less of what takes most; False: nothing is left that could be."""
        by_size = sorted(self.series, key=lambda series: -len(series.packed))
        return any(series.coarser() for series in by_size) or any(series.sparser() for series in by_size)

    def content(self) -> bytes:
        """The file."""
        data = {"session": self._session(), "replies": self.replies, "maps": [one.plain() for one in self.series]}
        notes = self.notes()
        about = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
        made = html.escape(_provenance())
        return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{html.escape(self._title())}</title>
<link rel="icon" href="data:,">
<style>
{front_file("style.css")[0].decode()}
{front_file("static_page.css")[0].decode()}</style>
</head>
<body>
<main id="explorer"><noscript>The explorer needs JavaScript.</noscript></main>
<footer class="about"><details><summary>{html.escape(self._summary())}</summary>
<ul>{about}</ul>
<pre>{made}</pre></details></footer>
<script type="application/json" id="explorer-data">{_in_script(data)}</script>
<script type="module">
{modules_as_one("static_main.js")}</script>
</body>
</html>
""".encode(errors="replace")  # names of files may be no text

    def notes(self) -> list[str]:
        """What was chosen, and what is not exact."""
        notes = []
        names = {one["id"]: one["name"] for one in (*self.session["networks"], *self.session["pictures"])}
        for one in self.session["networks"]:
            notes.append(f"{one['name']}: {one['source'] or 'given as an object'}.")
        notes.append("Pictures: " + ", ".join(one["name"] for one in self.session["pictures"]) + ".")
        kinds: dict[str, list[str]] = {}
        for series in self.series:
            kinds.setdefault(_grid_words(series), []).append(
                f"{names[series.words['network']]} on {names[series.words['picture']]}"
            )
        for words, of in kinds.items():
            notes.append(f"{', '.join(of)}: {words}")
        notes += [
            "Explained is what is predicted at a pixel, by its gradient. Between the positions the nearest one's map is shown,"
            " and named as such.",
            "Values of maps are rounded to 8 bits of a root scale: by at most 0.4 % of the map's largest value. What is said of a"
            " map in numbers (peak, statistics) was computed before, at full size.",
            f"Logits, metres and other answers that are no classes are rounded to {_BITS} bits.",
        ]
        commands = [self._command(one["id"]) for one in self.session["networks"]]
        return notes + [f"One map exactly, and any other: {command}" for command in commands if command]

    def _command(self, network: str) -> str | None:
        """Of the map in the middle of the first picture."""
        series = next(series for series in self.series if series.words["network"] == network)
        row, column = coarse_grid(series.size, len(series.pixels))[0]
        if not self.session["can"]["code"]:
            return None
        params = {**series.words, "row": str(row), "column": str(column)}
        reply = self.explorer.reply(Request("api/code", params))
        return str(json.loads(reply.body)["command"]) if reply.status == 200 else None

    def _session(self) -> dict[str, Any]:
        """Without what needs a server."""
        networks = [
            {
                **one,
                "targets": [t for t in one["targets"] if t["value"] == _TARGET],
                "classes": [],
                "models": [MODELS[0]],
            }
            for one in self.session["networks"]
        ]
        can = dict.fromkeys(self.session["can"], False) | {"study": self.session["can"]["study"]}
        methods = [one for one in self.session["methods"] if one["value"] == _METHOD]
        return {**self.session, "networks": networks, "methods": methods, "can": can}

    def _title(self) -> str:
        return "segdepth explorer: " + ", ".join(one["name"] for one in self.session["networks"])

    def _summary(self) -> str:
        counts = sorted({len(series.kept) for series in self.series})
        between = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        return (
            f"Maps of {between} positions a picture, computed ahead and rounded: what this page holds, and what made it"
        )


def _grid_words(series: _Series) -> str:
    kept = [series.pixels[k] for k in series.kept]
    rows, columns = (sorted({pixel[axis] for pixel in kept}) for axis in (0, 1))
    steps = " and ".join(
        f"every {round((known[-1] - known[0]) / max(1, len(known) - 1))} {what}"
        for known, what in ((rows, "rows"), (columns, "columns"))
    )
    height, width = series.size
    stored = series.stored
    words = f"{len(kept)} positions ({len(rows)} x {len(columns)}: {steps}), maps of {height}x{width} "
    if stored == series.size:
        return words + "stored at full size."
    part = f"{height / stored[0]:.3g} x {width / stored[1]:.3g}"
    return words + f"stored at {stored[0]}x{stored[1]}, each value the mean of {part} pixels."


def roots_of(values: Float32[ndarray, "h w"]) -> tuple[UInt8[ndarray, "h w"], float]:
    """A map in bytes: ``scale * (byte / 255) ** 2`` is within 0.4 % of the scale of each value.

    Args:
        values: the map, none below 0.

    Returns:
        The bytes, and the scale: the largest value; where a value is no finite number, the scale is none either.
    """
    scale = float(values.max())
    if scale == 0 or not math.isfinite(scale):
        return np.zeros(values.shape, np.uint8), scale
    return np.rint(255 * np.sqrt(values / np.float32(scale))).astype(np.uint8), scale


def rounded(array: ndarray) -> ndarray:
    """Numbers with fewer bits, which take less room once they are packed; whole numbers as they are.

    Args:
        array: of any type.
    """
    if array.dtype.kind != "f":
        return array
    parts, exponents = np.frexp(array)
    found: ndarray = np.ldexp(np.rint(parts * 2.0**_BITS) / 2.0**_BITS, exponents).astype(array.dtype)
    return found


def _short(value: Any) -> Any:
    """Numbers as a person reads them, in little room."""
    if isinstance(value, Mapping):
        return {name: _short(one) for name, one in value.items()}
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _asked(explorer: Explorer, path: str, **params: str) -> Reply:
    reply = explorer.reply(Request(path, params))
    if reply.status >= 400:
        raise InputError(json.loads(reply.body)["error"])
    return reply


def _packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def _in_script(value: Any) -> str:
    """JSON that ends no script, whatever words are in it."""
    return json.dumps(finite(value), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _provenance() -> str:
    """What made the page, for people."""
    made = provenance()
    said = {name: made[name] for name in ("time", "versions", "git")}
    return json.dumps({"command": shlex.join(made["command"]), **said}, indent=2)
