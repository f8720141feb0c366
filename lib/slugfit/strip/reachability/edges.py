"""The edges from one source to candidates: what it imports, names, lists, computes and opens."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from slugfit.base.files import directories_above
from slugfit.strip.reachability.facts import absolute
from slugfit.strip.reachability.source_reader import (
    IMPORTERS,
    LISTERS,
    PATTERNS,
    PLACES,
    RESOURCES,
    TEST_RUNNERS,
    SourceReader,
)
from slugfit.strip.reachability.targets import file_names_in, module_name, top_of

_ANY_STUB = re.compile(r"(?:.*[*?}])?\.(pyi|pxd)")
_PATTERN = re.compile(r"[\w/*?-]*\*[\w*?-]*(?:\.[\w-]+)+")  # no regular expression


def reached_by(reader: SourceReader) -> dict[str, str]:
    """What the source reaches, with the reason."""
    found: dict[str, str] = {}
    if reader.is_worth_reading():
        # A test is kept for its helpers: what it finds by computing, the tests are.
        for because, edge in _CERTAIN if _is_test(reader) else (*_CERTAIN, *_POSSIBLE):
            for path in edge(reader):
                found.setdefault(path, f"{because} {reader.source.label}")
    if reader.source.file.name == "entry_points.txt":
        return dict.fromkeys(found, f"listed in {reader.source.label}")
    return found


def _is_test(reader: SourceReader) -> bool:
    """Whether a candidate imports what runs tests: their names alone are in many docstrings."""
    return reader.is_candidate and any(
        os.fsencode(name.partition(".")[0]) in TEST_RUNNERS for name in reader.facts.imports
    )


def _imports(reader: SourceReader) -> Iterator[str]:
    names = reader.facts.imports
    for name in names:
        yield from reader.targets.module(name)
        if reader.path:
            yield from reader.targets.vendored(name, top_of(reader.path))
    for package in names - {name.rpartition(".")[0] for name in names}:
        yield from reader.targets.in_namespace(package)


def _file_names(reader: SourceReader) -> Iterator[str]:
    """Files that the source names: by their names alone in its own distribution."""
    strings = file_names_in(_bytes(reader.facts.strings))
    # A program's name is a word like any other: it counts where a command or a path ends.
    alone = {posixpath.basename(t.partition(" ")[0]) for t in reader.facts.paths}
    for path in reader.named(strings & reader.file_names):
        name = posixpath.basename(path)
        if "." in name or name in alone:
            yield path


def _names(reader: SourceReader) -> Iterator[str]:
    """Modules that the source names in texts: in full, or relative to a package it is in."""
    package = reader.source.package
    for text in reader.facts.texts:
        name = text.strip(".")
        is_any = "." in name or reader.uses(IMPORTERS)
        for base in _packages(package) if is_any else ("", package):
            yield from reader.targets.module(f"{base}.{name}".strip("."))
    for text in reader.facts.paths:
        if text.endswith(".py") and text.strip("/") != "__init__.py":
            yield from _sources_called(text.strip("./"), reader)


def _sources_called(end: str, reader: SourceReader) -> Iterator[str]:
    """Sources of the reader's distribution whose paths end so: they can be run as files."""
    for path in reader.targets.named((_bytes(posixpath.basename(end)),)):
        if f"/{path}".endswith(f"/{end}") and top_of(path) in reader.group:
            yield path


def _path_file(reader: SourceReader) -> Iterator[str]:
    """All in the directories that a *.pth file puts on sys.path."""
    if reader.source.file.name.endswith(".pth"):
        for place, _ in _named_places(reader):
            if reader.targets.is_emptied(place):
                yield from reader.targets.below(place)


def _stubs(reader: SourceReader) -> Iterator[str]:
    """Stubs that are read at run time: by lazy_loader, or by a program that reads any stub.

    Cython reads those of C, which are called *.pxd.
    """
    if b"attach_stub" in reader.words and reader.path:
        stub = f"{reader.path.removesuffix('.py')}.pyi"
        if reader.targets.has(stub):
            yield stub
    # A setup.py that stayed in a package has had its run.
    builds = reader.source.file.name == "setup.py"
    found = (_ANY_STUB.fullmatch(text) for text in reader.facts.paths)
    if read := {match[1] for match in found if match and not builds}:
        for top in sorted(reader.group):
            yield from (p for p in reader.targets.below(top) if p.rpartition(".")[2] in read)


def _computed(reader: SourceReader) -> Iterator[str]:
    """Modules whose names begin and end as the source has it."""
    for start, end in reader.facts.computed:
        name = start.lstrip(".")
        level = len(start) - len(name)
        if level == 0:
            yield from reader.targets.submodules(start, end)
        elif reader.uses(IMPORTERS):
            base = absolute("", level, reader.source.package)
            yield from reader.targets.submodules(f"{base}.{name}", end)


