"""The explorer behind HTTP."""

import json
import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.requests import Request as Asked
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segdepth.core.errors import InputError

from .explorer import Explorer, Reply, Request
from .front import front_file
from .limits import MOST_BYTES
from .safety import HEADERS, Safety

__all__ = ["PORT", "application", "listen", "serve"]

#: Where the page is found, if nothing else is there.
PORT = 8641

#: Ports that are tried after it.
_TRIED = 50

#: Seconds that requests have to end when the server does.
_PATIENCE = 1

#: What is asked with a body, or changes what the server holds; all else is read only.
_POSTED = frozenset({"api/pictures", "api/masked"})


def application(explorer: Explorer, safety: Safety) -> ASGIApp:
    """What answers requests.

    Args:
        explorer: that knows the answers.
        safety: whom to answer.
    """

    async def page(request: Asked) -> Response:
        if not safety.knows(request.query_params.get("token")):
            return _text(401, "this page needs its token: open the address as the terminal printed it")
        return _file("index.html")

    async def file(request: Asked) -> Response:
        return _file(request.path_params["name"])

    async def api(request: Asked) -> Response:
        path = f"api/{request.path_params['name']}"
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not safety.knows(token.strip()):
            return _json(401, "this request needs the token of the printed address")
        if request.method != ("POST" if path in _POSTED else "GET"):
            return _json(405, f"{path} is not asked by {request.method}")
        body = await _body(request)
        if body is None:
            return _json(413, f"the picture has more than {MOST_BYTES >> 20} MiB")
        asked = Request(path, dict(request.query_params), body)
        return _response(await run_in_threadpool(explorer.reply, asked))

    routes = [
        Route("/", page, methods=["GET"]),
        Route("/api/{name}", api, methods=["GET", "POST"]),
        Route("/static/{name}", file, methods=["GET"]),
    ]
    return _Guarded(Starlette(routes=routes), safety)


class _Guarded:
    """Refuses who may not ask before anything else is looked at, and puts the headers on every reply."""

    def __init__(self, app: ASGIApp, safety: Safety) -> None:
        self._app = app
        self._safety = safety

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", ()), *((k.lower().encode(), v.encode()) for k, v in HEADERS.items()),
                ]  # fmt: skip
            await send(message)

        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        refusal = self._safety.refusal(headers)
        await (self._app if refusal is None else _json(403, refusal))(scope, receive, send_safely)


async def _body(request: Asked) -> bytes | None:
    """The body; None where it is too large, which is found out before it is read, or as it is."""
    said = request.headers.get("content-length", "0")
    if not said.isdigit() or int(said) > MOST_BYTES:
        return None
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MOST_BYTES:
                return None
            parts.append(part)
    except ClientDisconnect:
        return b""
    return b"".join(parts)


def _file(name: str) -> Response:
    try:
        content, media_type = front_file(name)
    except KeyError:
        return _text(404, "there is nothing of this name")
    return Response(content, media_type=media_type)


def _text(status: int, sentence: str) -> Response:
    return Response(sentence + "\n", status, media_type="text/plain; charset=utf-8")


def _json(status: int, sentence: str) -> Response:
    return Response(json.dumps({"error": sentence}), status, media_type="application/json")


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, media_type=None if reply.status == 204 else reply.type)


def listen(host: str, port: int | None) -> socket.socket:
    """A socket to serve at.

    Args:
        host: name or address of this machine.
        port: that somebody wants; None: :data:`PORT`, or the next one that is free.

    Raises:
        InputError: if the port that is wanted is taken, or the host is none of this machine's.
    """
    problem: OSError | None = None
    for number in range(PORT, PORT + _TRIED) if port is None else (port,):
        try:
            family = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0][0]
            found = socket.socket(family, socket.SOCK_STREAM)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                found.bind((host, number))
                found.listen()  # only now is it known whether somebody else listens
            except OSError:
                found.close()
                raise
            return found
        except OSError as error:
            problem = error
    assert problem is not None
    where = f"{host}:{PORT}..{PORT + _TRIED - 1}" if port is None else f"{host}:{port}"
    raise InputError(f"cannot serve at {where} ({problem.strerror}); give another --port or --host")


def serve(explorer: Explorer, safety: Safety, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Answer requests until Ctrl-C.

    Args:
        explorer: that knows the answers; closed at the end.
        safety: whom to answer.
        listening: where.
        ready: called once requests are answered.
    """
    config = uvicorn.Config(
        application(explorer, safety),
        log_config=None,
        log_level="error",  # what strangers send is no news
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_PATIENCE,
    )
    server = _Server(config, ready)
    # not in the main thread, where it would answer signals in its own way
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="serves", daemon=True)
    thread.start()
    try:
        thread.join()
    finally:
        explorer.close()  # nobody waits for an answer any more
        server.should_exit = True
        thread.join()


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
