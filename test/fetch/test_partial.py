"""What an earlier run has left is believed as far as checksums vouch for it, and no further."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slugfit.fetch.transfer.partial import Partial, open_partial
from slugfit.stores import Version
from support.chance import chance
from support.paths import REPOSITORY

CONTENT = chance().randbytes(2_000)
VERSION = Version(len(CONTENT), "1", {"If-Match": '"1"'})
BEGINNING, BEYOND = (0, 700), [(900, 1_000), (1_500, 2_000)]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


def leave(path: Path, version: Version = VERSION) -> None:
    """What a run that was interrupted leaves: a beginning, and two ranges beyond it."""
    with open_partial(path) as partial:
        partial.restart()
        partial.version = version
        for start, end in [BEGINNING, *BEYOND]:
            partial.write(CONTENT[start:end], start)
        partial.hash_to(BEGINNING[1])
        partial.save(BEYOND)


def record_of(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def is_right(partial: Partial) -> bool:
    """Whether every byte that is said to be there is the right one, and the digest theirs."""
    parts = [b"".join(partial.read(start, end)) for start, end in partial.there]
    digest = hashlib.sha256(CONTENT[: partial.hashed]).hexdigest()
    return (
        parts == [CONTENT[start:end] for start, end in partial.there]
        and partial.digest.hexdigest() == digest
        and partial.hashed == partial.first_missing
    )


def is_new(partial: Partial) -> bool:
    size = os.fstat(partial.descriptor).st_size
    return (partial.there, partial.version, partial.hashed, size) == ([], None, 0, 0)


def test_another_run_goes_on_where_the_first_one_was(tmp_path: Path) -> None:
    leave(tmp_path / "part")
    with open_partial(tmp_path / "part") as partial:
        assert partial.there == [BEGINNING, *BEYOND]
        assert partial.version == VERSION
        assert (partial.received, partial.first_missing) == (1_300, 700)
        assert partial.is_resumed
        assert partial.is_pinned
        assert is_right(partial)


def test_without_a_record_nothing_is_believed(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(CONTENT)
    with open_partial(tmp_path / "part") as partial:
        assert is_new(partial)
        assert not partial.is_resumed


def test_what_grows_between_two_records_is_vouched_for(tmp_path: Path) -> None:
    path = tmp_path / "part"
    leave(path)
    with open_partial(path) as partial:
        partial.write(CONTENT[1_000:1_200], 1_000)
        partial.save([(900, 1_200), (1_500, 2_000)])
        partial.write(CONTENT[700:900], 700)
        partial.hash_to(1_100)
        partial.save([(1_500, 2_000)])
    with open_partial(path) as partial:
        assert partial.there == [(0, 1_100), (1_500, 2_000)]
        assert is_right(partial)


def test_a_restart_leaves_nothing_to_believe(tmp_path: Path) -> None:
    leave(tmp_path / "part")
    with open_partial(tmp_path / "part") as partial:
        partial.restart()
        assert is_new(partial)
    with open_partial(tmp_path / "part") as partial:
        assert is_new(partial)
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


def test_bytes_that_are_also_another_files_are_not_written_to(tmp_path: Path) -> None:
    leave(tmp_path / "part")
    (tmp_path / "twin").hardlink_to(tmp_path / "part")
    before = (tmp_path / "twin").read_bytes()
    with open_partial(tmp_path / "part") as partial:
        assert is_new(partial)
        partial.write(b"other", 0)
    assert (tmp_path / "twin").read_bytes() == before


@given(at=st.integers(0, len(CONTENT) - 1), flip=st.integers(1, 255))
def test_a_byte_that_changed_is_not_believed(at: int, flip: int) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "part")
        leave(path)
        content = bytearray(path.read_bytes())
        content[at] ^= flip
        path.write_bytes(content)
        with open_partial(path) as partial:
            assert is_right(partial)
            # The other ranges are as good as ever.
            assert is_new(partial) == (at < BEGINNING[1])


@given(size=st.integers(0, len(CONTENT) + 500))
def test_a_file_that_was_cut_or_made_longer_is_not_believed(size: int) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "part")
        leave(path)
        os.truncate(path, size)
        with open_partial(path) as partial:
            assert is_right(partial)
            assert os.fstat(partial.descriptor).st_size <= len(CONTENT)


@given(cut=st.integers(0, 1_000), junk=st.binary(max_size=10))
def test_a_record_that_was_cut_is_not_believed(cut: int, junk: bytes) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "part")
        leave(path)
        text = record_of(path).read_bytes()
        record_of(path).write_bytes(text[:cut] + junk)
        with open_partial(path) as partial:
            assert is_right(partial)


@given(
    key=st.sampled_from(["schema_version", "version", "hashed", "sha256", "beyond", "more"]),
    poison=JSON | st.just("absent"),
)
@example("hashed", 10**30)
@example("hashed", -1)
@example("hashed", 2_000)
@example("hashed", 1e9)
@example("beyond", [[10**30, 10**31, 0]])
@example("beyond", [[1_500, 900, 0]])
@example("beyond", [[-5, -1, 0]])
@example("beyond", [[800, 800, 0]])
@example("beyond", [[900, 1_000, 0], [950, 1_000, 0]])
@example("beyond", [[1.0, 2.0, 0]])
@example("beyond", [["a", "b", 0]])
def test_a_poisoned_record_is_not_believed(key: str, poison: Any) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "part")
        leave(path)
        record = json.loads(record_of(path).read_text())
        record[key] = poison
        if poison == "absent":
            del record[key]
        record_of(path).write_text(json.dumps(record))
        with open_partial(path) as partial:
            assert is_right(partial)


@given(key=st.sampled_from(["size", "etag", "pin", "sha256", "more"]), poison=JSON)
@example("size", -1)
@example("size", 1_000)
@example("size", True)
@example("size", None)
@example("pin", {})
@example("pin", ["If-Match"])
@example("pin", {"If-Match": 1})
@example("pin", {"If-Match": '"1"\r\nHost: evil'})
@example("etag", ["1"])
@example("etag", "模")
def test_a_poisoned_version_is_one_that_can_be_asked_for_or_none(key: str, poison: Any) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "part")
        leave(path)
        record = json.loads(record_of(path).read_text())
        record["version"][key] = poison
        record_of(path).write_text(json.dumps(record))
        with open_partial(path) as partial:
            assert is_right(partial)
            version = partial.version
            assert is_new(partial) or version
        if version:
            assert type(version.size) is int
            texts = [*version.pin, *version.pin.values(), version.etag or "", version.sha256 or ""]
            assert all(text.isprintable() and text.isascii() for text in texts)


@given(record=JSON)
def test_a_record_of_anything_is_not_believed(record: Any) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "part")
        leave(path)
        record_of(path).write_text(json.dumps(record))
        with open_partial(path) as partial:
            assert is_new(partial)


@pytest.mark.parametrize("text", ["[" * 100_000, "\udc00", "1" * 10_000, ""])
def test_a_record_that_no_parser_survives_is_not_believed(tmp_path: Path, text: str) -> None:
    leave(tmp_path / "part")
    record_of(tmp_path / "part").write_text(text, errors="surrogatepass")
    with open_partial(tmp_path / "part") as partial:
        assert is_new(partial)


_HOLD = """
import sys
from pathlib import Path
from slugfit.fetch.transfer.partial import open_partial
with open_partial(Path(sys.argv[1])):
    print("there", flush=True)
    sys.stdin.read()
"""


def test_two_processes_do_not_work_on_one_file(tmp_path: Path) -> None:
    path = tmp_path / "part"
    entered = threading.Event()

    def enter() -> None:
        with open_partial(path):
            entered.set()

    other = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)],
        env={"PYTHONPATH": str(REPOSITORY / "lib")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with other:
        assert other.stdout and other.stdin
        assert other.stdout.readline() == b"there\n"
        waiting = threading.Thread(target=enter)
        waiting.start()
        assert not entered.wait(0.2)
        other.stdin.close()
        assert entered.wait(10)
        waiting.join()


def test_who_waited_for_a_file_that_was_moved_away_begins_another(tmp_path: Path) -> None:
    path = tmp_path / "part"
    seen: list[bool] = []

    def enter() -> None:
        with open_partial(path) as partial:
            seen.append(is_new(partial))

    with open_partial(path) as partial:
        waiting = threading.Thread(target=enter)
        waiting.start()
        partial.write(CONTENT, 0)
        path.rename(tmp_path / "target")
    waiting.join()
    assert seen == [True]
    assert (tmp_path / "target").read_bytes() == CONTENT
    assert path.read_bytes() == b""
