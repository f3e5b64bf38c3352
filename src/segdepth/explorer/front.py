"""The front's files, as the server hands them out."""

import re
from importlib.resources import files

__all__ = ["front_file"]

#: What browsers are told that each ending is.
_TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


def front_file(name: str) -> tuple[bytes, str]:
    """Bytes and type of a file of the front.

    Args:
        name: without a folder.

    Raises:
        KeyError: if the front has no such file.
    """
    file = files("segdepth.explorer") / "static" / name
    if not re.fullmatch(r"[a-z_]+\.[a-z]+", name) or not file.is_file():
        raise KeyError(name)
    return file.read_bytes(), _TYPES[name.rpartition(".")[2]]
