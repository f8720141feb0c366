"""What leaves the build machine, as the kernel sees it: docs/privacy.md says how this is tested."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.fixtures import PLAIN, PLAIN_KEY
from support.paths import REPOSITORY
from support.s3 import S3Server
from support.workbench import Workbench

# Of IPv4 and IPv6; the other families do not leave the machine.
_ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?"([^"]+)"')
_STRACE = "strace --follow-forks --quiet=all --trace=connect,sendto,sendmsg,sendmmsg"


def traced(program: Path, calls: Path, directory: Path) -> Path:
    """A script that runs `program`, and writes its processes' network calls to `calls`."""
    script = directory / "traced"
    script.write_text(f'#!/bin/sh\nexec {_STRACE} --output {calls} {program} "$@"\n')
    script.chmod(0o755)
    return script


def addresses(calls: str) -> set[tuple[str, int]]:
    """Every address that was connected or sent to."""
    return {(host, int(port)) for port, host in _ADDRESS.findall(calls)}


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace: on Debian, apt install strace")
def test_a_build_connects_to_the_store_of_its_model_and_to_nothing_else(
    bench: Workbench, s3: S3Server, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    bench.program = traced(REPOSITORY / "bin/compile", calls, tmp_path)
    model = f"s3://slugfit-models/{PLAIN_KEY}"
    seen = []
    for models in (model, f"{model} sha256={hashlib.sha256(PLAIN).hexdigest()}"):
        built = bench.compile({**s3.config, "SLUGFIT_STRIP_LEVEL": "safe"}, models=models)
        assert built.status == 0, built.log
        seen.append(addresses(calls.read_text()))
    store = urlsplit(s3.endpoint)
    # The second build finds in the cache what is pinned.
    assert seen == [{(store.hostname, store.port)}, set()]
