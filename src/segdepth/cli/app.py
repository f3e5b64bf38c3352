"""All verbs, one line each."""

import inspect
from collections.abc import Callable
from typing import no_type_check

import typer

from .analyse import analyse
from .command import App
from .config import config_app
from .convert import convert
from .data import data_app
from .demo import demo
from .doctor import doctor
from .evaluate import evaluate
from .explore import explore
from .export import export
from .networks import networks
from .predict import predict
from .prepare import prepare_app
from .receptive_field import receptive_field
from .reproduce import reproduce
from .runs import runs_app
from .saliency import saliency
from .study import study_app
from .train import train

__all__ = ["build_app"]

COMMANDS: dict[str, Callable[..., None]] = {
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
    "saliency": saliency,
    "explore": explore,
    "analyse": analyse,
    "receptive-field": receptive_field,
    "convert": convert,
    "export": export,
    "networks": networks,
    "reproduce": reproduce,
    "demo": demo,
    "doctor": doctor,
}
GROUPS = {"config": config_app, "data": data_app, "prepare": prepare_app, "runs": runs_app, "study": study_app}


#: What is shown where nothing is asked.
_FIRST = """\
segdepth: train, evaluate and explain networks for segmentation and depth

  See all of it     segdepth demo --quick
  Point at a pixel  segdepth explore
  Train             segdepth train --config segnet_synthetic_depth
  Score             segdepth evaluate --checkpoint runs/segnet_synthetic_depth
  Explain a pixel   segdepth saliency --checkpoint runs/segnet_synthetic_depth \\
                        --image street.png --pixel 80 200

Every command: segdepth --help. One command: segdepth train --help.
Whether all is well on this machine: segdepth doctor."""


def _version(wanted: bool | None) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"segdepth {version('segdepth')}")
        raise typer.Exit


def _help(function: Callable[..., None]) -> str:
    """A docstring as help: whole paragraphs, which the terminal breaks."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


def build_app() -> App:
    """The whole command line."""
    app = App(
        invoke_without_command=True, pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip

    @app.callback()
    @no_type_check  # typer hands over a context that is not of the class it wants named here
    def segdepth(
        context: typer.Context,
        _: bool | None = typer.Option(None, "--version", help="Print the version.", callback=_version, is_eager=True),
    ) -> None:
        """Train, evaluate and explain CNNs for semantic segmentation and monocular depth: one network, two tasks."""
        if context.invoked_subcommand is None:
            typer.echo(_FIRST)

    for name, function in COMMANDS.items():
        app.command(name, help=_help(function))(function)
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
    return app
