"""Processes that are killed, that meet, and whose disk is full."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.chance import chance
from support.paths import REPOSITORY
from support.servers import CannedServer, RangeServer, chunked

CONTENT = chance(9).randbytes(9_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KILLS = 100
ENVIRON = {"PYTHONPATH": f"{REPOSITORY}/lib:{REPOSITORY}/test", "PATH": os.environ["PATH"]}
COMMAND = [sys.executable, "-m", "faults.fetcher"]
SMALL_DISK = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]


class Fetcher:
    """A process that fetches `url` to `target` in children, which it can kill."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin and process.stdout
        self._input, self._output = process.stdin, process.stdout
        assert self._output.readline() == "ready\n"

    def run(self, seconds: float) -> tuple[int, int | None]:
        """The signal that ended it, and how many bytes it had found there."""
        self._input.write(f"{seconds}\n")
        self._input.flush()
        number, there = self._output.readline().split()
        return int(number), None if there == "-" else int(there)


@contextmanager
def fetcher(url: str, target: Path) -> Iterator[Fetcher]:
    process = subprocess.Popen(
        [*COMMAND, "serve", url, str(target)],
        env=ENVIRON,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Fetcher(process)


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with RangeServer(CONTENT, {"ETag": '"1"'}) as server:
        yield server


def recorded(target: Path) -> int:
    """How many bytes the record says are there."""
    return sum(end - start for start, end in recorded_ranges(target))


def recorded_ranges(target: Path) -> list[tuple[int, int]]:
    """The ranges that the record says are there."""
    path = target.with_name("part.json")
    if not path.exists():
        return []
    record = json.loads(path.read_text())
    return [(0, int(record["hashed"])), *((start, end) for start, end, _ in record["beyond"])]


def is_right(target: Path) -> bool:
    return hashlib.sha256(target.read_bytes()).hexdigest() == SHA256


def test_whoever_is_killed_is_gone_on_with(server: RangeServer, tmp_path: Path) -> None:
    target, when = tmp_path / "model", chance(4)
    kills = resumed = 0
    with fetcher(server.url(), target) as fetching:
        while kills < KILLS:
            left = recorded(target)
            signal, there = fetching.run(_seconds(when))
            assert signal in (0, 9)
            # All that was recorded is believed.
            assert there in (None, left)
            kills += signal == 9
            resumed += bool(there)
            if target.exists():
                assert is_right(target)
                target.unlink()
        assert fetching.run(60)[0] == 0
    assert is_right(target)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert resumed > KILLS / 3


def _seconds(when: random.Random) -> float:
    return when.uniform(0.01, 0.2)


def test_what_a_killed_run_recorded_is_not_asked_for_again(
    server: RangeServer, tmp_path: Path
) -> None:
    target = tmp_path / "model"
    with fetcher(server.url(), target) as fetching:
        seconds = 0.05
        while not recorded(target):
            assert fetching.run(seconds)[0] == 9
            seconds *= 1.2
        left, there = recorded(target), recorded_ranges(target)
        server.forget_requests()
        assert fetching.run(60) == (0, left)
    assert is_right(target)
    # The first request is larger than need be: it is not known yet whether the store has ranges.
    first, *rest = [request.headers["Range"][6:].split("-") for request in server.requests]
    assert int(first[0]) == there[0][1]
    asked = [(int(begin), int(last) + 1) for begin, last in rest]
    assert not [a for a in asked if any(a[0] < end and start < a[1] for start, end in there)]


def test_two_processes_that_fetch_the_same_do_not_disturb_each_other(
    server: RangeServer, tmp_path: Path
) -> None:
    target = tmp_path / "model"
    with (
        fetcher(server.url(), target) as one,
        fetcher(server.url(), target) as other,
        ThreadPoolExecutor(2) as pool,
    ):
        for _ in range(5):
            ended = pool.map(lambda fetching: fetching.run(60), (one, other))
            assert [signal for signal, _ in ended] == [0, 0]
            assert is_right(target)
            target.unlink()
    assert list(tmp_path.iterdir()) == []


def on_a_small_disk(url: str, directory: Path) -> list[str]:
    """What a fetch says on a disk of 2 MB that something else fills."""
    mount = f"mount -t tmpfs -o size=2m tmpfs '{directory}' && exec \"$@\""
    command = [*COMMAND, "fill", url, str(directory / "model")]
    try:
        ended = subprocess.run(
            [*SMALL_DISK, mount, "sh", *command], env=ENVIRON, capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    said = ended.stdout.decode().splitlines()
    if not said and b"Traceback" not in ended.stderr:
        pytest.skip(f"no disk can be made here: {ended.stderr.decode().strip()}")
    return said


def test_an_object_that_does_not_fit_is_not_begun(server: RangeServer, tmp_path: Path) -> None:
    assert on_a_small_disk(server.url(), tmp_path) == ["files::no-space", "[]"]
    assert len(server.requests) == 1


def test_a_disk_that_fills_up_is_named_and_left_empty(tmp_path: Path) -> None:
    with RangeServer(CONTENT[:1_900_000], {"ETag": '"1"'}) as server:
        said = on_a_small_disk(server.url(), tmp_path)
    assert said == ["files::no-space", "['other']"]


def test_an_object_of_unknown_size_that_does_not_fit_is_left_out(tmp_path: Path) -> None:
    with CannedServer(chunked(*[CONTENT[:100_000]] * 30)) as server:
        said = on_a_small_disk(f"{server.url}/model", tmp_path)
    assert said[0] == "files::no-space"
    assert "model" not in said[1]
    assert "part" not in said[1]
