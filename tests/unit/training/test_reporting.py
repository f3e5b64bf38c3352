"""How a run's updates go, in numbers that were counted by hand."""

import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from jaxtyping import config

from segdepth.training import reporting
from segdepth.training.reporting import Report, introduce


@pytest.fixture(autouse=True)
def _unchecked() -> Iterator[None]:
    """Runs, journals and streams are stood for by what is asked of them."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(reporting.time, "monotonic", lambda: self.now)


class Journal:
    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []

    def write(self, event: str, step: int, values: dict[str, float], *, prefix: str) -> None:
        self.lines.append((event, step, values, prefix))

    def watch(self, step: int, values: dict[str, float], *, prefix: str) -> None:
        self.lines.append(("watch", step, values, prefix))


def run(step: int = 0, **training: Any) -> Any:
    settings = {"batch_size": 4, "train_iters": 100, "precision": "32-true", "freeze_batch_norm": False}
    return SimpleNamespace(
        state=SimpleNamespace(step=step),
        loss=SimpleNamespace(mean=lambda _: 0.25),
        fabric=SimpleNamespace(world_size=1, device="cpu"),
        net=SimpleNamespace(parameters=lambda: []),
        config=SimpleNamespace(
            model=SimpleNamespace(arch="segnet"), task="depth", training=SimpleNamespace(**settings | training)
        ),
    )


def test_speed_and_waiting_are_of_the_updates_since_the_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, journal, stream, one = Clock(monkeypatch), Journal(), SimpleNamespace(seconds=0.0), run(10)
    report = Report(one, journal, stream)
    one.state.step, clock.now, stream.seconds = 15, 110.0, 2.5
    assert report.write(1e-3) == 0.25
    assert journal.lines == [
        ("train", 15, {"train_loss": 0.25, "lr": 1e-3}, "loss"),
        ("watch", 15, {"images_per_second": 2.0, "waiting_share": 0.25}, "speed"),
    ]
    assert stream.seconds == 0
    one.state.step, clock.now = 16, 111.0
    report.write(1e-3)
    assert journal.lines[-1][2] == {"images_per_second": 4.0, "waiting_share": 0.0}


def test_what_is_no_update_takes_no_time(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    clock, journal, one = Clock(monkeypatch), Journal(), run()
    report = Report(one, journal, SimpleNamespace(seconds=0.0))
    clock.now += 3
    with report.paused():
        clock.now += 1000
    one.state.step, clock.now = 2, clock.now + 1
    with caplog.at_level(logging.INFO, "segdepth"):
        report.write(0.01)
    assert journal.lines[-1][2]["images_per_second"] == 2.0
    assert "iteration 2: loss 0.2500, lr 0.01, 2.0 images/s, 0 % of it waiting for data" in caplog.text


class Pictures:
    def __init__(self, *names: str) -> None:
        self.names = names

    def __len__(self) -> int:
        return len(self.names)


def introduced(caplog: pytest.LogCaptureFixture, one: Any, train: Pictures, val: Pictures, **said: Any) -> str:
    with caplog.at_level(logging.INFO, "segdepth"):
        introduce(one, train, val, **{"remark": "", "resumed": False} | said)
    return caplog.text


def test_what_is_trained_on_what(caplog: pytest.LogCaptureFixture) -> None:
    text = introduced(caplog, run(), Pictures("a", "b"), Pictures("c"))
    assert "segnet for depth: 2 training and 1 validation pictures, 0.0 million parameters, cpu, in 32-true" in text
    assert "WARNING" not in text
    assert "nothing is left" not in text


def test_validation_on_what_was_trained_on_is_said(caplog: pytest.LogCaptureFixture) -> None:
    drive = "2011_09_26_drive_0002_sync"
    text = introduced(caplog, run(), Pictures(f"{drive}_02/1"), Pictures(f"{drive}_03/1", f"{drive}_02/9", "other"))
    assert "LEAK: 2 validation pictures from drives of the training split (2011_09_26_drive_0002)" in text


def test_remarks_and_runs_that_are_over(caplog: pytest.LogCaptureFixture) -> None:
    text = introduced(caplog, run(step=100), Pictures("a"), Pictures("b"), remark="slow here", resumed=True)
    assert "slow here" in text
    assert "nothing is left to do: 100 updates are done, train_iters is 100" in text
