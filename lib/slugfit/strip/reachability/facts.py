"""What one source says: the modules and files that it names, wholly or in part.

Nothing is looked up here. Names are as the source has them; targets.py knows what is installed.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from slugfit.strip.reachability.spelling import dotted, spelled

_NAMES = re.compile(r"\s*\.*[^\W\d][\w.]*(?::[\w.]+)?(?:[\s,]+\.*[^\W\d][\w.]*(?::[\w.]+)?)*\s*")
_NAME = re.compile(r"\.*[^\W\d][\w.]*")
_COMMAND = re.compile(r"(?:-m|\bimport|\bfrom)\s+([^\W\d][\w.]*)")
_DOTTED = re.compile(r"(?<![\w./-])[^\W\d]\w*(?:\.[^\W\d]\w*)+")
_START = re.compile(r"\.*(?:[^\W\d]\w*\.)*\w*")
_END = re.compile(r"(?:\w*(?:\.[^\W\d]\w*)*)")
_LONGEST_LIST = 200  # characters; longer texts are prose
_PLACES = frozenset(("__file__", "__path__", "__spec__"))


@dataclass(frozen=True)
class Facts:
    """What a source names.

    imports: modules that statements import, absolute: `a.b` and `a.b.c` for from a.b import c
    texts: names in texts, with the dots they begin with: they can be relative to any package
    computed: (start, end) of names whose middle is not known: ("a.b.", "") for f"a.b.{x}"
    paths: texts that can be paths of files, or a part of one: "tests/data"
    places: modules of which the source asks where they are: by __file__ or __path__
    strings: all texts that are not there for people only, one below the other
    """

    imports: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    computed: frozenset[tuple[str, str]] = frozenset()
    paths: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    strings: str = ""


@dataclass
class _Notes:
    """Facts while a source is being read. `known` are the texts of its variables."""

    module: str
    package: str
    known: dict[str, str]
    aliases: dict[str, str] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    computed: set[tuple[str, str]] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    strings: list[str] = field(default_factory=list)

    def facts(self) -> Facts:
        return Facts(
            imports=frozenset(self.imports),
            texts=frozenset(self.texts),
            computed=frozenset(self.computed),
            paths=frozenset(self.paths),
            places=frozenset(self.places),
            strings="\n".join(self.strings),
        )


def read_python(source: bytes, module: str, package: str) -> Facts:
    """The facts of a Python source: `module` is its own name, `package` where it is.

    What this Python cannot parse may be another Python's syntax: there, every word is a name.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            tree = ast.parse(source)
        notes = _Notes(module, package, {"__name__": module, "__package__": package})
        _learn_variables(tree, notes)
        _walk(tree, notes)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return read_words(source)
    return notes.facts()


def read_words(source: bytes) -> Facts:
    """The facts of a text of which nothing is known: every dotted word can be a name."""
    text = source.decode("utf-8", errors="replace")
    return Facts(texts=frozenset(_NAME.findall(text)), strings=text)


def names_in_prose(text: str) -> set[str]:
    """Names that stand in any text: dotted ones, and what is run or imported by name."""
    return {*_DOTTED.findall(text), *_COMMAND.findall(text)}


def absolute(name: str, level: int, package: str) -> str:
    """What `from <level dots>name import …` names in `package`."""
    if level == 0:
        return name
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - (level - 1)])
    return f"{base}.{name}".strip(".")


def _learn_variables(tree: ast.Module, notes: _Notes) -> None:
    """What imported modules and constants stand for: at the top of the source, as usual."""
    for statement in tree.body:
        for name, module in _bindings(statement, notes.package):
            notes.aliases[name] = module
            notes.known[f"{name}.__name__"] = module
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name, text = statement.targets[0].id, spelled(statement.value, notes.known)
            if name.isupper() and text.ends is None:  # others vary
                notes.known[name] = "".join(text.runs)


