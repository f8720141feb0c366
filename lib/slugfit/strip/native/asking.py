"""Which texts ask a loader for a library, by any part of its name.

A text asks for libfoo_bar.so.1 when it has that name, or the name up to a place where
a computed part could follow (`libfoo_`, `libfoo_bar.so`), or when it is a string `foo_bar`
of its own, to which others add `lib` and `.so`.

Short strings that compilers inline are found as well: they are stored by way of registers,
eight or sixteen bytes at a time, so that the whole name is nowhere in the file.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_REST = re.compile(rb"[\w.+-]*")  # of a file name
_SHORTEST = 6  # bytes that tell anything of a name: "lib" and three more
_REGISTER, _WIDE_REGISTER = 8, 16  # bytes
_MOVABS = re.compile(rb"[\x48\x49][\xb8-\xbf]")  # x86-64: what eight bytes in the code follow
_SPACE, _SLASHES = re.compile(rb"\s"), re.compile(rb"[/\\]")
_COMPUTED = (b"%s", b"}", b"*", b"\0")  # the end of a computed part, "*" as _strings has it
_MARKS = b" \t\r\n\"'`,;:=()[]{}<>/\\|"
_DELIMITERS = bytes.maketrans(_MARKS, bytes(len(_MARKS)))


@dataclass
class Asked:
    """The libraries that a text asks for: by a part of their file names, or by a bare name."""

    by_file: set[str] = field(default_factory=set)
    by_bare: set[str] = field(default_factory=set)
    adds_versions: bool = False


class WantedLibraries:
    """Libraries to look for in texts, each with the names of its files."""

    def __init__(self, libraries: Mapping[str, frozenset[str]]) -> None:
        self.libraries = tuple(sorted(libraries))
        self._files: dict[bytes, list[tuple[bytes, str]]] = {}
        self._bare: dict[bytes, list[str]] = {}
        self._unversioned = {
            path for path, names in libraries.items() if any(n.endswith(".so") for n in names)
        }
        for path, names in sorted(libraries.items()):
            for name in map(_encoded, sorted(names)):
                self._files.setdefault(_needle(name), []).append((name, path))
                self._bare.setdefault(bare(name), []).append(path)

    def may_be_in(self, source: bytes) -> bool:
        """Whether a Python source could ask for one: most of them are not parsed."""
        return any(word in source for word in (*self._files, *self._bare))

    def search(self, text: bytes, asked: Asked) -> None:
        """Add what `text` asks for; strings in it end with a zero byte."""
        for needle, names in self._files.items():
            for at in _places(text, needle):
                asked.by_file.update(path for name, path in names if _asks_at(text, at, name))
        for word, paths in self._bare.items():
            for at in _places(text, word + b"\0"):
                # Linkers let a string share the end of a longer one.
                if len(word) >= _SHORTEST or text[at - 1 : at] in (b"\0", b""):
                    asked.by_bare.update(paths)
        asked.adds_versions = asked.adds_versions or _adds_versions(text)

    def found(self, asked: Asked) -> set[str]:
        """The libraries that are asked for.

        Where the bare name stands, `lib` and `.so` make a file name of it; a file with
        a version at its end is named so only where versions are added.
        """
        bare = asked.by_bare if asked.adds_versions else asked.by_bare & self._unversioned
        return asked.by_file | bare


def asks(text: bytes, name: bytes) -> bool:
    """Whether `text` is file `name`, or so much of it that the rest can be a computed part."""
    if name.startswith(text):
        return text == name or (len(text) >= _SHORTEST and _parts_after(name, len(text)))
    return len(text) >= _WIDE_REGISTER and text[:_WIDE_REGISTER] == name[:_WIDE_REGISTER]


def bare(name: bytes) -> bytes:
    """`foo` for libfoo.so.1."""
    return name.partition(b".so")[0].removeprefix(b"lib")


def strings_of_source(source: bytes) -> bytes:
    """The strings of a Python source, each ended by a zero byte, "*" for computed parts in them.

    Docstrings and comments are left out: nothing is loaded from there.
    """
    tree = _parse(source)
    # A newer Python may read what this one does not.
    return strings_of_text(b"\0".join(_strings(tree)) if tree else source)


def parts_of_paths(source: bytes) -> frozenset[bytes]:
    """The names between slashes in those strings of a Python source that could be paths."""
    tree = _parse(source)
    if tree is None:
        return frozenset(strings_of_text(source).split(b"\0"))
    paths = (text for text in _strings(tree) if not _SPACE.search(text))
    return frozenset(part for path in paths for part in _SLASHES.split(path))


def _parse(source: bytes) -> ast.AST | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def strings_of_text(text: bytes) -> bytes:
    """`text`, its words ended by zero bytes."""
    return b"\0" + text.translate(_DELIMITERS) + b"\0"


def _strings(tree: ast.AST) -> Iterator[bytes]:
    said = set()  # docstrings, and other texts that stand for themselves
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            said.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            yield b"".join(map(_part, node.values))
        elif isinstance(node, ast.Constant) and node not in said:
            yield _constant(node.value)


def _part(value: ast.expr) -> bytes:
    return _constant(value.value) if isinstance(value, ast.Constant) else b"*"


def _constant(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return value if isinstance(value, bytes) else b""


def _needle(name: bytes) -> bytes:
    """The bytes that no text can do without that asks for `name`, or names more than it."""
    ends = (n for n in range(_SHORTEST, len(name)) if _parts_after(name, n))
    return name[: min(next(ends, len(name)), _REGISTER)]


def _parts_after(name: bytes, length: int) -> bool:
    """Whether a part of `name` ends after `length` bytes: at a mark, or before a digit."""
    before, after = name[length - 1 : length], name[length : length + 1]
    return not before.isalnum() or not after.isalnum() or (before.isalpha() and after.isdigit())


def _places(text: bytes, word: bytes) -> Iterator[int]:
    """Where `word` begins in `text`. Faster than a pattern: texts are gigabytes."""
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _asks_at(text: bytes, at: int, name: bytes) -> bool:
    """Whether what begins at `at` asks for file `name`, as a string or from a register."""
    match = _REST.match(text, at)
    rest = match[0] if match else b""
    from_code = _MOVABS.match(text, max(0, at - 2))
    return asks(rest, name) or bool(from_code and rest[:_REGISTER] == name[:_REGISTER])


def _adds_versions(text: bytes) -> bool:
    """Whether it has a version after a computed name: `lib%s.so.%s`."""
    return any(text[max(0, at - 2) : at].endswith(_COMPUTED) for at in _places(text, b".so."))


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
