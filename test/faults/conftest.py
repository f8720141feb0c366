"""What the fault tests share: a real S3 server, and how many examples there are."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from support.s3 import S3Server

_EXAMPLES = 220


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with S3Server() as server:
        server.create_bucket("models")
        yield server


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`make faults SEED=… EXAMPLES=…` tries other examples, and more of them."""
    if "seed" in metafunc.fixturenames:
        first = int(os.environ.get("SEED", "1"))
        count = int(os.environ.get("EXAMPLES", _EXAMPLES))
        metafunc.parametrize("seed", range(first, first + count))
