"""Behind HTTP: token, hosts, origins, sites, sizes, paths, headers."""

import json
import socket
import threading
import urllib.request
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from segdepth.core.errors import InputError
from segdepth.explorer import server as module
from segdepth.explorer.explorer import Explorer
from segdepth.explorer.safety import HEADERS, Safety
from segdepth.explorer.server import application, listen, serve

from .streets import explorer_of, png

TOKEN = {"authorization": "Bearer secret"}


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return explorer_of("seg")


@pytest.fixture
def client(explorer: Explorer) -> Iterator[TestClient]:
    with TestClient(application(explorer, Safety("secret", ["hub.example.org"])), "http://localhost:8641") as client:
        yield client


def test_the_page_wants_its_token(client: TestClient) -> None:
    assert client.get("/?token=secret").headers["content-type"] == "text/html; charset=utf-8"
    for address in ("/", "/?token=", "/?token=secre"):
        assert (client.get(address).status_code, client.get(address, headers=TOKEN).status_code) == (401, 401)


def test_requests_want_it_in_their_head(client: TestClient) -> None:
    assert client.get("/api/session", headers=TOKEN).json()["networks"][0]["id"] == "n0"
    for headers in ({}, {"authorization": "Bearer no"}, {"authorization": "secret"}, {"authorization": "Basic secret"}):
        assert client.get("/api/session?token=secret", headers=headers).status_code == 401


def test_replies_are_the_explorers(client: TestClient) -> None:
    reply = client.get("/api/map?picture=p0&network=n0&row=3&column=4", headers=TOKEN)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/octet-stream")
    nothing = client.get("/api/map?picture=p0&network=n0&row=9&column=4&target=car&exact=0", headers=TOKEN)
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert client.get("/api/map?picture=p0&network=n0&row=99&column=4", headers=TOKEN).status_code == 400
    assert client.get("/api/nothing", headers=TOKEN).status_code == 404


@pytest.mark.parametrize("path", ["/?token=secret", "/api/session", "/static/index.html", "/nothing.js", "/api/a/b"])
def test_every_reply_has_the_headers(client: TestClient, path: str) -> None:
    for headers in (TOKEN, {"host": "evil.com"}):
        reply = client.get(path, headers=headers)
        assert {name: reply.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.com"},
        {"host": "evil.com:8641", "origin": "http://evil.com:8641"},  # a name that was turned to this machine
        {"origin": "http://evil.com"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/?token=secret", "/api/session", "/api/pictures", "/static/index.html"])
def test_strangers_are_refused_whatever_they_know(client: TestClient, path: str, headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        assert client.request(method, path, headers={**TOKEN, **headers}).status_code == 403


def test_a_proxy_is_answered_by_its_name(client: TestClient) -> None:
    headers = {**TOKEN, "host": "hub.example.org", "origin": "https://hub.example.org", "sec-fetch-site": "same-origin"}
    assert client.get("/api/session", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/static/../server.py", "/static/..%2fserver.py", "/static/server.py", "/../pyproject.toml", "/..%2f..%2fetc%2fpasswd",
     "/%2e%2e/server.py", "/server.py", "/index.html", "/.git",
     "/static/index.html%00", "/static/desk.pyc", "/static/INDEX.html", "//etc/passwd"],
)  # fmt: skip
def test_nothing_else_is_read(client: TestClient, path: str) -> None:
    assert client.get(path, headers=TOKEN).status_code == 404


def test_what_changes_something_is_posted(client: TestClient) -> None:
    assert client.get("/api/pictures", headers=TOKEN).status_code == 405
    assert client.post("/api/session", headers=TOKEN).status_code == 405
    assert client.post("/api/pictures?name=a.png", content=png(), headers=TOKEN).json()["picture"]["kind"] == "dropped"


def test_what_is_too_large_is_not_read(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    said = client.post("/api/pictures", content=bytes(1001), headers=TOKEN)
    assert said.status_code == 413
    unsaid = client.post("/api/pictures", content=iter([bytes(600), bytes(600)]), headers=TOKEN)
    assert unsaid.status_code == 413
    nonsense = client.post("/api/pictures", content=b"", headers={**TOKEN, "content-length": "-5"})
    assert nonsense.status_code == 413


@pytest.mark.parametrize("data", [b"", b"no picture", png()[:100], b"<svg onload=alert(1)>"])
def test_broken_pictures_are_one_sentence(client: TestClient, data: bytes) -> None:
    reply = client.post("/api/pictures?name=x.png", content=data, headers=TOKEN)
    assert reply.status_code == 400
    assert "x.png" in reply.json()["error"]


def test_the_next_free_port_is_taken() -> None:
    with listen("127.0.0.1", None) as first, listen("127.0.0.1", None) as second:
        ports = [one.getsockname()[1] for one in (first, second)]
        assert ports[0] < ports[1] < module.PORT + 50
        with pytest.raises(InputError, match="cannot serve at"):
            listen("127.0.0.1", ports[0])
    with pytest.raises(InputError, match="cannot serve at"):
        listen("198.51.100.7", None)


class Ended(Exception):  # noqa: N818 (as Ctrl-C is none)
    pass


def test_it_serves_and_ends(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    explorer, listening = explorer_of("seg"), listen("127.0.0.1", None)
    ready, found = threading.Event(), {}
    joined = threading.Thread.join

    def end(thread: threading.Thread, timeout: float | None = None) -> None:
        """In the main thread, as Ctrl-C would: once somebody was answered."""
        if thread.name == "serves" and not found:
            assert ready.wait(60)
            address = f"http://127.0.0.1:{listening.getsockname()[1]}/api/session"
            request = urllib.request.Request(address, headers=TOKEN)
            with urllib.request.urlopen(request, timeout=60) as reply:
                found.update(json.load(reply))
            with socket.create_connection(listening.getsockname(), 60) as stranger:
                stranger.sendall(b"no HTTP\r\n\r\n")
                found["stranger"] = stranger.recv(100)
            raise Ended
        joined(thread, timeout)

    monkeypatch.setattr(threading.Thread, "join", end)
    with pytest.raises(Ended):
        serve(explorer, Safety("secret"), listening, ready.set)
    assert found["networks"]
    assert found["stranger"].startswith(b"HTTP/1.1 400")
    assert not caplog.records, "strangers write nothing on the terminal"
    assert explorer._networks["n0"].actor.closed  # type: ignore[attr-defined]
