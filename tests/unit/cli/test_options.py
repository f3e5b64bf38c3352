"""Options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from segdepth.cli.app import build_app
from segdepth.cli.options import NetworkOptions, spread


@dataclass(frozen=True)
class Shared:
    """What several commands take."""

    size: Annotated[int, typer.Option("--size", min=1, help="In pixels.")] = 3
    name: Annotated[str | None, typer.Option("--name", "--old_name")] = None


@dataclass(frozen=True)
class More(Shared):
    """And more."""

    where: Annotated[Path, typer.Option("--where")] = Path("here")


def app_of(command: Any) -> typer.Typer:
    app = typer.Typer()
    app.command()(command)
    return app


def test_a_command_is_handed_an_object_filled_from_its_options() -> None:
    given: list[Any] = []

    @spread()
    def command(
        first: Annotated[list[str] | None, typer.Argument()] = None,
        *,
        more: More,
        last: Annotated[bool, typer.Option("--last")] = False,
    ) -> None:
        """What it does."""
        given.append((first, more, last))

    run = CliRunner().invoke
    assert run(app_of(command), ["a", "--old_name", "b", "--where", "there", "--last"]).exit_code == 0
    assert run(app_of(command), []).exit_code == 0
    assert given == [(["a"], More(3, "b", Path("there")), True), (None, More(), False)]
    assert run(app_of(command), ["--size", "0"]).exit_code == 2
    assert (command.__name__, command.__doc__) == ("command", "What it does.")


def test_a_command_may_leave_fields_out() -> None:
    given: list[Shared] = []

    @spread(without=("name",))
    def command(*, shared: Shared) -> None:
        given.append(shared)

    assert CliRunner().invoke(app_of(command), ["--name", "a"]).exit_code == 2
    assert CliRunner().invoke(app_of(command), ["--size", "5"]).exit_code == 0
    assert given == [Shared(5, None)]


@pytest.mark.parametrize(
    "words",
    [("evaluate",), ("predict",), ("saliency",), ("study", "eval"), ("study", "class"), ("study", "faithfulness")],
)
def test_a_command_that_loads_a_network_lets_its_user_say_which(words: tuple[str, ...]) -> None:
    command = typer.main.get_command(build_app())
    for word in words:
        command = command.commands[word]  # type: ignore[attr-defined]
    spelled = {option.name: option.opts for option in command.params}
    assert {"model_name", "task", "height", "width", "device"} <= spelled.keys()
    assert {f"--{name}": spelled[name][1:] for name in ("height", "width")} == {
        "--height": ["--img_height"], "--width": ["--img_width"]
    }, "the old scripts' spellings beside ours"  # fmt: skip
    assert NetworkOptions().device == "auto"
