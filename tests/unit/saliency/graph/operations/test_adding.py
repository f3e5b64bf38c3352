"""The example in docs/contributing.md of a file for a new operation, entered with one line, is known and right."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from segdepth.saliency.graph import lower, operations
from segdepth.saliency.graph.operations.block import Block

from .around import check
from .layouts import from_tokens, tokens

PAGE = (Path(__file__).resolve().parents[5] / "docs/contributing.md").read_text()


@pytest.fixture
def triangle(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that the page shows, as if it lay beside the other operations."""
    (text,) = re.findall(r"```python\n(.*?)```", PAGE.split("## An operation that engines know")[1], re.S)
    module = ModuleType(f"{operations.__name__}.triangle")
    module.__package__ = operations.__name__
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(text, "docs/contributing.md", "exec"), module.__dict__)
    return module


def test_the_page_s_operation_is_a_block_today() -> None:
    check(lambda x: x.tril(1), Block)


def test_it_is_known_with_one_line(triangle: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lower, "LOWERS", lower.LOWERS | triangle.LOWERS)
    check(lambda x: x.tril(1), triangle.Triangle)
    check(lambda x: from_tokens(tokens(x), 5).tril(-1), triangle.Triangle, channels=1, size=(5, 3), alone=True)
    check(torch.tril, triangle.Triangle, size=(1, 4))
