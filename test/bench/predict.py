"""`make bench-predict`: the forecast, beside what is then installed, stripped and weighed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.machine import describe
from bench.results import say
from bench.strip_stacks import LOCKS, SERIES, STACKS, Installed, install
from support.fixtures import BUCKET, KEY
from support.heroku import App
from support.paths import DIGITS, FIXTURES, REPOSITORY
from support.s3 import S3Server

ERROR = 0.05
SECONDS = 10.0
# The factors were fitted to the stacks of the strip's bench; these are the proof.
PROOF = ("stats", "columns", "clouds")
BUILT = ("flask_tflite",)
_TOOLS = ("pip", "setuptools")  # a virtual environment has them, and no lock names them


@dataclass(frozen=True)
class Row:
    """Compressed bytes as they turned out and as predicted; seconds of a warm forecast."""

    name: str
    real: int
    predicted: int
    seconds: float

    def __str__(self) -> str:
        error = self.predicted / self.real - 1
        held = abs(error) <= ERROR and self.seconds <= SECONDS
        sizes = f"{self.real / 1e6:.1f} MB | {self.predicted / 1e6:.1f} MB | {error:+.1%}"
        return f"| {self.name} | {sizes} | {self.seconds:.1f} s{'' if held else ': NOT HELD'} |"


def main(environ: Mapping[str, str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.predict", description=__doc__)
    parser.add_argument("--stacks", type=_names, default=(*STACKS, *PROOF))
    parser.add_argument("--builds", type=_names, default=BUILT, help="fixtures to build")
    arguments = parser.parse_args()
    say("# `make bench-predict`", "", *(f"- {fact}" for fact in describe()), "")
    say("| packages, stripped | real | predicted | error | warm |", "|---|---:|---:|---:|---:|")
    with TemporaryDirectory() as directory:
        for row in _rows(arguments, Path(directory), environ):
            say(str(row))


def _names(text: str) -> Sequence[str]:
    return tuple(filter(None, text.split(",")))


def _rows(
    arguments: argparse.Namespace, scratch: Path, environ: Mapping[str, str]
) -> Iterator[Row]:
    tool = {**environ, "SLUGFIT_CACHE_DIR": str(scratch / "cache")}
    for name in arguments.stacks:
        yield _of_stack(install(name), scratch, tool)
    for name in arguments.builds:
        yield _of_build(name, tool)


def _of_stack(stack: Installed, scratch: Path, environ: Mapping[str, str]) -> Row:
    app = scratch / stack.stack
    app.mkdir()
    (app / "requirements.txt").write_text(_lock(stack))
    found, seconds = _predict(app, environ, "--python", SERIES)
    packages = [item for item in found["items"] if item["kind"] == "distribution"]
    predicted = sum(item["compressed_bytes"] for item in packages)
    return Row(stack.stack, _weigh_stripped(stack, scratch, environ), predicted, seconds)


def _lock(stack: Installed) -> str:
    """The stack's lock, and what its virtual environment has besides."""
    lock = (LOCKS / f"{stack.stack}.txt").read_text()
    named = {line.partition("==")[0] for line in lock.splitlines()}
    found = (info.name.removesuffix(".dist-info") for info in stack.site.glob("*.dist-info"))
    pairs = (name.partition("-")[::2] for name in sorted(found))
    others = [f"{name}=={version}" for name, version in pairs if name in _TOOLS]
    return "\n".join([*(o for o in others if o.partition("==")[0] not in named), lock])


def _weigh_stripped(stack: Installed, scratch: Path, environ: Mapping[str, str]) -> int:
    """What is left of a stack after a strip, as a build weighs it."""
    with stack.copy(linked=True) as copy:
        tool = str(REPOSITORY / "bin/slugfit")
        slim = [tool, "slim", str(copy.site), "--python", str(copy.python)]
        subprocess.run(slim, env=environ, stdout=subprocess.DEVNULL, check=True)
        path = os.pathsep.join(str(REPOSITORY / part) for part in ("lib", "test"))
        weighed = subprocess.run(
            [sys.executable, "-m", "bench.weigh", copy.site, scratch / "weights" / stack.stack],
            env={**environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            check=True,
        )
    return int(json.loads(weighed.stdout)["compressed"])


def _of_build(name: str, environ: Mapping[str, str]) -> Row:
    """A whole slug: Python, packages, the app's own files and its model."""
    with S3Server() as s3:
        s3.create_bucket(BUCKET)
        s3.put(BUCKET, KEY, DIGITS / "digits.tflite")
        with App(name, config=s3.config) as app:
            app.push()
            report = json.loads(app.run("cat .slugfit/report.json").output)
        python = ".".join(report["python_version"].split(".")[:2])
        found, seconds = _predict(FIXTURES / name, {**environ, **s3.config}, "--python", python)
    return Row(name, report["slug"]["compressed_bytes"], found["compressed_bytes"], seconds)


def _predict(app: Path, environ: Mapping[str, str], *options: str) -> tuple[dict[str, Any], float]:
    """The second forecast, and its seconds: with all that the first has left in the caches."""
    command = [str(REPOSITORY / "bin/slugfit"), "predict", str(app), "--json", *options]
    for _ in range(2):
        begin = time.monotonic()
        done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, check=True)
        seconds = time.monotonic() - begin
    return json.loads(done.stdout), seconds


if __name__ == "__main__":
    main(os.environ)
