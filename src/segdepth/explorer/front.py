"""The front's files, as the server hands them out."""

import re
from importlib.resources import files

__all__ = ["PAGE", "front_file"]

#: The page itself.
PAGE = "index.html"

#: What the front's files are, by their ending.
_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}


def front_file(name: str) -> tuple[bytes, str] | None:
    """Content and type of a file of the front; None if there is none of that name.

    Args:
        name: without any folder.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_-]*\.[a-z]+", name) or name.rpartition(".")[2] not in _TYPES:
        return None
    file = files("segdepth.explorer") / "static" / name
    return (file.read_bytes(), _TYPES[name.rpartition(".")[2]]) if file.is_file() else None
