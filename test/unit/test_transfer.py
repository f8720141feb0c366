"""A transfer brings a file whole, checked and hashed, or leaves nothing at all."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slugfit.errors import Failure
from slugfit.files import NoSpace, sha256_of
from slugfit.models.failures import (
    AccessDenied,
    HtmlPage,
    LfsPointer,
    ServerFailed,
    Truncated,
    Unreachable,
)
from slugfit.models.sources import Body, Retryable
from slugfit.models.transfer import Received, Transfer
from unit.build_log import error_text
from unit.chance import chance

DISPLAY = "https://host/model"
MODEL = bytes(range(256)) * 5000
SHA256 = hashlib.sha256(MODEL).hexdigest()
UNREACHABLE = Retryable(Unreachable(DISPLAY, "reason: Connection refused"))
FAILING = Retryable(ServerFailed(DISPLAY, "status: 503 Service Unavailable"))

Answer = Body | None | Exception


class Store:
    """A source with an answer for each try; the last one is for ever."""

    display = DISPLAY

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.etags: list[str | None] = []

    @property
    def tries(self) -> int:
        return len(self.etags)

    @contextmanager
    def open(self, unless_etag: str | None) -> Iterator[Body | None]:
        self.etags.append(unless_etag)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        yield answer


class Bench:
    """A transfer into an empty directory, and all that it does on the way."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sleeps: list[float] = []
        self.announced: list[int | None] = []
        self._transfer = Transfer(self.sleeps.append, chance(7))

    def fetch(
        self, store: Store, sha256: str | None = None, etag: str | None = None
    ) -> Received | None:
        return self._transfer.fetch(
            store,
            lambda name: self.directory / name,
            expected_sha256=sha256,
            unless_etag=etag,
            announce=self.announced.append,
        )

    def failure(self, store: Store, sha256: str | None = None) -> Failure:
        with pytest.raises(Failure) as caught:
            self.fetch(store, sha256)
        return caught.value

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def body(content: bytes = MODEL, size: int | None = len(MODEL), etag: str | None = None) -> Body:
    pieces = [content[start : start + 100_000] for start in range(0, len(content), 100_000)]
    return Body(size, etag, iter(pieces))


def breaking(content: bytes, error: Exception) -> Body:
    def chunks() -> Iterator[bytes]:
        yield content
        raise error

    return Body(len(MODEL), None, chunks())


def test_a_model_arrives_under_the_name_that_its_checksum_gives_it(bench: Bench) -> None:
    received = bench.fetch(Store(body(etag='"1"')))
    assert received == Received(SHA256, len(MODEL), '"1"')
    assert bench.files == [SHA256]
    target = bench.directory / SHA256
    assert target.read_bytes() == MODEL
    assert target.stat().st_mode & 0o777 == 0o644
    assert bench.announced == [len(MODEL)]
    assert bench.sleeps == []


def test_a_body_of_unknown_length_is_taken_as_it_comes(bench: Bench) -> None:
    assert bench.fetch(Store(body(size=None))) == Received(SHA256, len(MODEL), None)
    assert bench.announced == [None]


def test_an_empty_body_is_an_empty_file(bench: Bench) -> None:
    received = bench.fetch(Store(Body(0, None, iter(()))))
    assert received == Received(hashlib.sha256().hexdigest(), 0, None)
    assert bench.files == [hashlib.sha256().hexdigest()]


def test_an_unchanged_object_brings_nothing(bench: Bench) -> None:
    store = Store(None)
    assert bench.fetch(store, etag='"1"') is None
    assert store.etags == ['"1"']
    assert (bench.files, bench.announced, bench.sleeps) == ([], [], [])


def test_a_file_that_is_there_already_is_replaced_by_a_new_one(bench: Bench) -> None:
    target = bench.directory / SHA256
    target.write_bytes(b"rotten")
    (bench.directory / "twin").hardlink_to(target)
    bench.fetch(Store(body()))
    assert target.read_bytes() == MODEL
    assert (bench.directory / "twin").read_bytes() == b"rotten"


def test_a_store_that_fails_twice_is_asked_a_third_time(bench: Bench) -> None:
    store = Store(UNREACHABLE, FAILING, body())
    assert bench.fetch(store, etag='"1"') == Received(SHA256, len(MODEL), None)
    assert store.etags == ['"1"'] * 3
    assert len(bench.sleeps) == 2
    assert bench.files == [SHA256]


def test_a_fetch_is_announced_once_whichever_try_brings_the_answer(bench: Bench) -> None:
    bench.fetch(Store(FAILING, FAILING, body()))
    assert bench.announced == [len(MODEL)]


def test_a_second_answer_is_not_announced_again(bench: Bench) -> None:
    bench.fetch(Store(body(MODEL[:1000]), body()))
    assert bench.announced == [len(MODEL)]


def test_waits_are_random_and_grow_within_bounds(tmp_path: Path) -> None:
    longest = [0.0, 0.0, 0.0]
    for seed in range(200):
        sleeps: list[float] = []
        transfer = Transfer(sleeps.append, chance(seed))
        with pytest.raises(Unreachable):
            transfer.fetch(Store(UNREACHABLE), tmp_path.joinpath, announce=lambda _: None)
        assert len(sleeps) == 3
        longest = [max(pair) for pair in zip(longest, sleeps, strict=True)]
    assert [round(bound, 1) for bound in longest] == [0.5, 1.0, 2.0]


def test_a_store_that_fails_for_ever_is_given_up_after_four_tries(bench: Bench) -> None:
    store = Store(FAILING)
    failure = bench.failure(store)
    assert store.tries == 4
    assert len(bench.sleeps) == 3
    assert failure is FAILING.failure
    assert bench.files == []


