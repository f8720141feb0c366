"""How much of its packages an app's start reads, judged by its imports: with strip.bytecode =
"boot", that much of their bytecode stays.

A table of contents does not tell which modules a package imports in its turn: instead, the shares
in start_imports.toml were observed in other apps.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from slugfit.base.globs import matcher
from slugfit.base.toml import loads
from slugfit.forecast.wheels import WheelContents
from slugfit.packages.graph import Graph
from slugfit.strip.trials.script_imports import statements_of
from slugfit.strip.trials.startup import commands_of, startup_of
from slugfit.strip.trials.trial import Trial

_MODULES = (".py", ".so")


@dataclass(frozen=True)
class Start:
    """What the files of an app reveal about its start.

    `modules` are dotted names that its code imports, and `texts` those that it may import by name;
    `words` are those of its commands. Where nothing `is_seen` to start, a build keeps all bytecode.
    """

    modules: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    is_seen: bool = False

    def imports(self, modules: Iterable[str]) -> bool:
        """Whether the app's code imports one of these, or something in it."""
        wanted = frozenset(modules)
        return any(not wanted.isdisjoint(_prefixes(name)) for name in self.modules)


def start_of(app: Path, sources: Iterable[str], texts: frozenset[str], *, smoke: bool) -> Start:
    """The start of `app`, whose Python files are `sources`; with `smoke`, all of them run."""
    trials = startup_of(app).trials
    names = frozenset(_imported(app, trials))
    if smoke:
        names |= frozenset(_imported(app, _all_of(app, sources)))
    words = (word for command in commands_of(app) for word in command)
    return Start(
        modules=names,
        texts=texts,
        words=frozenset(part for word in words for part in (word, os.path.basename(word))),
        is_seen=bool(trials) or smoke,
    )


def shares(start: Start, packages: Mapping[str, WheelContents], graph: Graph) -> dict[str, float]:
    """Of each package's bytecode, by normalized name, the part that the start reads.

    All of the programs that a command starts, since their workers import more than their start;
    nothing of what the app's code does not lead to. All of all where no start is seen.
    """
    if not start.is_seen:
        return dict.fromkeys(packages, 1.0)
    programs = {n for n, inside in packages.items() if not start.words.isdisjoint(inside.programs)}
    modules = start.modules | start.texts | start.words
    imported = {n for n, inside in packages.items() if _has_any(inside, modules)}
    reached = graph.below({*programs, *imported})
    found = {name: _share(name) if name in reached else 0.0 for name in packages}
    return found | dict.fromkeys(programs, 1.0)


def _imported(app: Path, trials: Iterable[Trial]) -> Iterator[str]:
    """The modules that the trials import, and that those of the app among them import."""
    pending = [name for trial in trials for name in _names(trial)]
    seen: set[str] = set()
    for name in pending:  # it grows
        if name in seen:
            continue
        seen.add(name)
        yield name
        for file, package in _files(app, name):
            pending += [n for trial in statements_of(file, package) for n in _names(trial)]


def _all_of(app: Path, sources: Iterable[str]) -> Iterator[Trial]:
    for path in sources:
        yield from statements_of(app / path, path.rpartition("/")[0].replace("/", "."))


def _names(trial: Trial) -> Iterator[str]:
    """The modules that a trial imports; of `from a import b`, b may be one, too."""
    if trial.module:
        yield trial.module
        return
    for node in ast.walk(ast.parse(trial.statement)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")


def _files(app: Path, name: str) -> Iterator[tuple[Path, str]]:
    """The files of the app that an import of a module runs, each with the package it is in."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        path, package = app.joinpath(*parts[:count]), ".".join(parts[:count])
        if (path / "__init__.py").is_file():
            yield path / "__init__.py", package
        elif path.with_suffix(".py").is_file():
            yield path.with_suffix(".py"), package.rpartition(".")[0]


def _has_any(inside: WheelContents, modules: Iterable[str]) -> bool:
    provided = _provided(inside)
    return any(not provided.isdisjoint(_prefixes(name)) for name in modules)


def _provided(inside: WheelContents) -> frozenset[str]:
    """The modules and packages of a wheel, dotted; of packages, those with code of their own."""
    found = set()
    for member in inside.members:
        path = member.path
        if path.endswith("/__init__.py"):
            found.add(path.removesuffix("/__init__.py").replace("/", "."))
        elif path.endswith(_MODULES):
            directory, _, file = path.rpartition("/")
            found.add(".".join(filter(None, (directory.replace("/", "."), file.partition(".")[0]))))
    return frozenset(found)


def _prefixes(name: str) -> Iterator[str]:
    """a, a.b and a.b.c of a.b.c."""
    parts = name.split(".")
    return (".".join(parts[: count + 1]) for count in range(len(parts)))


def _share(name: str) -> float:
    usual, known = _table()
    return next((share for glob, share in known.items() if matcher([glob])(name)), usual)


@cache
def _table() -> tuple[float, Mapping[str, float]]:
    """The usual share, and those of distributions by globs of their names."""
    text = Path(__file__).with_name("start_imports.toml").read_text(encoding="utf-8")
    document = loads(text)
    return document["usual"], document["shares"]
