"""A signal is answered while the main thread is inside one long call; another one ends the program."""

import asyncio
import hashlib
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from segdepth.core.interrupts import AnsweredSignals


@pytest.fixture
def events() -> Iterator[list[object]]:
    """What happened, in order; the signals' own handler is noted as "handled"."""
    happened: list[object] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: happened.append("handled"))
    yield happened
    signal.signal(signal.SIGINT, before)


def wait_for(events: list[object], what: object) -> None:
    end = time.monotonic() + 20
    while what not in events:
        assert time.monotonic() < end
        time.sleep(0.001)


def press_ctrl_c_soon() -> None:
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_the_answer_does_not_wait_for_the_main_thread(events: list[object]) -> None:
    with AnsweredSignals(lambda: events.append("answered")):
        press_ctrl_c_soon()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000)  # one call, which lets other threads run
    assert events == ["answered", "handled"]


def test_another_signal_ends_the_program_but_an_echo_does_not(
    events: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with AnsweredSignals(lambda: events.append("answered"), end=events.append):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        wait_for(events, "answered")
        monkeypatch.setattr(AnsweredSignals, "ECHO", 0.0)
        signal.raise_signal(signal.SIGINT)
        wait_for(events, signal.SIGINT)
    assert events.count(signal.SIGINT) == 1
    assert events.count("answered") == 1


def test_who_is_patient_and_is_left_in_time_says_nothing(events: list[object]) -> None:
    with AnsweredSignals(lambda: events.append("answered"), patience=60):
        signal.raise_signal(signal.SIGINT)
    assert events == ["handled"]


def test_other_signals_are_not_counted(events: list[object]) -> None:
    before = signal.signal(signal.SIGUSR1, lambda number, frame: None)
    with AnsweredSignals(lambda: events.append("answered"), end=events.append):
        signal.raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)
    assert events == []


def test_contexts_inside_each_other_answer_one_at_a_time(events: list[object]) -> None:
    """And nothing is left: neither a thread nor the descriptor that Python writes signals to."""
    threads = threading.active_count()
    with AnsweredSignals(lambda: events.append("outer")):
        with AnsweredSignals(lambda: events.append("inner")):
            signal.raise_signal(signal.SIGINT)
            wait_for(events, "inner")
        signal.raise_signal(signal.SIGINT)
        wait_for(events, "outer")
    assert [event for event in events if event != "handled"] == ["inner", "outer"]
    assert threading.active_count() == threads
    assert signal.set_wakeup_fd(-1) == -1


def test_another_thread_takes_no_signals(events: list[object]) -> None:
    def work() -> None:
        with AnsweredSignals(lambda: events.append("answered")):
            events.append("worked")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert events == ["worked"]
    assert signal.set_wakeup_fd(-1) == -1


def test_an_event_loop_still_gets_its_signals(events: list[object]) -> None:
    async def program() -> None:
        arrived = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, arrived.set)
        with AnsweredSignals(lambda: events.append("answered")):
            os.kill(os.getpid(), signal.SIGUSR1)
            await asyncio.wait_for(arrived.wait(), 20)
        asyncio.get_running_loop().remove_signal_handler(signal.SIGUSR1)

    asyncio.run(program())
    assert events == []
