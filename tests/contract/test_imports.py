"""No ring of imports, however they are written: inside functions, by name, or as entries of lazy tables.

`make layers` reads import statements only, and does not see a module that imports the package it is part of.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"

#: Who imports what no text in the same place names, and why no ring can hide there.
BY_VARIABLE_NAME = {
    "segdepth.core.tables": "a lazy table's entries, each read as an import by whoever holds the table",
    "segdepth.networks.guests.library": "other people's libraries, by names that the modules beside it write out",
    "segdepth.networks.guests.python": "code that a user names; what it imports of ours is there already",
}

ENTRY = re.compile(r"(segdepth(?:\.\w+)*):\w+")


def sources() -> dict[str, str]:
    """The text of every module; a package's is that of its ``__init__``, and its name ends in a dot."""
    found = {}
    for path in sorted(SOURCES.glob("segdepth/**/*.py")):
        name = ".".join(path.relative_to(SOURCES).with_suffix("").parts)
        found[name.removesuffix("__init__")] = path.read_text()
    return found


def imported(module: str, text: str) -> Iterator[str | None]:
    """Full names that a module imports, of modules or of what is in them; None for one that only running it would tell."""
    package = module.rpartition(".")[0]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and (entry := ENTRY.fullmatch(node.value)):
            yield entry[1]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in (
            "import_module",
            "__import__",
        ):
            name = node.args[0] if node.args else None
            named = isinstance(name, ast.Constant) and isinstance(name.value, str)
            yield resolve_name(name.value, package) if named else None


def graph(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """Module -> modules that it imports; those that Python runs on the way, a module's own packages, are no choice of its."""
    modules = {name.removesuffix("."): name for name in texts}
    found: dict[str, set[str]] = {}
    for name, text in texts.items():
        names = {target for target in imported(name, text) if target is not None}
        nearest = {target if target in modules else target.rpartition(".")[0] for target in names}
        found[name.removesuffix(".")] = nearest & modules.keys()
    return found


def ring(texts: Mapping[str, str]) -> str | None:
    """One ring of imports; None where there is none."""
    try:
        TopologicalSorter(graph(texts)).prepare()
    except CycleError as error:
        return " <- ".join(error.args[1])
    return None


def test_there_is_no_ring() -> None:
    assert ring(sources()) is None


def test_whatever_is_imported_by_a_variable_name_is_known_to_close_none() -> None:
    assert {name for name, text in sources().items() if None in imported(name, text)} == BY_VARIABLE_NAME.keys()


@pytest.mark.parametrize(
    "text",
    [
        "from .b import x",
        "def f():\n    from . import b",
        "def f():\n    import segdepth.p.b",
        "def f():\n    return import_module('segdepth.p.b')",
        "def f():\n    return importlib.import_module('.b', __package__)",
        "def f():\n    return __import__('segdepth.p.b')",
        "TABLE = LazyTable({'b': 'segdepth.p.b:Class'})",
        "def f():\n    return import_module('segdepth.p')",
        "def f():\n    from segdepth.p import B",
    ],
)
def test_a_ring_is_found(text: str) -> None:
    house = {"segdepth.": "", "segdepth.p.": "from .b import B", "segdepth.p.b": "from .a import A"}
    assert ring(house | {"segdepth.p.a": "import torch"}) is None
    assert "segdepth.p.a" in str(ring(house | {"segdepth.p.a": text}))
