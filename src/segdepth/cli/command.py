"""Commands whose help breaks no name: a long one has a line of its own, where a table would cut it into pieces."""

from collections.abc import Callable, Sequence
from textwrap import indent, wrap
from typing import Any, TypeVar, no_type_check

import typer
from typer.core import TyperCommand, TyperGroup

__all__ = ["App"]

#: Columns of names; a longer one has a line of its own.
_WIDEST = 28

_Function = TypeVar("_Function", bound=Callable[..., Any])


class _Sections:
    """Help in sections, by the panel of an option; what needs no name first."""

    @no_type_check  # the classes of contexts, parameters and formatters have no public name
    def format_options(self, ctx, formatter):
        sections = {"Arguments": []}
        for parameter in self.get_params(ctx):
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            if record := parameter.get_help_record(ctx):
                sections.setdefault(parameter.rich_help_panel or usual, []).append(record)
        _write(formatter, sections)


class _Command(_Sections, TyperCommand):
    pass


class _Group(_Sections, TyperGroup):
    @no_type_check
    def format_options(self, ctx, formatter):
        super().format_options(ctx, formatter)
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        _write(formatter, {"Commands": [(name, command.get_short_help_str(limit=1000)) for name, command in commands]})


@no_type_check
def _write(formatter, sections):
    for title, rows in sections.items():
        if rows:
            with formatter.section(title):
                formatter.write(_table(rows, formatter.width))


def _table(rows: Sequence[tuple[str, str]], width: int) -> str:
    """Names and what they are; words stay whole, those with hyphens too."""
    column = min(_WIDEST, max(len(name) for name, _ in rows))
    text = ""
    for name, what in rows:
        lines = wrap(what, width - column - 4, break_on_hyphens=False, break_long_words=False)
        if len(name) <= column:
            name, lines = f"{name:{column}}  {lines[0] if lines else ''}".rstrip(), lines[1:]
        text += indent("\n".join([name, *(" " * (column + 2) + line for line in lines)]), "  ") + "\n"
    return text


class App(typer.Typer):
    """A group of commands, as :class:`typer.Typer`, with help in plain sections."""

    def __init__(self, **options: Any) -> None:
        super().__init__(cls=_Group, rich_markup_mode=None, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[_Function], _Function]:
        """As :meth:`typer.Typer.command`."""
        return super().command(name, cls=_Command, **options)
