"""``segdepth config``: the schema, and a check of a file."""

from typing import Annotated

import typer

from .command import App

__all__ = ["config_app"]

config_app = App(help="Show the configuration schema; check a file.", invoke_without_command=True, no_args_is_help=True)


@config_app.callback()
def config(
    schema: Annotated[bool, typer.Option("--schema", help="Print the whole schema (JSON Schema).")] = False,
) -> None:
    """Show the configuration schema; check a file."""
    if schema:
        import json

        from segdepth.config import config_schema

        typer.echo(json.dumps(config_schema(), indent=2))


@config_app.command()
def check(
    file: Annotated[str, typer.Argument(help="YAML configuration.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            help="More files, and values over those of the files, such as training.optimizer.lr=3e-4.",
            metavar="[FILE | KEY=VALUE]...",
            show_default=False,
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print every value in force, defaults included.")] = False,
) -> None:
    """Check a configuration: every mistake in one line, with file, key, what was given and what is allowed."""
    from pathlib import Path

    import yaml

    from segdepth.config import config_to_dict, load_config

    others = overrides or []
    values = [text for text in others if "=" in text]
    for one in (file, *(text for text in others if "=" not in text)):
        checked = load_config(Path(one), values)
        if show:
            typer.echo(yaml.safe_dump(config_to_dict(checked), sort_keys=False), nl=False)
        else:
            typer.echo(f"{one}: good ({checked.model.arch}, {checked.task}, {checked.data.dataset})")