def _listed(reader: SourceReader) -> Iterator[str]:
    """Modules of packages that the source lists, and imports from by what it finds."""
    if reader.uses(IMPORTERS) and reader.uses(LISTERS):
        for name in reader.facts.places:
            yield from reader.targets.submodules(f"{name}.")
            if name.rpartition(".")[0] == reader.source.package:
                yield from reader.targets.submodules(f"{reader.source.package}.")


def _handed_on(reader: SourceReader) -> Iterator[str]:
    """Modules of a candidate that a text names as a package, for code that lists and imports them.

    Code that imports and does not list has imported the package itself.
    """
    if reader.uses(IMPORTERS) and not reader.uses(LISTERS):
        return
    for text in reader.facts.texts:
        directory = text.replace(".", "/")
        is_own = "." in text and top_of(directory) in reader.group
        if is_own and reader.targets.has(f"{directory}/__init__.py"):
            yield from reader.targets.submodules(f"{text}.")


def _places(reader: SourceReader) -> Iterator[str]:
    """Files that the source names by a part of their path, or whose directory it names.

    Modules only where it can run what it finds; where it also knows of tests, it runs or
    skips those.
    """
    if not reader.uses(PLACES | RESOURCES):
        return
    can_run = reader.uses(IMPORTERS) and not reader.uses(TEST_RUNNERS)
    for place, text in _named_places(reader):
        if reader.targets.has(place):
            yield place
        elif reader.targets.is_emptied(place) or not reader.targets.is_package(place):
            for path in reader.targets.readable(place):
                if module_name(path) is None or (can_run and "test" not in text):
                    yield path


def _beside(reader: SourceReader) -> Iterator[str]:
    """Data in the directory of a candidate that opens files there by names it computes."""
    if reader.is_candidate and reader.uses(PLACES | RESOURCES):
        yield from _data(reader.directory, reader)


def _resources(reader: SourceReader) -> Iterator[str]:
    """Data in packages that a source names, and reads files from."""
    if reader.uses(RESOURCES):
        for name in reader.facts.imports | reader.facts.texts:
            yield from _data(name.strip(".").replace(".", "/"), reader)


def _patterns(reader: SourceReader) -> Iterator[str]:
    """Files below the source's directory that match a pattern which it looks for."""
    if not reader.uses(PATTERNS) or not reader.path:
        return
    patterns = [posixpath.basename(t) for t in reader.facts.paths if _PATTERN.fullmatch(t)]
    # Read as the package's own Python would: by fnmatch.
    patterns = [pattern for pattern in patterns if not pattern.endswith(".py")]
    for path in reader.targets.below(reader.directory) if patterns else ():
        name = posixpath.basename(path)
        if not reader.targets.is_by_name(path) and any(fnmatchcase(name, p) for p in patterns):
            yield path


_Edge = tuple[str, Callable[[SourceReader], Iterator[str]]]
_CERTAIN: tuple[_Edge, ...] = (
    ("imported by", _imports),
    ("named in", _file_names),
    ("named in", _names),
    ("named in", _path_file),
    ("read as stubs by", _stubs),
)
_POSSIBLE: tuple[_Edge, ...] = (
    ("perhaps imported by", _computed),
    ("perhaps imported by", _listed),
    ("perhaps imported by", _handed_on),
    ("perhaps opened by", _places),
    ("perhaps opened by", _beside),
    ("perhaps opened by", _resources),
    ("perhaps opened by", _patterns),
)


def _packages(package: str) -> Iterator[str]:
    """`a.b`, `a` and "" for the package a.b."""
    while package:
        yield package
        package = package.rpartition(".")[0]
    yield ""


def _named_places(reader: SourceReader) -> Iterator[tuple[str, str]]:
    """Each path that a text of the source can mean, with the text."""
    texts = {text: text.strip("/") for text in reader.facts.paths}
    for base in _bases(reader):
        for text, end in texts.items():
            place = posixpath.normpath(posixpath.join(base, end))
            if place != base and not place.startswith((".", "/")):
                yield place, text


def _bases(reader: SourceReader) -> Iterator[str]:
    """The directories that paths in the source can start from."""
    yield from directories_above(reader.path or "")
    yield ""
    modules = reader.facts.places
    if reader.uses(RESOURCES):
        modules = modules | reader.facts.imports | reader.facts.texts
    for name in modules:
        directory = name.strip(".").replace(".", "/")
        if reader.targets.has_directory(directory):
            yield directory


def _data(directory: str, reader: SourceReader) -> Iterator[str]:
    """What can be read in `directory` and is no module."""
    return (p for p in reader.targets.readable(directory) if module_name(p) is None)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # a source can hold any text
