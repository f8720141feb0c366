"""A source that stays: its words, and its facts when these words make them worth having."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from slugfit.strip.reachability.facts import Facts, read_python
from slugfit.strip.reachability.targets import Targets, file_names_in, top_of, words_in
from slugfit.strip.reachability.texts import read_entry_points, read_path_file, read_text
from slugfit.strip.site_tree import SourceFile


def _words(text: str) -> frozenset[bytes]:
    return frozenset(text.encode().split())


# What a source cannot do without that imports by computed names, lists directories, looks where
# it or another module lies, reads stubs, or runs tests.
IMPORTERS = _words(
    "import_module __import__ find_spec find_module find_loader load_module exec_module run_module"
    " run_path spec_from_file_location SourceFileLoader importorskip"
)
LISTERS = _words(
    "iter_modules walk_packages listdir scandir iterdir glob iglob rglob walk contents"
    " resource_listdir"
)
RESOURCES = _words(
    "resources importlib_resources pkg_resources resource_filename resource_string resource_stream"
    " resource_listdir pkgutil PackageLoader"
)
PLACES = _words("__file__ __path__ __spec__ submodule_search_locations getfile getsourcefile")
PATTERNS = _words("glob iglob rglob fnmatch fnmatchcase")
STUBS = _words("attach_stub pyi pxd")
TEST_RUNNERS = _words("pytest unittest nose doctest testmod")

# What comes before and after a name that is part of a text or of an import: prose has letters
# there, and so has a text that is split into names.
_BEFORE = rb"(?:[\"'./:,(]|\b(?:import|from|-m)\b|^)[ \t\\\n]*"
_AFTER = rb"(?=[ \t]*(?:[\"'./:,)#;%{\\\n]|$|as\b|import\b))"
_SPLIT = re.compile(rb"[\"']\.split\(")


_LONG = 6  # letters: `diagnose`, and not `print`


def _says_enough(program: str) -> bool:
    return "." not in program and len(program) >= _LONG


@dataclass(frozen=True)
class SourceReader:
    """One source, among the candidates that it could reach.

    path: relative to site-packages; None for a source of the app
    group: the top-level names of the source's distribution, its own included
    """

    source: SourceFile
    path: str | None
    content: bytes
    group: frozenset[str]
    targets: Targets

    @cached_property
    def file_names(self) -> frozenset[bytes]:
        return file_names_in(self.content)

    @cached_property
    def words(self) -> frozenset[bytes]:
        return words_in(self.file_names)

    @cached_property
    def facts(self) -> Facts:
        name, package = self.source.file.name, self.source.package
        if name == "entry_points.txt":
            return read_entry_points(self.content)
        if name.endswith(".pth"):
            return read_path_file(self.content)
        if not name.endswith(".py"):
            return read_text(self.content)
        parts = (package, name.removesuffix(".py").removesuffix("__init__"))
        return read_python(self.content, ".".join(filter(None, parts)), package)

    @property
    def is_candidate(self) -> bool:
        return self.path is not None and self.targets.has(self.path)

    @property
    def directory(self) -> str:
        return posixpath.dirname(self.path or "")

    def uses(self, words: frozenset[bytes]) -> bool:
        return not self.words.isdisjoint(words)

    def named(self, words: Iterable[bytes]) -> Iterator[str]:
        """The files whose names are among `words`, if the source can mean them."""
        for path in self.targets.named(words):
            name = os.fsencode(posixpath.basename(path))
            if not path.endswith(".py") and name in self.content and self._can_mean(path):
                yield path

    def is_worth_reading(self) -> bool:
        """Whether the source could reach anything: most sources are not parsed."""
        return (
            self.path is None  # the app's are few
            or self.is_candidate
            or self.source.file.name.endswith((".pth", "entry_points.txt"))
            or self.uses(IMPORTERS | STUBS)
            or (self.uses(LISTERS) and self.uses(PLACES | RESOURCES))
            or any(True for _ in self.named(self.file_names))
            or self._stands_at_an_entrance()
        )

    def _can_mean(self, path: str) -> bool:
        """Whether the last part of `path` says enough: in its own package, or with all others."""
        *directories, name = path.split("/")
        if self.targets.is_by_name(path):
            # Any package may start a program by its name; short names are words as well.
            is_own = top_of(path) == top_of(self.path or "")
            return (is_own or _says_enough(name)) and not self._is_binary
        return top_of(path) in self.group or self.words.issuperset(map(os.fsencode, directories))

    @property
    def _is_binary(self) -> bool:
        return self.source.file.name.endswith(".so")

    def _stands_at_an_entrance(self) -> bool:
        modules, files = self.targets.entrances
        words = self.words & modules
        if self.uses(PLACES | RESOURCES):
            words |= self.words & files
        if not words or _SPLIT.search(self.content):
            return bool(words)
        either = b"|".join(re.escape(word) for word in sorted(words))
        names = _BEFORE + b"(?:" + either + b")" + _AFTER
        return bool(re.search(names, self.content, re.MULTILINE))
