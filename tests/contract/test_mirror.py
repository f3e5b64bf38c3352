"""Whoever changes a module finds its tests at the same path: ``segdepth/a/b.py`` is tested by ``tests/unit/a/test_b.py``.

That says where tests are, not whether they are enough: `make coverage` shows which lines they reach.
"""

import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES, UNIT = ROOT / "src/segdepth", ROOT / "tests/unit"

#: A module of more lines that defines a function, or a method, has logic of its own.
LINES = 40

#: Modules that are tested by other means, all of a pattern, and by which.
ELSEWHERE = {
    "*/__init__.py": "what a package offers is put to all that is in its tables by tests/contract",
    "cli/*.py": "commands are run by tests/e2e and tests/unit/cli",
    "networks/legacy/*.py": "the ancestor's numbers are in tests/unit/networks/test_conformance.py",
    "saliency/graph/operations/*.py": "tests beside each other hold operations against autograd, often several at once",
}

#: Modules that no file mirrors. Write the file and take the name away; none is added.
WITHOUT: frozenset[str] = frozenset(
    {
        "campaigns/demo/course.py",
        "campaigns/demo/page.py",
        "campaigns/demo/pictures.py",
        "campaigns/demo/run.py",
        "config/schema.py",
        "data/frames.py",
        "data/kitti_frames.py",
        "data/sample.py",
        "data/synthetic/objects.py",
        "data/synthetic/paint.py",
        "report/figures.py",
        "runs/record.py",
        "runs/tasks.py",
    }
)


def has_logic(text: str) -> bool:
    """Whether a module is worth a file of tests."""
    return len(text.splitlines()) > LINES and re.search(r"^ *(async )?def \w", text, re.MULTILINE) is not None


def mirror_of(module: str) -> str:
    """Where a module's tests belong.

    Args:
        module: its path below ``segdepth``.
    """
    path = PurePosixPath(module)
    return str(path.with_name(f"test_{path.name}"))


@cache
def texts() -> dict[str, str]:
    """Every module that is worth a file of tests, by its path below ``segdepth``."""
    found = {path.relative_to(SOURCES).as_posix(): path.read_text() for path in sorted(SOURCES.rglob("*.py"))}
    return {module: text for module, text in found.items() if has_logic(text)}


def is_elsewhere(module: str) -> bool:
    return any(fnmatchcase(module, pattern) for pattern in ELSEWHERE)


@cache
def without_mirror() -> frozenset[str]:
    return frozenset(module for module in texts() if not (UNIT / mirror_of(module)).exists())


def test_every_module_has_its_tests_at_its_path() -> None:
    missing = sorted(module for module in without_mirror() - WITHOUT if not is_elsewhere(module))
    assert not missing, "\n".join(
        f"{module} has no tests at its path: write tests/unit/{mirror_of(module)}, or move them there"
        for module in missing
    )


def test_no_exception_is_stale() -> None:
    stale = sorted(name for name in WITHOUT if name not in without_mirror() or is_elsewhere(name))
    assert not stale, (
        f"take away from WITHOUT what has its tests, is small, gone, or tested elsewhere: {', '.join(stale)}"
    )


@pytest.mark.parametrize("pattern", ELSEWHERE)
def test_no_rule_is_stale(pattern: str) -> None:
    assert any(fnmatchcase(module, pattern) for module in without_mirror())


def test_every_operation_is_named_by_a_test_of_operations() -> None:
    folder = "saliency/graph/operations"
    named = "".join(path.read_text() for path in (UNIT / folder).glob("*.py"))
    ours = [
        f"segdepth.{module.removesuffix('.py').replace('/', '.')} import"
        for module, text in texts().items()
        if fnmatchcase(module, f"{folder}/*.py") and re.search(r'^    name = "', text, re.MULTILINE)
    ]
    assert len(ours) > 10
    assert [words for words in ours if words not in named] == []


def test_every_file_of_tests_holds_one() -> None:
    empty = [
        path.name for path in UNIT.rglob("test_*.py") if not re.search(r"^ *def test_", path.read_text(), re.MULTILINE)
    ]
    assert not empty


def test_the_rule_sees_what_it_should() -> None:
    short, long = "def f(): ...\n", "def f(): ...\n" + LINES * "x = 1\n"
    assert not has_logic(short)
    assert has_logic(long)
    assert not has_logic(2 * LINES * "x = 1\n")
    assert mirror_of("saliency/graph/views.py") == "saliency/graph/test_views.py"
    assert is_elsewhere("cli/train.py")
    assert is_elsewhere("data/__init__.py")
    assert not is_elsewhere("data/folder.py")
    assert not is_elsewhere("networks/fcn.py")
