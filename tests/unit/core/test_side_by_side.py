"""Jobs beside each other tell their parent everything, and end with it."""

import logging
import multiprocessing
import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from segdepth.core.errors import DataError, SegdepthError
from segdepth.core.side_by_side import Tell, side_by_side


def counts(upto: int, tell: Tell) -> None:
    for number in range(upto):
        tell("counted", number)
    logging.getLogger("segdepth.somewhere").info("counted to %d", upto)


def raises(error: Exception, tell: Tell) -> None:
    raise error


def dies(tell: Tell) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hears_ctrl_c(tell: Tell) -> None:
    tell(signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def works_until_asked(file: Path, tell: Tell) -> None:
    """As a training does: SIGTERM is noted, and what is done is kept."""

    def note(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, note)
    try:
        tell("ready")
        while True:
            time.sleep(0.05)
    except KeyboardInterrupt:
        file.write_text("kept")
        raise


def test_all_news_come_in_each_jobs_order(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "segdepth"):
        news = list(side_by_side({"a": partial(counts, 3), "b": partial(counts, 2)}))
    for name, upto in (("a", 3), ("b", 2)):
        assert [values for told in news if told and told[0] == name for values in [told[1:]]] == [
            ("counted", (number,)) for number in range(upto)
        ]
    assert {"a: counted to 3", "b: counted to 2"} <= {record.getMessage() for record in caplog.records}


def test_ctrl_c_is_left_to_this_process_from_the_first_import_on() -> None:
    assert [news[1] for news in side_by_side({"a": hears_ctrl_c}) if news] == [False]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ()), "here it is heard"


@pytest.mark.parametrize("error", [DataError("a.png is no picture"), OSError(28, "No space left on device", "a.pt")])
def test_what_one_raises_is_raised_and_the_other_is_ended(error: Exception, tmp_path: Path) -> None:
    jobs = {"good": partial(works_until_asked, tmp_path / "kept"), "bad": partial(raises, error)}
    with pytest.raises(type(error), match=str(error)[-12:-1]):
        list(side_by_side(jobs))
    assert not multiprocessing.active_children()


def test_one_that_is_killed_is_said_so() -> None:
    with pytest.raises(SegdepthError, match="the process for dying was ended by a signal"):
        list(side_by_side({"dying": dies}))


def test_who_leaves_early_lets_the_jobs_keep_what_they_have(tmp_path: Path) -> None:
    news = side_by_side({"good": partial(works_until_asked, tmp_path / "kept")})
    while next(news) is None:
        pass
    news.close()
    assert (tmp_path / "kept").read_text() == "kept"
    assert not multiprocessing.active_children()
