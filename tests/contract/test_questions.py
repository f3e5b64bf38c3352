"""Nobody asks which task or kind of truth it has: who needs to know asks the object, or has a table to which a line is added."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import segdepth
from segdepth.kinds import KINDS, Kind
from segdepth.metrics import Scores, ScoreTable
from segdepth.networks import OUTPUTS, Output
from segdepth.tasks import TASKS, Task

SOURCE = Path(inspect.getfile(segdepth)).parent
#: The names by which one could ask.
NAMES = frozenset(TASKS) | frozenset(KINDS) | frozenset(OUTPUTS)
#: Who may: the kinds, the tasks, and the file that names the pair of the claim.
MAY = ("kinds/", "tasks/", "studies/pairing.py")
#: Methods that take the name of a kind or task, or a key.
BY_NAME = frozenset({"get", "truth", "pop", "setdefault", "startswith", "endswith"})


def classes() -> frozenset[str]:
    """Names of the classes of kinds, tasks, metrics and outputs but for the general ones."""
    general = {Kind, Task, Scores, ScoreTable, Output}
    found: set[type] = set()
    waiting = list(general)
    while waiting:
        found.update(more := waiting.pop().__subclasses__())
        waiting += more
    return frozenset(one.__name__ for one in found if one.__module__.startswith("segdepth."))


def is_name(node: ast.AST | None) -> bool:
    """Whether it is one of the names, or a collection of which each is."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value in NAMES
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return bool(node.elts) and all(map(is_name, node.elts))
    return False


def has_name(node: ast.AST) -> bool:
    """Whether it is one of the names, or a collection that has one."""
    return is_name(node) or (isinstance(node, ast.Tuple | ast.List | ast.Set) and any(map(is_name, node.elts)))


def is_picked(node: ast.AST) -> bool:
    """Whether it is an object picked from a table by its name."""
    return (
        isinstance(node, ast.Subscript)
        and ast.unparse(node.value) in {"KINDS", "TASKS", "OUTPUTS"}
        and is_name(node.slice)
    )


def asks_for_a_class(sides: list[ast.expr]) -> bool:
    """Whether a type is compared with one of the classes."""
    return any(isinstance(side, ast.Name) and side.id in classes() for side in sides)


def names_in(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def is_question(node: ast.AST) -> bool:
    """Whether it tells kinds, tasks or outputs apart by their names or classes."""
    match node:
        case ast.Compare(left=left, comparators=others):
            sides = [left, *others]
            return any(map(has_name, sides)) or any(map(is_picked, sides)) or asks_for_a_class(sides)
        case ast.Subscript(value=ast.Dict(keys=keys)):  # {"seg": 1}[task]
            return any(map(is_name, keys))
        case ast.Subscript(value=ast.Name(id="KINDS")):  # what is picked from the table is an object
            return False
        case ast.Subscript(slice=part):  # truths["labels"], Literal["seg", "depth"]
            return is_name(part)
        case ast.Call(func=ast.Attribute(attr=method), args=[first, *_]) if method in BY_NAME:
            return is_name(first)
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kind]):
            return not classes().isdisjoint(names_in(kind))
        case ast.MatchValue(value=value):
            return is_name(value)
        case ast.MatchClass(cls=kind):
            return not classes().isdisjoint(names_in(kind))
    return False


def questions(text: str) -> list[tuple[int, str]]:
    """Line and source of every question in a module."""
    return [(node.lineno, ast.unparse(node)) for node in ast.walk(ast.parse(text)) if is_question(node)]


@pytest.mark.parametrize(
    "text",
    [
        'x = kind == "depth"',
        'x = "labels" in targets',
        'x = task in ("seg", "depth")',
        'x = [t for t in tasks if t != "seg"]',
        'truths["labels"]',
        'sample.truth("depth")',
        'table.get("labels")',
        'x: Literal["seg", "depth"]',
        "isinstance(metric, DepthScores)",
        "isinstance(metric, (int, metrics.SegmentationScores))",
        'match kind:\n    case "logits":\n        pass',
        'match kind:\n    case "logits" | "depth":\n        pass',
        "match kind:\n    case Labels():\n        pass",
        'x = means["seg"] - means["depth"]',
        'x = target in ("depth", "log_depth")',
        "x = type(metric) is DepthScores",
        'x = kind is KINDS["labels"]',
        'x = {"seg": 1, "depth": 2}[task]',
    ],
)
def test_each_spelling_is_found(text: str) -> None:
    assert questions(text)


@pytest.mark.parametrize(
    "text",
    [
        'answers = KINDS["labels"]',
        'TABLE = {"labels": CamVid, "depth": Eigen}',
        'create_network("segnet", task="depth")',
        'x = target == "log_depth"',
        "isinstance(metric, Scores)",
        "x = table[task.target]",
        'x: Literal["linear", "constant"]',
    ],
)
def test_tables_and_other_words_are_none(text: str) -> None:
    assert not questions(text)


def test_nobody_asks() -> None:
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        place = file.relative_to(SOURCE).as_posix()
        if not place.startswith(MAY):
            found += [f"{place}:{line}: {text}" for line, text in questions(file.read_text())]
    assert not found, "\n".join(found)


def test_no_template_names_any() -> None:
    words = re.compile(rf"""["']({"|".join(sorted(NAMES))})["']""")
    templates = sorted(SOURCE.rglob("templates/*"))
    assert templates
    assert not [f"{file.name}: {found}" for file in templates for found in words.findall(file.read_text())]


def test_who_may_ask_is_there() -> None:
    assert all((SOURCE / place).exists() for place in MAY)
