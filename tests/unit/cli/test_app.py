"""The front of the command line: what is shown where nothing is asked, what is near a mistyped word, the doctor."""

import json

import pytest
import typer

from segdepth import machine
from segdepth.cli import main
from segdepth.cli.app import COMMANDS, GROUPS, build_app
from segdepth.machine import Fact


def test_nothing_asked_shows_five_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    tasks = [line for line in shown.splitlines() if line.startswith("  ") and "segdepth " in line]
    assert len(tasks) == 5
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    "words", [[], *([name] for name in (*COMMANDS, *GROUPS)), ["study", "eval"], ["data", "check"]], ids=" ".join
)
def test_help_breaks_no_name_at_eighty_columns(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*words, "--help"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    command = typer.main.get_command(build_app())
    context = command.make_context("segdepth", [], resilient_parsing=True)
    for word in words:
        command = command.commands[word]
    for parameter in command.get_params(context):
        name, what = parameter.get_help_record(context)
        assert {*name.split(), *what.split()} <= {*shown.split()}
    assert "..." not in shown.partition("Commands:")[2]


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["trian"], "train"),
        (["data", "chek"], "check"),
        (["study", "evl"], "eval"),
        (["train", "--confg", "x"], "--config"),
        (["train", "--config", "segnet_synthetic_dept"], "segnet_synthetic_depth"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_near_one(
    words: list[str], near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert near in capsys.readouterr().err


def test_the_doctor_breaks_no_name_at_eighty_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    word = "a/path/that/is/longer/than/what/is/left/of/a/line/and/is/copied/into/a/shell"
    monkeypatch.setattr(
        machine, "EXAMINERS", (lambda: iter([Fact("one", f"in {word}", "do that"), Fact("two", "well")]),)
    )
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out == f"one  in\n     {word}\n     -> do that\ntwo  well\n"


def test_the_doctor_fails_where_something_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "EXAMINERS", (lambda: iter([Fact("one", "gone", "mend it", broken=True)]),))
    assert main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {"topic": "one", "found": "gone", "advice": "mend it", "broken": True}
    ]


def test_shells_can_complete(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_SEGDEPTH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "segdepth rece")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit):
        main([])
    assert "receptive-field" in capsys.readouterr().out
