"""Work that takes too long ends; what does not is left alone."""

from __future__ import annotations

import re
import signal
import threading
import time

import pytest

from slugfit.base.watchdog import TookTooLongError, within


def test_a_pattern_that_blows_up_is_ended() -> None:
    before = time.monotonic()
    with pytest.raises(TookTooLongError), within(0.2):
        re.search(r"(?:\d{1,12} ?)+\n", "1" * 10_000)
    assert time.monotonic() - before < 10


def test_afterwards_nothing_is_left_of_it() -> None:
    own = signal.getsignal(signal.SIGALRM)
    with within(5):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) is own


def test_in_another_thread_the_work_is_done() -> None:
    done = []

    def work() -> None:
        with within(0.01):
            time.sleep(0.1)
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
