"""Each name of a run folder's files stands once in the code: in ``segdepth.runs.layout``."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from segdepth.runs import RunFolder

PACKAGE = Path(__file__).resolve().parents[2] / "src/segdepth"
FOLDER = RunFolder(Path("run"))
PROPERTIES = [value for value in (getattr(FOLDER, name) for name in dir(RunFolder)) if isinstance(value, Path)]
#: All but TensorBoard's, which is called after the library.
NAMES = sorted({path.name for path in PROPERTIES} - {FOLDER.path.name, FOLDER.events.name})


def said(module: Path) -> Iterator[str]:
    """The texts of a module that are no docstrings; of a text with gaps, what stands between them."""
    tree = ast.parse(module.read_text())
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
            yield node.value


def test_the_names_are_known() -> None:
    assert {"config.yaml", "provenance.json", "log.jsonl", "best.safetensors", "checkpoints"} <= set(NAMES)


@pytest.fixture(scope="module")
def texts() -> list[tuple[str, str]]:
    """Module and text, of all that is said in the package."""
    modules = sorted(PACKAGE.rglob("*.py"))
    return [(module.relative_to(PACKAGE).as_posix(), text) for module in modules for text in said(module)]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stands_once(name: str, texts: list[tuple[str, str]]) -> None:
    path = re.compile(rf"(^|/){re.escape(name)}(/|$)")
    assert [module for module, text in texts if path.search(text)] == ["runs/layout.py"]
