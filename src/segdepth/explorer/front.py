"""The front's files, and all of its modules as one, by the convention of docs/design/0012-explorer.md."""

import re
from collections import Counter
from importlib.resources import files

from segdepth.core.errors import InputError

__all__ = ["front_file", "front_names", "modules_as_one"]

#: What browsers are told that each ending is.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}

_IMPORT = re.compile(r'^import \{ ([^}]*) \} from "\./([a-z_]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function |class |const )", re.MULTILINE)
_TOP_LEVEL = re.compile(r"^(?:export )?(?:(?:async )?function|class|const|let) (\w+)", re.MULTILINE)
_FOLDER = files("segdepth.explorer") / "static"


def front_names() -> list[str]:
    """The names of all files of the front, in order."""
    return sorted(item.name for item in _FOLDER.iterdir() if _ending(item.name) in _TYPES)


def front_file(name: str) -> tuple[bytes, str]:
    """One file of the front.

    Args:
        name: "index.html", "style.css" or a module's, without a folder.

    Returns:
        Its bytes, and its type as browsers are told it.

    Raises:
        KeyError: if the front has no such file.
    """
    if name not in front_names():
        raise KeyError(name)
    return (_FOLDER / name).read_bytes(), _TYPES[_ending(name)]


def modules_as_one(entry: str = "app.js") -> str:
    """A module and all that it imports as one script without imports and exports.

    Args:
        entry: the module that the others serve: "app.js" has ``mountExplorer(root, source, options)``.

    Raises:
        InputError: if two modules have the same name at their top level, or one is not in the convention.
    """
    modules: dict[str, str] = {}
    _collect(entry, modules)
    names = Counter(name for text in modules.values() for name in _TOP_LEVEL.findall(text))
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice:
        raise InputError(f"modules of the front share names of their top level: {', '.join(twice)}")
    return "\n".join(modules.values())


def _collect(name: str, modules: dict[str, str]) -> None:
    text = front_file(name)[0].decode("utf-8")
    for _, other in _IMPORT.findall(text):
        if other not in modules:
            _collect(other, modules)
    text = _EXPORT.sub("", _IMPORT.sub("", text))
    if re.search(r"^(?:import|export)\b", text, re.MULTILINE):
        raise InputError(f"{name} imports or exports otherwise than the front's convention has it")
    modules[name] = text


def _ending(name: str) -> str:
    return name[name.rfind(".") :]