def test_the_last_of_several_failures_is_the_one_that_is_told(bench: Bench) -> None:
    store = Store(FAILING, FAILING, FAILING, UNREACHABLE)
    assert bench.failure(store) is UNREACHABLE.failure


def test_a_refusal_is_not_tried_again(bench: Bench) -> None:
    store = Store(AccessDenied(DISPLAY, "status: 403 Forbidden"))
    assert isinstance(bench.failure(store), AccessDenied)
    assert (store.tries, bench.sleeps, bench.files) == (1, [], [])


def test_a_body_that_breaks_off_is_fetched_again(bench: Bench) -> None:
    cut = Retryable(Truncated(DISPLAY, len(MODEL), "reason: it broke off"))
    store = Store(breaking(MODEL[:1000], cut), body())
    assert bench.fetch(store) == Received(SHA256, len(MODEL), None)
    assert store.tries == 2
    assert bench.files == [SHA256]


def test_a_body_that_is_always_too_short_is_refused(bench: Bench) -> None:
    store = Store(body(MODEL[:1000]), body(MODEL[:1000]), body(MODEL[:1000]), body(MODEL[:999]))
    failure = bench.failure(store)
    assert store.tries == 4
    assert bench.files == []
    assert failure.kind == "upstream"
    assert (
        error_text(failure)
        == """\
Error: A model arrives incomplete.

https://host/model
announced: 1280000 bytes
received: 999 bytes

This is often temporary. Build again; if it persists, check:
1. that the upload of the model finished;
2. a proxy or CDN in front of the store, which may cut long answers.

For more information, see:
https://github.com/slugfit/slugfit#fetchtruncated
"""
    )


def test_a_body_that_is_longer_than_announced_is_refused(bench: Bench) -> None:
    store = Store(*(body(MODEL + b"!") for _ in range(4)))
    failure = bench.failure(store)
    assert isinstance(failure, Truncated)
    assert (failure.size, failure.detail) == (len(MODEL), f"received: {len(MODEL) + 1} bytes")
    assert bench.files == []


def test_a_body_of_unknown_length_that_breaks_off_says_so() -> None:
    text = error_text(Truncated(DISPLAY, None, "reason: it broke off"))
    assert "announced: unknown\nreason: it broke off\n" in text


def test_another_content_than_the_pinned_one_is_refused_at_once(bench: Bench) -> None:
    store = Store(body())
    failure = bench.failure(store, sha256="0" * 64)
    assert (store.tries, bench.sleeps, bench.files) == (1, [], [])
    assert (
        error_text(failure)
        == f"""\
Error: A model is not the one that its checksum names.

https://host/model
expected sha256: {"0" * 64}
found sha256:    {SHA256}
received:        1.3 MB

The object was replaced, or the checksum belongs to another file.

To fix this:
1. If the new object is the right one, write its checksum into the configuration:
   sha256 = "{SHA256}"
2. If not, upload the right one again.

For more information, see:
https://github.com/slugfit/slugfit#fetchchecksum-mismatch
"""
    )


def test_the_pinned_content_is_accepted(bench: Bench) -> None:
    assert bench.fetch(Store(body()), sha256=SHA256) == Received(SHA256, len(MODEL), None)


def test_a_short_body_is_tried_again_although_its_checksum_is_wrong_as_well(bench: Bench) -> None:
    store = Store(body(MODEL[:1000]), body())
    assert bench.fetch(store, sha256=SHA256) == Received(SHA256, len(MODEL), None)


@pytest.mark.parametrize(
    ("content", "failure"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid", LfsPointer),
        (b"<!doctype html>", HtmlPage),
    ],
)
def test_what_is_no_model_is_refused_at_once_however_it_is_cut_up(
    bench: Bench, content: bytes, failure: type[Failure]
) -> None:
    store = Store(Body(len(content), None, (bytes([byte]) for byte in content)))
    assert isinstance(bench.failure(store), failure)
    assert (store.tries, bench.files) == (1, [])


def test_a_web_page_is_refused_before_the_rest_of_it_has_come(bench: Bench) -> None:
    unread = breaking(b"<html>", AssertionError("read on"))
    assert isinstance(bench.failure(Store(unread)), HtmlPage)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_and_nothing_is_left_on_it(bench: Bench, number: int) -> None:
    store = Store(breaking(MODEL, OSError(number, "no room")))
    failure = bench.failure(store)
    assert isinstance(failure, NoSpace)
    assert failure.path == bench.directory
    assert (store.tries, bench.files) == (1, [])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143), RuntimeError("a bug")])
def test_nothing_is_left_whatever_ends_the_transfer(bench: Bench, error: BaseException) -> None:
    def chunks() -> Iterator[bytes]:
        yield MODEL
        raise error

    with pytest.raises(type(error)):
        bench.fetch(Store(Body(None, None, chunks())))
    assert bench.files == []


def test_a_body_is_never_held_in_memory(bench: Bench) -> None:
    seen: list[int] = []

    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield bytes(1024 * 1024)
            # What came before is on the disk by now, but for one buffer.
            seen.append(sum(path.stat().st_size for path in bench.directory.iterdir()))

    bench.fetch(Store(Body(None, None, chunks())))
    assert all(written >= number * 1024 * 1024 for number, written in enumerate(seen))


def test_a_file_is_hashed_as_sha256sum_does(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(MODEL)
    assert sha256_of(tmp_path / "model").hex() == SHA256
