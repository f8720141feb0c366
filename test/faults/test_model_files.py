"""Model files, truncated and changed at random: each inspection ends in time, in bounded memory.

SEED and EXAMPLES (mutations of each sample) vary what is tried; `make faults` tries 10,000.
"""

from __future__ import annotations

import os
import random
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from slugfit.base.errors import render
from slugfit.models.formats import ModelDamaged, WrongFormat, inspect
from support.paths import SAMPLES

SEED = int(os.environ.get("SEED", "1"))
EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
SECONDS, MEMORY = 10.0, 300_000_000
FORMATS = SAMPLES / "formats"
FILES = sorted(path for path in FORMATS.glob("*.*") if path.suffix != ".py")
# What readers repeat, count or nest; and numbers that they compute with.
PIECES = (
    b"\0" * 9,
    b"\xff" * 9,
    b"9" * 5000,
    b"[" * 5000,
    b'{"a":' * 2000,
    b" " * 5000,
    b"(" * 5000,
)


@contextmanager
def bounded() -> Iterator[None]:
    """No more address space than now, and MEMORY."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Cut, overwritten, repeated, or with a piece put in."""
    result = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        # Headers decide the most.
        at = chance.randrange(min(len(result), chance.choice((64, 1024, 1 << 20))) or 1)
        match chance.randrange(5):
            case 0:
                del result[at:]
            case 1:
                result[at : at + 8] = chance.randbytes(chance.choice((1, 4, 8)))
            case 2:
                result[at:at] = chance.choice(PIECES)
            case 3:
                result[at:at] = result[at : at + 200] * chance.choice((2, 50))
            case _:
                result[at : at + chance.randint(1, 64)] = b""
        result = result or bytearray(b"\0")
    return bytes(result)


@pytest.mark.parametrize("sample", FILES, ids=lambda path: path.name)
def test_an_inspection_ends_in_time_and_in_bounded_memory(sample: Path, tmp_path: Path) -> None:
    chance = random.Random(f"{SEED} {sample.name}")  # noqa: S311 (a schedule)
    content = sample.read_bytes()
    file = tmp_path / sample.name
    for number in range(EXAMPLES):
        file.write_bytes(mutated(content, chance))
        before = time.process_time()
        with bounded():
            try:
                inspect(file, sample.name)
            except (ModelDamaged, WrongFormat) as failure:
                assert all(line.isprintable() for line in render(failure)), number
        assert time.process_time() - before < SECONDS, number


def test_a_list_of_trees_that_is_cut_takes_no_time(tmp_path: Path) -> None:
    content = (FORMATS / "boosted.txt").read_bytes()
    head, _, rest = content.partition(b"tree_sizes=")
    file = tmp_path / "m.txt"
    for sizes in (b"123 " * 100, b"1" * 12_000_000, b"1 " * 5_000_000, b"12345678901234 " * 50):
        for end in (b"", b"x\n" + rest, b"\n" + rest):
            file.write_bytes(head + b"tree_sizes=" + sizes + end)
            before = time.process_time()
            with bounded(), suppress(ModelDamaged):
                inspect(file, "m.txt")
            assert time.process_time() - before < 2
