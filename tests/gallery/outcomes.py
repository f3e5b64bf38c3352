"""What became of each network, kept in a file from which docs/reference/coverage.md is made."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import torch

from gallery.gallery import Entry, Library
from segdepth.saliency import Part

__all__ = ["FILE", "Outcome", "compare", "outcome_of"]

FILE = Path(__file__).parent / "outcomes.json"

#: Set by `make gallery`, in one process, which writes what is found instead of comparing with what was found.
RENEW = "SEGDEPTH_RENEW_GALLERY"


class Outcome(TypedDict):
    """What became of a network.

    Attributes:
        answer: what is explained of what it returns, and its shape.
        native: how many operations the engines know.
        blocks: what autograd goes back through at once: module and operation.
        whole: why nothing was taken apart; empty where something was.
    """

    answer: str
    native: int
    blocks: list[str]
    whole: str


def outcome_of(entry: Entry, parts: Sequence[Part]) -> Outcome:
    """A row of the table."""
    blocks = [f"{part.module or 'all of it'}: {part.operation}" for part in parts if part.how == "block"]
    whole = "; ".join(part.reason for part in parts if part.how == "whole")
    native = sum(part.how == "native" for part in parts)
    return {"answer": entry.picked, "native": native, "blocks": blocks, "whole": whole}


def compare(library: Library, name: str, found: Outcome) -> None:
    """Hold an outcome against the one in the file, where the file is of this version of torch.

    Raises:
        AssertionError: if they differ.
    """
    if not torch.__version__.startswith(library.torch):
        return
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    if os.environ.get(RENEW):
        names = [entry.name for entry in library.entries]
        rows = kept.get(library.name, {}) | {name: found}
        kept[library.name] = {each: rows[each] for each in names if each in rows}
        FILE.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
        return
    assert kept[library.name].get(name) == found, "another outcome than in outcomes.json: run `make gallery`, and look"