def _bindings(node: ast.AST, package: str) -> Iterator[tuple[str, str]]:
    """The variables that an import makes, with the modules they can be."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (top, top)
    elif isinstance(node, ast.ImportFrom):
        base = absolute(node.module or "", node.level, package)
        for alias in node.names:
            yield alias.asname or alias.name, f"{base}.{alias.name}"


def _walk(tree: ast.AST, notes: _Notes) -> None:
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        kind = type(node)
        if kind is ast.Expr and type(node.value) is ast.Constant:  # type: ignore[attr-defined] # it is an Expr
            continue  # a docstring tells people
        note = _NOTE.get(kind)
        pending.extend(ast.iter_child_nodes(node) if note is None else note(node, notes))


def _note_constant(node: ast.Constant, notes: _Notes) -> Iterable[ast.AST]:
    if isinstance(node.value, str):
        _note_text(node.value, notes)
    elif isinstance(node.value, bytes):
        _note_text(node.value.decode("ascii", errors="replace"), notes)
    return ()


def _note_text(text: str, notes: _Notes) -> None:
    notes.strings.append(text)
    if len(text) < _LONGEST_LIST:
        notes.paths.add(text)
        if _NAMES.fullmatch(text):
            notes.texts.update(_NAME.findall(text))
            return
    notes.texts.update(names_in_prose(text))


def _note_import(node: ast.Import, notes: _Notes) -> Iterable[ast.AST]:
    notes.imports.update(alias.name for alias in node.names)
    return ()


def _note_import_from(node: ast.ImportFrom, notes: _Notes) -> Iterable[ast.AST]:
    base = absolute(node.module or "", node.level, notes.package)
    notes.imports.add(base)
    notes.imports.update(f"{base}.{alias.name}" for alias in node.names)
    return ()


def _note_spelling(node: ast.expr, notes: _Notes) -> Iterable[ast.AST]:
    text = spelled(node, notes.known)
    for run in text.runs:
        _note_text(run, notes)
    if text.ends and any(text.ends):
        _note_computed(*text.ends, notes)
    return text.inside


def _note_computed(start: str, end: str, notes: _Notes) -> None:
    if "." in start and _START.fullmatch(start) and _END.fullmatch(end):
        notes.computed.add((start, end))


def _note_call(node: ast.Call, notes: _Notes) -> Iterable[ast.AST]:
    function = node.func
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if called == "import_module" and node.args:
        package = next((k.value for k in node.keywords if k.arg == "package"), None)
        _note_relative(node.args[0], node.args[1] if node.args[1:] else package, notes)
    elif called == "__import__" and node.args:
        _note_import_call(node, notes)
    return _note_spelling(node, notes)


def _note_relative(name: ast.expr, package: ast.expr | None, notes: _Notes) -> None:
    """import_module(name, package), the name being computed or relative to that package."""
    base = spelled(package, notes.known) if package else None
    text = spelled(name, notes.known)
    start, end = text.ends or ("".join(text.runs), "")
    if base is None or base.ends is not None:
        return
    full = f"{''.join(base.runs)}.{start.lstrip('.')}"
    if text.ends is None:
        notes.texts.add(full)
    else:
        _note_computed(full, end, notes)


def _note_import_call(node: ast.Call, notes: _Notes) -> None:
    """__import__(name, globals, locals, fromlist, level)"""
    arguments = dict(zip(("name", "globals", "locals", "fromlist", "level"), node.args))  # noqa: B905 (some may be left out)
    arguments |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    level = arguments.get("level")
    depth = level.value if isinstance(level, ast.Constant) and isinstance(level.value, int) else 0
    name = spelled(arguments["name"], notes.known)
    if name.ends is not None:
        if depth > 0:
            _note_computed(f"{absolute('', depth, notes.package)}.", "", notes)
        return
    base = absolute("".join(name.runs), max(depth, 0), notes.package)
    listed = arguments.get("fromlist")
    members = listed.elts if isinstance(listed, (ast.List, ast.Tuple)) else []
    texts = [spelled(member, notes.known) for member in members]
    notes.imports.update((base, *(f"{base}.{''.join(t.runs)}" for t in texts if t.ends is None)))


def _note_name(node: ast.Name, notes: _Notes) -> Iterable[ast.AST]:
    if node.id in _PLACES:
        notes.places.add(notes.module)
    return ()


def _note_attribute(node: ast.Attribute, notes: _Notes) -> Iterable[ast.AST]:
    if node.attr in _PLACES and (name := dotted(node.value)):
        first, _, rest = name.partition(".")
        notes.places.add(f"{notes.aliases.get(first, first)}.{rest}".rstrip("."))
    return (node.value,)


_NOTE: Mapping[type, Any] = {
    ast.Constant: _note_constant,
    ast.Import: _note_import,
    ast.ImportFrom: _note_import_from,
    ast.JoinedStr: _note_spelling,
    ast.BinOp: _note_spelling,
    ast.Call: _note_call,
    ast.Name: _note_name,
    ast.Attribute: _note_attribute,
}
