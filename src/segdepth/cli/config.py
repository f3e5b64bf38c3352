"""``segdepth config``: the schema, and a check of a file."""

from typing import Annotated

import typer

from .options import Overrides

__all__ = ["config_app"]

config_app = typer.Typer(
    help="Show the configuration schema; check a file.", invoke_without_command=True, no_args_is_help=True
)


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
    overrides: Overrides = None,
    show: Annotated[bool, typer.Option("--show", help="Print every value in force, defaults included.")] = False,
) -> None:
    """Check a configuration: every mistake in one line, with file, key, what was given and what is allowed."""
    from pathlib import Path

    import yaml

    from segdepth.config import config_to_dict, load_config

    checked = load_config(Path(file), overrides or ())
    if show:
        typer.echo(yaml.safe_dump(config_to_dict(checked), sort_keys=False), nl=False)
    else:
        typer.echo(f"{file}: good ({checked.model.arch}, {checked.task}, {checked.data.dataset})")
