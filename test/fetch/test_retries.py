"""Waits grow, are random, and end before the deadline does."""

from __future__ import annotations

import pytest

from slugfit.fetch.failures import DeadlinePassed
from slugfit.fetch.transfer.retries import TRIES, Clock, Deadline, Retries, jitter
from slugfit.stores import Retryable
from slugfit.stores.refusals import ServerFailed, Unreachable
from support.build_log import error_text
from support.chance import chance
from support.sources import url_of

URL = url_of("s3://b/m")
FAILING = ServerFailed(URL, "status: 503")


class FakeTime:
    """Time that passes only while somebody sleeps."""

    def __init__(self, seed: int = 1) -> None:
        self.passed = 1_000.0
        self.sleeps: list[float] = []
        self.clock = Clock(lambda: self.passed, lambda: self.passed, self._sleep, chance(seed))

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.passed += seconds


def patience(time: FakeTime, seconds: float = 1_200) -> Retries:
    return Retries(time.clock, Deadline(time.clock, seconds))


def wait(patience: Retries, times: int, after: float | None = None) -> None:
    for _ in range(times):
        patience.wait(Retryable(FAILING, after), progress=False)


def test_waits_grow_within_bounds_and_are_random() -> None:
    longest = [0.0] * (TRIES - 1)
    for seed in range(300):
        time = FakeTime(seed)
        wait(patience(time), TRIES - 1)
        longest = [max(pair) for pair in zip(longest, time.sleeps, strict=True)]
    assert [round(bound, 1) for bound in longest] == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_no_wait_is_longer_than_twenty_seconds() -> None:
    numbers = chance()
    assert 19 < max(jitter(numbers, 30) for _ in range(200)) <= 20


def test_after_the_last_try_the_failure_is_raised_at_once() -> None:
    time = FakeTime()
    tried = patience(time)
    wait(tried, TRIES - 1)
    slept = len(time.sleeps)
    with pytest.raises(ServerFailed) as caught:
        wait(tried, 1)
    assert caught.value is FAILING
    assert len(time.sleeps) == slept


def test_the_last_of_several_failures_is_the_one_that_is_raised() -> None:
    tried = patience(FakeTime())
    wait(tried, TRIES - 1)
    last = Unreachable(URL, "reason: Connection refused")
    with pytest.raises(Unreachable) as caught:
        tried.wait(Retryable(last), progress=False)
    assert caught.value is last


def test_with_progress_the_tries_are_counted_anew() -> None:
    time = FakeTime()
    tried = patience(time)
    for _ in range(10):
        wait(tried, TRIES - 2)
        # The first failure after some progress.
        tried.wait(Retryable(FAILING), progress=True)
    wait(tried, TRIES - 2)
    with pytest.raises(ServerFailed):
        wait(tried, 1)


def test_the_stores_own_wish_is_granted() -> None:
    time = FakeTime()
    wait(patience(time), 2, after=30)
    assert time.sleeps == [30, 30]


def test_a_wish_that_asks_for_too_little_does_not_hurry() -> None:
    time = FakeTime()
    wait(patience(time), 3, after=0)
    assert all(time.sleeps)


def test_a_wish_beyond_the_deadline_is_refused_at_once() -> None:
    time = FakeTime()
    with pytest.raises(ServerFailed):
        wait(patience(time, 100), 1, after=100)
    assert time.sleeps == []


def test_after_the_deadline_nobody_waits() -> None:
    time = FakeTime()
    tried = patience(time, 60)
    time.passed += 60
    with pytest.raises(ServerFailed):
        wait(tried, 1)


def test_a_deadline_passes() -> None:
    time = FakeTime()
    deadline = Deadline(time.clock, 1_200)
    time.passed += 1_199
    deadline.check(URL, 1_000_000, 3_000_000)
    assert deadline.left == 1
    time.passed += 1
    with pytest.raises(DeadlinePassed) as caught:
        deadline.check(URL, 1_000_000, 3_000_000)
    assert (
        error_text(caught.value)
        == """\
Error: Fetching the models takes longer than a build has time for.

s3://b/m
received: 1.0 MB of 3.0 MB
time for all models: 20 min

Heroku ends a build after 25 minutes, without giving the reason.

To fix this:
1. Build again: if the store was slow, it may be faster now.
2. Keep the model in a store near the build, or a smaller model.
3. To allow more time, in slugfit.toml:
   [fetch]
   deadline = "22m"

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchout-of-time
"""
    )
