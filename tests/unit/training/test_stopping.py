"""The first Ctrl-C is noted and answered at once, the next one ends the program."""

import contextlib
import logging
import os
import signal
import time

import pytest

from segdepth.core.interrupts import AnsweredSignals
from segdepth.training.stopping import StopRequest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_is_answered_and_the_second_ends(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(AnsweredSignals, "ECHO", 0.0)
    before = signal.getsignal(number)

    def wait_for(happened: object) -> None:
        end = time.monotonic() + 20
        while not happened:
            assert time.monotonic() < end
            time.sleep(0.001)

    program = AnsweredSignals(lambda: None, end=ended.append)
    with program, caplog.at_level(logging.WARNING, "segdepth.training"), StopRequest() as stop:
        stop.check()
        signal.raise_signal(number)
        wait_for(caplog.records)
        assert [record.message for record in caplog.records] == ["stopping after this update, again to stop now"]
        with pytest.raises(KeyboardInterrupt):
            stop.check()
        assert not ended
        with contextlib.suppress(KeyboardInterrupt):  # what it is where the program is not ended
            signal.raise_signal(number)
            wait_for(ended)
        wait_for(ended)
    assert ended == [number]
    assert signal.getsignal(number) is before


def test_in_somebody_elses_program_the_second_is_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AnsweredSignals, "ECHO", 0.0)
    with pytest.raises(KeyboardInterrupt), StopRequest() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.requested
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_is_ended_by_its_own_signals_and_we_are_not_stopped() -> None:
    reader, writer = os.pipe()
    with StopRequest() as stop:
        child = os.fork()
        if child == 0:
            os.write(writer, b"ready")
            time.sleep(60)
            os._exit(0)
        os.read(reader, 5)
        os.kill(child, signal.SIGTERM)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM
    assert not stop.requested
