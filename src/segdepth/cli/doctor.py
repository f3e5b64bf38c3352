"""``segdepth doctor``."""

import json
import shutil
import textwrap
from dataclasses import asdict
from typing import Annotated

import typer

__all__ = ["doctor"]


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Look at this machine: PyTorch, cores, instruction sets, GPU, compiled loops, memory, disk, extras, browser; and advise.

    Exit code 1 if something that segdepth needs does not work. `segdepth data check` looks at a data set.
    """
    from rich.text import Text

    from segdepth.machine import examine_machine

    from .console import out

    facts = examine_machine()
    if as_json:
        typer.echo(json.dumps([asdict(fact) for fact in facts], indent=2))
    else:
        margin = " " * (max(len(fact.topic) for fact in facts) + 2)
        width = max(40, min(120, shutil.get_terminal_size().columns))

        def paragraph(text: str, first: str) -> str:
            return textwrap.fill(
                text,
                width,
                initial_indent=first,
                subsequent_indent=margin,
                break_long_words=False,
                break_on_hyphens=False,
            )

        for fact in facts:
            out.print(paragraph(fact.found, fact.topic.ljust(len(margin))), soft_wrap=True)
            if fact.advice:
                colour = "red" if fact.broken else "yellow"
                out.print(Text(paragraph(f"-> {fact.advice}", margin), style=colour), soft_wrap=True)
    if any(fact.broken for fact in facts):
        raise typer.Exit(1)
