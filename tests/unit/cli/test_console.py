"""What stands on stderr while a long job runs: where its results will be, how far it is, how long it will take."""

import io
import math
import re
import time
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from segdepth.cli import console
from segdepth.cli.console import Pace, TrainingBar, counting, print_rows, results_in, score_table, table
from segdepth.evaluation import PROTOCOLS


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal 100 columns wide is shown."""
    shown = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=shown, force_terminal=True, width=100, color_system=None))
    return shown


def times(shown: io.StringIO) -> list[str]:
    return re.findall(r"ETA (\S+)", shown.getvalue())


@pytest.mark.parametrize("each", [0.01, 31.0, 780.0])
@pytest.mark.parametrize("begun", [0, 40])
@pytest.mark.parametrize("window", [60.0, math.inf])
def test_there_is_an_eta_after_the_first_step_whatever_it_takes(
    each: float, begun: int, window: float, clock: Clock
) -> None:
    pace = Pace(begun, window)
    assert pace.left(100) is None
    for done in range(begun + 1, 101):
        clock.now += each
        pace.reached(done)
        assert pace.left(100) == pytest.approx((100 - done) * each, abs=1e-6)


def test_an_eta_goes_down_while_a_step_lasts_and_not_below_zero(clock: Clock) -> None:
    pace = Pace()
    clock.now += 100
    pace.reached(1)
    clock.now += 30
    assert pace.left(3) == pytest.approx(170)
    clock.now += 1000
    assert pace.left(3) == 0


def test_the_pace_is_that_of_now(clock: Clock) -> None:
    """Files that are verified in no time do not make those that are still to be made any quicker."""
    pace = Pace()
    for done in range(1, 1001):
        clock.now += 0.01
        pace.reached(done)
    for done in range(1001, 1021):
        clock.now += 10
        pace.reached(done)
    assert pace.left(1030) == pytest.approx(100, rel=0.01)


def test_of_a_run_validations_count_in(clock: Clock) -> None:
    pace = Pace(window=math.inf)
    for done in range(1, 101):
        clock.now += 1 if done % 10 else 1 + 60  # a validation every ten updates
        pace.reached(done)
    assert pace.left(200) == pytest.approx(100 + 10 * 60)


def test_a_second_round_begins_anew(clock: Clock) -> None:
    pace = Pace()
    for each in (1, 5):
        for done in range(1, 11):
            clock.now += each
            pace.reached(done)
            assert done == 10 or pace.left(10) == pytest.approx((10 - done) * each)


def test_every_bar_shows_an_eta(terminal: io.StringIO, clock: Clock) -> None:
    with counting("predicting") as bar:
        clock.now += 40
        bar(1, 3)
    assert times(terminal)[-1] == "0:01:20"
    with counting("a study") as bar:
        bar.begin(50)
        bar(50, 53)
        clock.now += 40
        bar(51, 53)
    assert times(terminal)[-1] == "0:01:20"
    with TrainingBar() as training:
        training.start(100, 103)
        clock.now += 780
        training.step(101, 0.5, 1e-3)
    assert times(terminal)[-1] == "0:26:00"
    with TrainingBar() as training:
        training.start(0, 10)
        clock.now += 10
        training.step(1, 0.5, 1e-3)
        clock.now += 45
        training.validating(1, 3)
        clock.now += 0.001
    assert times(terminal)[-1] == "0:01:30"


def test_where_results_will_be_is_said_as_it_is(terminal: io.StringIO) -> None:
    folder = Path("runs") / "[bold]x[/bold] :bug: [/y]" / ("long" * 40)
    with results_in(folder):
        assert terminal.getvalue() == f"results: {folder}\n"


def test_ctrl_c_says_how_to_go_on(terminal: io.StringIO) -> None:
    with pytest.raises(KeyboardInterrupt), results_in(None, "the same command goes on"):
        raise KeyboardInterrupt
    assert terminal.getvalue() == "the same command goes on\n"


SCORES = ("abs_rel", "sq_rel", "rmse", "rmse_log", "a1", "a2", "a3")


@pytest.mark.parametrize("width", [200, 80, 72, 45])
def test_a_table_breaks_no_name_and_no_number(width: int) -> None:
    names = [*PROTOCOLS, "eigen-improved-nocrop-median, 0.001-50 m", "x"]
    rows = {name: dict.fromkeys(SCORES, 1.5 + place) for place, name in enumerate(names)}
    shown = io.StringIO()
    Console(file=shown, width=width).print(score_table(rows, (*SCORES, "none"), title="\ndepth"))
    lines = [line.rstrip() for line in shown.getvalue().splitlines()]
    assert lines[:2] == ["", "depth"]
    assert all(len(line) <= width for line in lines)
    for place, name in enumerate(names):
        (start,) = (k for k, line in enumerate(lines) if line == name or re.match(rf"{re.escape(name)}  +\d", line))
        words = " ".join(lines[start : start + 9]).removeprefix(name).split()
        numbers = [word for word in words if re.fullmatch(r"\d+\.\d+|-", word)]
        assert numbers[:8] == [f"{1.5 + place:.4f}"] * 7 + ["-"]
    assert sum(line.split().count("rmse_log") for line in lines) == (1 if width > 45 else len(names))


def test_a_short_table_is_as_narrow_as_its_names(terminal: io.StringIO) -> None:
    console.err.print(score_table({"best": {"mIoU": 0.5}, "last": {}}, ("mIoU",), title=""))
    assert terminal.getvalue().splitlines() == ["        mIoU", "best  0.5000", "last       -"]


def test_rows_of_a_table_may_have_the_same_name(terminal: io.StringIO) -> None:
    console.err.print(table([("conv", ["1"]), ("conv", ["22"])], ["stride"], title=""))
    assert terminal.getvalue().splitlines() == ["      stride", "conv       1", "conv      22"]


RUNS = [
    ("run", "network", "updates", "best", "wrong"),
    ("fcn8s_kitti/2026-12-01", "fcn8s", "100 of 100", "mIoU 0.1856 at 100", ""),
    ("街景/2026-12-02", "a-network-with-a-long-name", "7 of 100", "-", "its log is cut off in the middle of a line"),
    (),
]


@pytest.mark.parametrize("width", [200, 100, 80, 60, 20])
def test_a_terminal_breaks_sentences_only(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "out", Console(force_terminal=True, width=width))
    print_rows(RUNS)
    printed = capsys.readouterr().out
    lines = printed.split("\n")
    for row in RUNS:
        assert all(any(cell in line for line in lines) for cell in row[:-1])
    assert " ".join(RUNS[2][-1].split()) in " ".join(printed.split())
    if width > 26 + 2:
        assert max(map(cell_len, lines)) <= width
    assert lines[-2:] == ["", ""], "an empty row is an empty line"
    assert "" not in lines[:-2]


def test_elsewhere_a_row_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(RUNS)
    lines = capsys.readouterr().out.split("\n")
    assert len(lines) == len(RUNS) + 1
    assert (
        len(
            {
                cell_len(line[: line.index(cell)])
                for line, cell in zip(lines, ["wrong", "its log"], strict=False)
                if cell in line
            }
        )
        == 1
    )


@pytest.mark.parametrize(("width", "lines"), [(160, 4), (80, 5), (72, 8), (40, 15)])
def test_titles_of_columns_are_broken_between_words(width: int, lines: int) -> None:
    columns = ("python:mynet:MyNet depth", "hf:segformer depth", "effect", "p (Holm)")
    numbers = ["0.0001191", "0.0001815", "+1.00", "0.62"]
    rows = [(f"activation distance at {threshold}", numbers) for threshold in ("0.1", "0.5", "0.9")]
    shown = io.StringIO()
    Console(file=shown, width=width).print(table(rows, columns, title=""))
    printed = [line.rstrip() for line in shown.getvalue().splitlines()]
    assert len(printed) == lines
    assert max(map(len, printed)) <= width
    for word in (*(name for name, _ in rows), *numbers, "python:mynet:MyNet", "hf:segformer", "depth"):
        assert any(word in line for line in printed)
