"""Where libraries are named: in sources, in lists of plugins, in programs and libraries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from slugfit.packages.distributions import Owners
from slugfit.strip.native.asking import (
    Asked,
    WantedLibraries,
    parts_of_paths,
    strings_of_source,
    strings_of_text,
)
from slugfit.strip.native.elf import MAGIC, mapped_pieces
from slugfit.strip.native.libraries import Native
from slugfit.strip.site_tree import SiteTree, SourceFile

_LISTS = re.compile(rb"\b(?:listdir|scandir|iterdir|walk|i?glob|rglob)\b")
_SUFFIXES = (b"EXT_SUFFIX", b"SHLIB_SUFFIX", b"EXTENSION_SUFFIXES")
_TEXTS = (".json", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".conf", ".xml", ".icd", ".sh")
_LARGEST_TEXT = 256 * 1024


def named_in_sources(wanted: WantedLibraries, sources: Iterable[SourceFile]) -> dict[str, str]:
    found: dict[str, str] = {}
    for source in sources:
        raw = _read(source.file)
        if wanted.may_be_in(raw):
            _note(found, wanted, _strings(source.file, raw), source.label)
    return found


def _strings(file: Path, raw: bytes) -> bytes:
    if raw.startswith(MAGIC):
        return raw
    return strings_of_source(raw) if file.suffix == ".py" else strings_of_text(raw)


def named_in_texts(
    tree: SiteTree, going: Mapping[str, str], wanted: WantedLibraries
) -> dict[str, str]:
    """What is named in lists of plugins, drivers and the like."""
    found: dict[str, str] = {}
    tops = {_top(path) for path in wanted.libraries}
    for path in tree.files:
        if path.endswith(_TEXTS) and path not in going and _top(path) in tops:
            file = tree.root / path
            raw = _read(file) if file.lstat().st_size <= _LARGEST_TEXT else b""
            if wanted.may_be_in(raw):
                _note(found, wanted, strings_of_text(raw), path)
    return found


def _top(path: str) -> str:
    """`a` for what lies in a/ or in a.libs/."""
    return path.partition("/")[0].removesuffix(".libs")


def _note(found: dict[str, str], wanted: WantedLibraries, strings: bytes, label: str) -> None:
    asked = Asked()
    wanted.search(strings, asked)
    for path in wanted.found(asked):
        found.setdefault(path, f"named in {label}")


def listed(
    tree: SiteTree, libraries: Sequence[Native], sources: Sequence[SourceFile]
) -> dict[str, str]:
    """Those that a source of their own distribution finds by listing a directory.

    That is one that it lies in or above, or whose names some source of the distribution has: a
    listing of a directory that callers give finds what one of them can spell.
    """
    if not libraries:
        return {}
    owner = Owners(tree.distributions).owner
    owned = _by_owner(libraries, owner)
    inside = [(s.file.relative_to(tree.root).as_posix(), s) for s in sources if _is_in(tree, s)]
    found: dict[str, str] = {}
    for path, source in inside:
        raw = _read(source.file)
        if not _names_suffix(raw) or not _LISTS.search(raw):
            continue
        name = owner(path)
        patterns = _patterns(raw) if name in owned else set()
        for native in owned.get(name, ()):
            if native.path not in found and _fits(native, patterns):
                above = f"{path.rpartition('/')[0]}/"
                others = (s for p, s in inside if owner(p) == name)
                if native.path.startswith(above) or _is_spelled(native, others):
                    found[native.path] = f"listed by {source.label}"
    return found


def _is_in(tree: SiteTree, source: SourceFile) -> bool:
    return source.file.is_relative_to(tree.root)


def _by_owner(
    libraries: Iterable[Native], owner: Callable[[str], str]
) -> Mapping[str, list[Native]]:
    owned: dict[str, list[Native]] = {}
    for native in libraries:
        owned.setdefault(owner(native.path), []).append(native)
    return owned


def _is_spelled(native: Native, sources: Iterable[SourceFile]) -> bool:
    """Whether a source has all names of the library's directory, its top level apart."""
    names = {name.encode("utf-8", "surrogateescape") for name in native.path.split("/")[1:-1]}
    raws = (_read(source.file) for source in sources if source.file.suffix == ".py")
    return any(all(n in raw for n in names) and names <= parts_of_paths(raw) for raw in raws)


def _names_suffix(source: bytes) -> bool:
    return any(word in source for word in (b".so", *_SUFFIXES))


def _patterns(source: bytes) -> set[str]:
    """The file names that a source could filter a listing by."""
    words = strings_of_source(source).split(b"\0")
    found = {word.decode("utf-8", "replace") for word in words if b".so" in word and b"*" in word}
    any_suffix = b".so" in words or any(word in source for word in _SUFFIXES)
    return found | {"*.so*"} if any_suffix else found


def _fits(native: Native, patterns: Iterable[str]) -> bool:
    # As the package's own Python would read them.
    return any(fnmatchcase(name, pattern) for name in native.files for pattern in patterns)


def named_in_native(wanted: WantedLibraries, root: Path, native: Native) -> dict[str, str]:
    """What a program or library has the name of among its strings."""
    asked = Asked()
    for piece in mapped_pieces(root / native.path):
        wanted.search(piece, asked)
    return dict.fromkeys(wanted.found(asked), f"named in {native.path}")


def _read(file: Path) -> bytes:
    """A text's bytes; none if it is a broken link, or not readable."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
