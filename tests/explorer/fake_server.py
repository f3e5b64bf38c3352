"""A server that speaks the explorer's protocol and makes its numbers up, for tests of the front alone."""

import base64
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from segdepth.drawing.colours import colour_map
from segdepth.explorer.front import front_file

TOKEN = "a-token"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)

CLASSES = ("road", "building", "sky", "car")

#: Height and width of each network's answers.
SIZES = {"fcn": (64, 208), "monodepth": (128, 416), "vit": (64, 208), "hrnet": (96, 312)}

NAMES = {"fcn": "FCN-8s", "monodepth": "Monodepth", "vit": "ViT-Tiny", "hrnet": "HRNet-W18"}

#: Every so many pixels a map is computed when a picture is opened.
GRID = 16


def container(head: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """The protocol's container."""
    entries, offset = {}, 0
    for name, array in arrays.items():
        entries[name] = {"dtype": str(array.dtype), "shape": list(array.shape), "offset": offset}
        offset += -(-array.nbytes // 8) * 8
    text = json.dumps(head | {"arrays": entries}).encode()
    text += b" " * (-(len(text) + 4) % 8)
    content = b"".join(array.tobytes() + b"\0" * (-array.nbytes % 8) for array in arrays.values())
    return len(text).to_bytes(4, "little") + text + content


def picture(height: int = 128, width: int = 416) -> np.ndarray:
    """A street, roughly."""
    rows, columns = np.mgrid[:height, :width]
    y, x = rows / height, columns / width
    image = np.zeros((height, width, 3))
    image[:] = np.stack([120 + 90 * y, 160 + 60 * y, 215 + 20 * y], -1)
    tops = 0.15 + 0.22 * np.abs(x - 0.5) * np.cos(np.floor(x * 11) * 2.1) ** 2 + 0.3 * (np.abs(x - 0.5) < 0.08)
    house = (y > tops) & (y < 0.55)
    image[house] = (np.stack([90 + 60 * np.sin(np.floor(x * 11)), 80 + 30 * y, 75 + 20 * y], -1))[house]
    windows = house & (np.mod(y * 22, 1) > 0.55) & (np.mod(x * 66, 1) > 0.5)
    image[windows] = (215, 205, 150)
    road = y >= 0.55
    image[road] = np.stack([85 + 40 * y, 85 + 40 * y, 92 + 40 * y], -1)[road]
    image[road & (np.abs(x - 0.5) < 0.02 * (y - 0.5) * 4) & (np.mod(1 / (y - 0.5 + 1e-6), 2) > 1)] = (235, 235, 225)
    image[labels(height, width) == 3] = (170, 40, 40)
    noise = np.random.default_rng(0).normal(0, 6, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def labels(height: int, width: int) -> np.ndarray:
    """Class of each pixel."""
    rows, columns = np.mgrid[:height, :width]
    y, x = rows / height, columns / width
    found = np.where(y >= 0.55, 0, np.where(y > 0.22 + 0.1 * np.sin(x * 9), 1, 2)).astype(np.int32)
    found[(np.abs(x - 0.68) < 0.05) & (np.abs(y - 0.58) < 0.11)] = 3
    return found


def depth(height: int, width: int) -> np.ndarray:
    """Metres of each pixel."""
    y = np.mgrid[:height, :width][0] / height
    metres = np.where(y > 0.55, 4 / np.maximum(y - 0.5, 0.04), 60.0)
    metres[labels(height, width) == 3] = 12.5
    return metres.astype(np.float32)


def saliency(network: str, row: int, column: int, model: str = "trained", method: str = "gradient") -> np.ndarray:
    """The map that the fake gives for a pixel."""
    height, width = SIZES[network]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    spread = {"fcn": 9.0, "monodepth": 30.0, "vit": 14.0, "hrnet": 12.0}[network] * (2 if model == "random" else 1)
    distance = ((rows - row) / spread) ** 2 + ((columns - column) / (1.6 * spread)) ** 2
    texture = np.random.default_rng(len(network) + len(method)).gamma(0.7, 1.0, (height, width)).astype(np.float32)
    return (np.exp(-distance / 2) * texture * 0.02 + 1e-6 * texture).astype(np.float32)


@dataclass
class Fake:
    """What the fake answers, how slowly, and what it was asked.

    Attributes:
        networks: ids of those that it has.
        delay: seconds that a map takes.
        wrong: maps say that they belong to another pixel.
    """

    networks: tuple[str, ...] = ("fcn", "monodepth")
    delay: float = 0.0
    wrong: bool = False
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    under_way: Counter[tuple[str, str]] = field(default_factory=Counter)
    most: Counter[tuple[str, str]] = field(default_factory=Counter)
    pictures: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"id": "p0", "name": "street_0001.png", "kind": "given", "truths": ["labels", "depth"]},
            {"id": "p1", "name": "street_0002.png", "kind": "given", "truths": []},
        ]
    )
    lock: threading.Lock = field(default_factory=threading.Lock)

    def session(self) -> dict[str, Any]:
        """The reply to ``api/session``."""
        tables = {
            name: base64.b64encode(colour_map(name).tobytes()).decode()
            for name in ("magma", "viridis", "turbo", "gray")
        }
        return {
            "networks": [self.network(id) for id in self.networks],
            "pictures": self.pictures,
            "methods": [
                {"value": "gradient", "text": "gradient"},
                {"value": "input_x_gradient", "text": "input x gradient"},
            ],
            "colour_maps": tables,
            "limits": {"bytes": 20_000_000, "networks": 4, "pixels": 40_000_000},
            "can": {"drop": True, "mask": True, "random": True, "fields": True, "study": True},
        }

    def network(self, id: str) -> dict[str, Any]:
        """One network of the session."""
        deep = id == "monodepth"
        classes = [] if deep else [{"name": name, "colour": [100, 100, 100]} for name in CLASSES]
        targets = [{"value": "depth", "text": "depth"}, {"value": "log_depth", "text": "log depth"}] if deep else [
            {"value": "class", "text": "predicted class"}, *({"value": name, "text": name} for name in CLASSES)
        ]  # fmt: skip
        return {
            "id": id, "name": NAMES[id], "arch": id, "task": "depth" if deep else "seg", "source": f"runs/{id}",
            "explained": targets[0]["text"], "targets": targets, "size": None,
            "classes": classes, "models": ["trained", "random"],
            "patch": 16 if id == "vit" else None,
        }  # fmt: skip

    def answer(self, words: dict[str, str]) -> bytes:
        """The reply to ``api/answer``."""
        id = words["network"]
        height, width = SIZES[id]
        common = {"picture": words["picture"], "network": id, "model": words["model"], "size": [height, width]}
        has_truth = any(p["id"] == words["picture"] and p["truths"] for p in self.pictures)
        if id == "monodepth":
            values = depth(height, width)
            form: dict[str, Any] = {"names": None, "unit": "m", "digits": 2}
            painted = colour_map("turbo")[(255 - np.clip(values * 3, 0, 255)).astype(np.uint8)]
            arrays = {"answer": values, "painted": painted}
            beside = []
        else:
            values = labels(height, width)
            form = {"names": list(CLASSES), "unit": "", "digits": 0}
            painted = np.array([[128, 64, 128], [70, 70, 70], [70, 130, 180], [0, 0, 142]], np.uint8)[values]
            margin = np.linspace(0, 9, height * width, dtype=np.float32).reshape(height, width)
            arrays = {"answer": values, "painted": painted, "top": margin + 3, "margin": margin}
            beside = [{"text": "logit", "array": "top"}, {"text": "margin", "array": "margin"}]
        truth = form | {"array": "truth"} if has_truth else None
        if truth:
            arrays |= {"truth": values, "truth_painted": painted}
        return container(common | {"answer": form | {"array": "answer"}, "beside": beside, "truth": truth}, arrays)

    def map(self, words: dict[str, str]) -> bytes | None:
        """The reply to ``api/map``."""
        id = words["network"]
        height, width = SIZES[id]
        region = [int(number) for number in words["region"].split(",")] if "region" in words else None
        if region:
            row, column = (region[0] + region[2]) // 2, (region[1] + region[3]) // 2
        else:
            row, column = int(words["row"]), int(words["column"])
        asked, exact = [row, column], words["exact"] == "1"
        if not exact:
            row, column = (
                min(number // GRID * GRID + GRID // 2, most - 1) for number, most in ((row, height), (column, width))
            )
        exact = exact or [row, column] == asked
        if self.wrong:
            asked = [asked[0] + 1, asked[1]]
        values = saliency(id, row, column, words["model"], words["method"])
        head = {name: words[name] for name in ("picture", "network", "model", "target", "method")}
        head |= {
            "row": row, "column": column, "region": region, "asked": asked, "exact": exact, "text": words["target"],
            "value": 7.25, "peak": float(values.max()), "zero": False, "engine": "fake", "ms": 1.0,
            "statistics": {"spread": 0.25 + row / 1000, "entropy": 5.5},
        }  # fmt: skip
        return container(head, {"map": values})

    def reply(self, path: str, words: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        """Status, type and content for a request."""
        kind = "application/octet-stream"
        if "picture" in words and words["picture"] not in {known["id"] for known in self.pictures}:
            return 410, "application/json", b'{"error": "This picture is no longer in memory."}'
        if path == "api/map" and words["target"] == "sky:sky":
            return 400, "application/json", b'{"error": "A class less itself is nothing."}'
        if path == "api/session":
            return 200, "application/json", json.dumps(self.session()).encode()
        if path == "api/pictures":
            if not body.startswith(b"\x89PNG"):
                return (
                    400,
                    "application/json",
                    json.dumps({"error": f"{words['name']} is no picture that can be read."}).encode(),
                )
            return self.opened(words["name"], "dropped")
        if path == "api/masked":
            return self.opened(f"{words['action']} {words['share']}", "masked")
        if path == "api/picture":
            return (
                200,
                kind,
                container({"name": self.name_of(words["picture"]), "size": [128, 416]}, {"image": picture()}),
            )
        if path == "api/answer":
            return 200, kind, self.answer(words)
        if path == "api/map":
            with self.counted(words):
                if words["exact"] == "1":
                    time.sleep(self.delay)  # the engine's time
                return 200, kind, self.map(words) or b""
        if path == "api/edges":
            edges = np.abs(np.gradient(picture(*SIZES[words["network"]]).mean(-1))[1]).astype(np.float32)
            return 200, kind, container({}, {"map": edges})
        return 200, "application/json", json.dumps(self.words_of(path, words)).encode()

    def words_of(self, path: str, words: dict[str, str]) -> dict[str, Any]:
        """Replies of JSON."""
        if path == "api/fields":
            row, column = int(words["row"]), int(words["column"])
            return {
                "theoretical": [row - 20, column - 30, row + 21, column + 31],
                "effective": {"0.5": 6.0, "0.9": 15.0},
            }
        if path == "api/study":
            edges = np.linspace(0, 1, 13).tolist()
            counts = [1, 4, 9, 15, 22, 18, 12, 8, 5, 3, 1, 1]
            one = {"edges": edges, "counts": counts, "mean": 0.41}
            return {"statistics": {"spread": one, "peak_share": one}, "targets": 99, "name": "study of 2026"}
        return {
            "python": f"Explainer(net).at(image).maps([({words.get('row')}, {words.get('column')})])",
            "command": "segdepth saliency",
        }

    def name_of(self, id: str) -> str:
        """A picture's name."""
        return next(picture["name"] for picture in self.pictures if picture["id"] == id)

    def opened(self, name: str, kind: str) -> tuple[int, str, bytes]:
        """A picture that is new."""
        made = {"id": f"p{len(self.pictures)}", "name": name, "kind": kind, "truths": []}
        self.pictures.append(made)
        return 200, "application/json", json.dumps({"picture": made}).encode()

    @contextmanager
    def counted(self, words: dict[str, str]) -> Iterator[None]:
        """Count a question for a map as long as it is under way."""
        key = (words["network"], words["exact"])
        with self.lock:
            self.under_way[key] += 1
            self.most[key] = max(self.most[key], self.under_way[key])
        try:
            yield
        finally:
            with self.lock:
                self.under_way[key] -= 1


class Server:
    """A fake on a port of the loopback, which can go away and come back."""

    def __init__(self, fake: Fake) -> None:
        self.fake = fake
        self.port = 0
        self.start()

    def start(self) -> None:
        """Answer, at the port that it had."""
        fake = self.fake
        connected: list[socket.socket] = []
        self.connected = connected

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                """Note who is connected."""
                super().setup()
                connected.append(self.connection)

            def log_message(self, *args: object) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                """Answer."""
                address = urlsplit(self.path)
                words = dict(parse_qsl(address.query))
                path = address.path.removeprefix("/prefix/")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, kind, content = 404, "application/json", b'{"error": "There is no such address."}'
                if path.startswith("api/"):
                    fake.asked.append((path, words))
                    if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                        status, kind, content = fake.reply(path, words, body)
                    else:
                        status, content = 401, b'{"error": "The token is missing."}'
                elif path == "" or path.startswith("static/"):
                    content, kind = front_file(path.removeprefix("static/") or "index.html")
                    status = 200
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(content)))
                    self.send_header("Content-Security-Policy", POLICY)
                    self.end_headers()
                    self.wfile.write(content)
                except ConnectionError:
                    self.close_connection = True  # the page lost interest

            do_POST = do_GET  # noqa: N815 - http.server's name

        class Listening(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A page that went away is no mistake."""

        self.http = Listening(("127.0.0.1", self.port), Handler)
        self.port = self.http.server_port
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Answer nobody."""
        self.http.shutdown()
        self.http.server_close()
        for one in self.connected:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.thread.join()

    @property
    def address(self) -> str:
        """The page's, behind a prefix as a notebook's proxy gives it."""
        return f"http://127.0.0.1:{self.port}/prefix/?token={TOKEN}"
