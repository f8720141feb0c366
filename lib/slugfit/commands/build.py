"""`slugfit build [APP]`: builds an app on this machine as Heroku would."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slugfit.app.git_files import copy_source
from slugfit.app.python_version import PythonVersion, python_for
from slugfit.base.files import alone_in
from slugfit.base.output import Output
from slugfit.commands.context import Context
from slugfit.commands.predict import add_question
from slugfit.local.env_file import read_env_file, read_pairs
from slugfit.local.failures import IntoTaken, NoPython, NoUv
from slugfit.local.heroku_app import App
from slugfit.local.python_discovery import (
    PythonNotFoundError,
    find_interpreter,
    running_interpreter,
)
from slugfit.local.python_runtime import IncompletePythonError, prepare
from slugfit.local.stand_in import installable, uv_binary
from slugfit.stores.registry import secrets_in

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_BUILT = Path(".slugfit", "report.json")


def add_arguments(parser: ArgumentParser) -> None:
    add_question(parser)
    parser.add_argument("--env", metavar="KEY=VALUE", action="append", default=[])
    parser.add_argument("--env-file", metavar="FILE", type=Path, help="config vars, as in a .env")
    parser.add_argument("--cache", metavar="DIR", type=Path, help="the build cache")
    parser.add_argument("--into", metavar="DIR", type=Path, help="save the built app there")
    parser.add_argument(
        "--run", dest="command", metavar="COMMAND", help="then run it in a one-off dyno"
    )


@dataclass(frozen=True)
class _Places:
    """Where a build happens, and what it leaves: its cache, and the built app.

    Pythons and wheels are shared by the builds of all apps.
    """

    machine: Path
    cache: Path
    into: Path
    pythons: Path
    wheels: Path


class _Echo(io.StringIO):
    """The build's log, shown as it comes. Its scripts' lines have their colours already."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def write(self, text: str) -> int:
        self._output.text(text)
        return len(text)


def run(args: Namespace, context: Context) -> int:
    """0, 1 when the build failed, or how the command of --run ended; failures are raised."""
    app = args.app.resolve()
    places = _places(args, app, context.cache.absolute())
    config = {**_from_file(args.env_file), **read_pairs(args.env)}
    context.output.redact.learn(secrets_in(config))
    python = _python(app, args.python, places.pythons, context.environ)
    with _alone_on(places.machine, context):
        empty = places.machine / "empty"
        empty.mkdir(parents=True)
        local = App(
            empty,
            pythons=places.pythons,
            wheels=places.wheels,
            environ=context.environ,
            config=config,
            stack=args.stack,
            python=python,
            root=places.machine / "root",
            cache_dir=places.cache,
            allow_failure=True,
            echo=_Echo(context.output),
        )
        with local:
            copy_source(app, local.source_dir, context.environ)
            return _build(local, args.command, places.into, context.output)


def _places(args: Namespace, app: Path, cache: Path) -> _Places:
    """Named after the app's path, so that its next build finds the cache of this one."""
    digest = hashlib.sha256(os.fsencode(app)).hexdigest()
    home = cache / "builds" / f"{_UNSAFE.sub('-', app.name)}-{digest[:8]}"
    into = (args.into or home / "app").resolve()
    # In the app, it would be part of the next build; around it, it would take its place.
    if app in (into, *into.parents) or into in app.parents or not _is_free(into):
        raise IntoTaken(into)
    return _Places(
        machine=home / "machine",
        cache=(args.cache or home / "cache").absolute(),
        into=into,
        pythons=cache / "pythons",
        wheels=cache / "wheels",
    )


def _is_free(into: Path) -> bool:
    """Whether a build created this directory, or it is empty or missing."""
    if not into.exists():
        return True
    return (into / _BUILT).is_file() or (into.is_dir() and not any(into.iterdir()))


def _from_file(path: Path | None) -> dict[str, str]:
    return read_env_file(path) if path else {}


def _python(
    app: Path, asked: str | None, pythons: Path, environ: Mapping[str, str]
) -> PythonVersion:
    """The Python to build with, prepared now: a build would not say why that failed.

    Raises failures for what heroku/python refuses, and for what is not installed here.
    """
    manager = installable(app).manager
    version = python_for(app, manager, asked)
    if manager == "uv" and uv_binary(environ) is None:
        raise NoUv
    try:
        prepare(find_interpreter(version.series, environ), pythons)
    except (PythonNotFoundError, IncompletePythonError) as error:
        raise NoPython(version.series, str(error), running_interpreter().series) from error
    return version


@contextmanager
def _alone_on(machine: Path, context: Context) -> Iterator[None]:
    """Hold a lock on this app's builds, and remove the machine afterwards."""
    with alone_in(machine.parent, lambda: context.output.step("Waiting for another build")):
        shutil.rmtree(machine, ignore_errors=True)
        try:
            yield
        finally:
            shutil.rmtree(machine, ignore_errors=True)


def _build(local: App, command: str | None, into: Path, output: Output) -> int:
    """Build the app, run the command in it, and save it."""
    begin = time.monotonic()
    local.deploy()
    if not local.succeeded:
        return 1
    output.step(f"Built in {time.monotonic() - begin:.0f} s")
    ended = local.run(command) if command else None
    if ended:
        output.step(f"Running {command}")
        output.detail(ended.output)
    shutil.rmtree(into, ignore_errors=True)
    into.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(local.build_dir, into)
    output.step(f"Saved the built app: {into}")
    output.detail(f"slugfit report {into}")
    return ended.status if ended else 0
