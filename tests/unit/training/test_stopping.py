"""The first Ctrl-C is noted and answered at once, the next one ends the program."""

import logging
import signal
import time

import pytest

from segdepth.core import interrupts
from segdepth.core.interrupts import AnsweredSignals
from segdepth.training.stopping import StopRequest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_is_answered_and_the_second_ends(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(interrupts, "end_now", ended.append)
    monkeypatch.setattr(AnsweredSignals, "ECHO", 0.0)
    before = signal.getsignal(number)

    def wait_for(happened: object) -> None:
        end = time.monotonic() + 20
        while not happened:
            assert time.monotonic() < end
            time.sleep(0.001)

    with caplog.at_level(logging.WARNING, "segdepth.training"), StopRequest() as stop:
        stop.check()
        signal.raise_signal(number)
        wait_for(caplog.records)
        assert [record.message for record in caplog.records] == ["stopping after this update, again to stop now"]
        with pytest.raises(KeyboardInterrupt):
            stop.check()
        assert not ended
        signal.raise_signal(number)
        wait_for(ended)
    assert ended == [number]
    assert signal.getsignal(number) is before
