"""Commands, names and links in the documentation exist."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from segdepth.cli.app import build_app

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
#: What stands before a command, such as ``torchrun --nproc-per-node 4 -m segdepth``.
PROGRAM = re.compile(r"^(?:torchrun .*? -m )?segdepth (.*)$")


def commands(page: Path) -> list[str]:
    """The command lines of segdepth in a page's shell blocks, without the program's name."""
    blocks = re.findall(r"```(?:bash|sh)\n(.*?)```", page.read_text(), re.S)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [match[1] for line in lines if (match := PROGRAM.match(line.strip()))]


def check(line: str) -> None:
    """Walk down the verbs, and look every flag up."""
    command: Any = typer.main.get_command(build_app())
    words = shlex.split(line, comments=True)
    while hasattr(command, "commands"):
        if command.invoke_without_command and (not words or words[0].startswith("-")):
            break  # a group that is a command too
        verb = words.pop(0)
        assert verb in command.commands, f"no verb {verb!r} in {line!r}"
        command = command.commands[verb]
    known = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        if word.startswith("-") and not word.lstrip("-").replace(".", "").isdigit():
            assert word.split("=")[0] in known, f"no flag {word} of {command.name!r} in {line!r}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_every_command_of_a_page_exists(page: Path) -> None:
    for line in commands(page):
        check(line)


def test_the_check_can_fail() -> None:
    assert sum(len(commands(page)) for page in PAGES) > 40
    for wrong in ("studdy eval", "study evaluate", "saliency --methd gradient"):
        with pytest.raises(AssertionError):
            check(wrong)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, place = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{target} of {page.name}"
        if place and linked.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.M)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert place in anchors, f"{target} of {page.name}"
