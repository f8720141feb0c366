"""What an app's processes import when they start, as far as its files tell."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

from slugfit.app.procfile import declared
from slugfit.base.files import inside
from slugfit.strip.trials.script_imports import statements_of
from slugfit.strip.trials.trial import Trial, importing

T = TypeVar("T")

_ASSIGNMENT = re.compile(r"(-[\w-]+|[A-Za-z_]\w*)=(.*)", re.DOTALL)
_MODULE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(:.+)?", re.DOTALL)
_BEFORE_A_DIRECTORY = {"cd", "--chdir", "--app-dir", "--pythonpath", "--workdir", "--wd"}
_BEFORE_AN_APP = {"-A", "--app", "--module", "-w", "FLASK_APP", "DJANGO_SETTINGS_MODULE"}
_TAKE_BARE_NAMES = {"gunicorn", "dramatiq"}
# What lies at the top of an app without being part of its processes.
_NO_PART = re.compile(r"tests?|test_.*|.*_test|setup|conftest|manage|noxfile|fabfile|docs")


@dataclass(frozen=True)
class Startup:
    """What an app's processes import, with `paths` before all else on sys.path.

    Its scripts are not run: `trials` has their import statements instead.
    """

    paths: tuple[Path, ...] = ()
    trials: tuple[Trial, ...] = ()


def startup_of(app: Path) -> Startup:
    """What the Procfile names of the app; if it names nothing, what lies at the app's top."""
    commands = [_Command(app, tuple(words)) for words in commands_of(app)]
    trials = list(chain.from_iterable(command.trials() for command in commands))
    roots = chain.from_iterable(command.roots() for command in commands)
    return Startup(_once((app, *roots)), _once(trials or _at_top(app)))


def commands_of(app: Path) -> list[list[str]]:
    """The words of each command in the Procfile, options apart from their values."""
    return [list(_words(command)) for command in declared(app).values()]


@dataclass(frozen=True)
class _Command:
    """One command of an app's Procfile."""

    app: Path
    words: tuple[str, ...]

    def roots(self) -> list[Path]:
        """Where its modules are looked for: beside a script, and where it changes to."""
        named = [
            (self.app, word) for before, word in self._pairs() if before in _BEFORE_A_DIRECTORY
        ]
        scripts = (word for word in self.words if self._script(word))
        beside = [(self.app, os.path.dirname(word)) for word in scripts]
        found = [inside(app, directory) for app, directory in (*named, *beside)]
        return [*(root for root in found if root and root.is_dir()), self.app]

    def trials(self) -> Iterator[Trial]:
        takes_bare = not _TAKE_BARE_NAMES.isdisjoint(map(os.path.basename, self.words))
        for before, word in self._pairs():
            if script := self._script(word):
                is_app = before in _BEFORE_AN_APP
                yield from [importing(script.stem)] if is_app else statements_of(script)
            elif found := _MODULE.fullmatch(word):
                name, attribute = found.groups()
                if before == "-m":
                    yield from self._run(name)
                elif attribute or "." in name or takes_bare or before in _BEFORE_AN_APP:
                    yield from self._imports(name)

    def _pairs(self) -> Iterator[tuple[str, str]]:
        """Each word, after the one before."""
        return zip(("", *self.words), self.words, strict=False)

    def _script(self, word: str) -> Path | None:
        path = inside(self.app, word) if word.endswith(".py") else None
        return path if path and path.is_file() else None

    def _imports(self, module: str) -> Iterator[Trial]:
        if any(_exists(root, module) for root in self.roots()):
            yield importing(module)

    def _run(self, module: str) -> Iterator[Trial]:
        """What `python -m` of the module imports."""
        for root in self.roots():
            path = root.joinpath(*module.split("."))
            if (path / "__init__.py").is_file():
                yield importing(module)
                yield from statements_of(path / "__main__.py", module)
            elif path.with_suffix(".py").is_file():
                yield from statements_of(path.with_suffix(".py"), module.rpartition(".")[0])


def _words(command: str) -> Iterator[str]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:  # a quotation mark without its other half
        words = command.split()
    for word in words:
        assignment = _ASSIGNMENT.fullmatch(word)
        yield from assignment.groups() if assignment else [word]


def _at_top(app: Path) -> Iterator[Trial]:
    for path in sorted(app.iterdir()):
        if path.stem.isidentifier() and not _NO_PART.fullmatch(path.stem):
            if (path / "__init__.py").is_file():
                yield importing(path.name)
            elif path.suffix == ".py" and path.is_file():
                yield from statements_of(path)


def _exists(root: Path, module: str) -> bool:
    path = root.joinpath(*module.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _once(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
