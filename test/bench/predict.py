"""`make bench-predict`: the forecast, beside what is then installed, stripped and weighed.

Of stacks, the packages; of the fixtures that are complete apps, the slugs of real builds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.documented import add_write, document
from bench.machine import Others, describe
from bench.predict_apps import APPS, FAILING, asked, report_of, store
from bench.results import say
from bench.strip_stacks import LOCKS, SERIES, STACKS, TITLES, Installed, install
from support.paths import FIXTURES, REPOSITORY
from support.s3 import S3Server
from support.torch_index import NoWheelError

ERROR = 0.05
SECONDS = 10.0
# The factors were fitted to the stacks of the strip's bench; these are the proof.
PROOF = ("stats", "columns", "clouds")
_TOOLS = ("pip", "setuptools")  # a virtual environment has them, and no lock names them
_NONE = "none"

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Row:
    """Compressed bytes as they turned out and as predicted; seconds of a warm forecast.

    `real_items` and `predicted_items` are those of the parts, by name.
    """

    name: str
    real: int
    predicted: int
    seconds: float
    real_items: Sizes = field(default_factory=dict)
    predicted_items: Sizes = field(default_factory=dict)

    def __str__(self) -> str:
        error = self.predicted / self.real - 1
        held = abs(error) <= ERROR and self.seconds <= SECONDS
        sizes = f"{self.real / 1e6:.1f} MB | {self.predicted / 1e6:.1f} MB | {error:+.1%}"
        return f"| {self.name} | {sizes} | {self.seconds:.1f} s{'' if held else ': NOT HELD'} |"

    @property
    def differences(self) -> Iterator[str]:
        """The parts of which the forecast is off by a thousandth of the whole, the worst first."""
        real, predicted = self.real_items, self.predicted_items
        off = {n: predicted.get(n, 0) - real.get(n, 0) for n in {*real, *predicted}}
        for name, bytes_ in sorted(off.items(), key=lambda pair: -abs(pair[1])):
            if abs(bytes_) > self.real / 1000:
                share = f"{bytes_ / self.real:+.1%} of the slug"
                yield f"  - {name}: {real.get(name, 0)} → {predicted.get(name, 0)}, {share}"


def main(environ: Mapping[str, str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.predict", description=__doc__)
    every = (*STACKS, *PROOF)
    parser.add_argument("--stacks", type=_names, default=every, help=f"or {_NONE}")
    parser.add_argument("--apps", type=_names, default=APPS, help=f"fixtures to build, or {_NONE}")
    parser.add_argument("--items", action="store_true", help="show which items are off")
    add_write(parser)
    arguments = parser.parse_args()
    others = Others()
    say("# `make bench-predict`", "", *(f"- {fact}" for fact in describe()), "")
    with TemporaryDirectory() as directory:
        scratch = Path(directory)
        tool = {**environ, "SLUGFIT_CACHE_DIR": str(scratch / "cache")}
        rows = (_of_stack(install(name), scratch, tool) for name in arguments.stacks)
        lines = _show("packages, stripped", rows, items=False)
        lines += _show("whole slugs", _of_apps(arguments.apps, tool), items=arguments.items)
    if arguments.apps:
        say(*(f"- Not built, {name}: {why}." for name, why in FAILING.items()), "")
    say(f"All this time {others.share}.")
    if arguments.write:
        document("bench-predict", lines[:-1])


def _names(text: str) -> Sequence[str]:
    return tuple(name for name in text.split(",") if name not in {"", _NONE})


def _show(title: str, rows: Iterable[Row], *, items: bool) -> list[str]:
    """Print the table as it grows; return its lines, and an empty one."""
    lines = []
    for count, row in enumerate(rows):
        if not count:
            lines += [f"| {title} | real | forecast | error | in |", "|---|---:|---:|---:|---:|"]
            say(*lines)
        lines.append(str(row))
        say(lines[-1], *(row.differences if items else ()))
    say("")
    return [*lines, ""]


def _of_stack(stack: Installed, scratch: Path, environ: Mapping[str, str]) -> Row:
    app = scratch / stack.stack
    app.mkdir()
    (app / "requirements.txt").write_text(_lock(stack))
    found, seconds = _predict(app, environ, "--python", SERIES)
    packages = [item for item in found["items"] if item["kind"] == "distribution"]
    predicted = sum(item["compressed_bytes"] for item in packages)
    return Row(TITLES[stack.stack], _weigh_stripped(stack, scratch, environ), predicted, seconds)


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


def _of_apps(names: Sequence[str], environ: Mapping[str, str]) -> Iterator[Row]:
    """Whole slugs: Python, packages, the apps' own files and their models."""
    with store() as s3:
        for name in names:
            try:
                yield _of_app(name, s3, environ)
            except NoWheelError as absent:
                say(f"- Not built, {name}: {absent}.")


def _of_app(name: str, s3: S3Server, environ: Mapping[str, str]) -> Row:
    with asked(name, s3) as app:
        report = report_of(app)
        python = ".".join(report["python_version"].split(".")[:2])
        tool = {**environ, **app.config}
        found, seconds = _predict(FIXTURES / app.fixture, tool, "--python", python)
    real, predicted = report["slug"]["compressed_bytes"], found["compressed_bytes"]
    sizes = (_by_item(report["slug"]["items"]), _by_item(found["items"]))
    return Row(f"{app.fixture}, Python {python}", real, predicted, seconds, *sizes)


def _by_item(items: Iterable[Mapping[str, Any]]) -> Sizes:
    return {item["name"].lower().replace("_", "-"): item["compressed_bytes"] for item in items}


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
