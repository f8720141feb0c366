"""Which modules a source can't do without: it imports them, and does not expect that to fail."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

_FORGIVING = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_IMPORTERS = frozenset({"import_module", "__import__"})
_RUNNERS = frozenset({"run", "call", "check_call", "check_output", "Popen", "system", "popen"})
_RUN = re.compile(r"-m\s+([\w.]+)")  # in a command: python -m pip
_WORD = re.compile(r"[\w.]+")


def needed_modules(source: Path, modules: Iterable[str]) -> frozenset[str]:
    """Which of `modules` the file `source` needs: these, or something in them.

    Of `skimage.data`, the attribute is an import as well.
    """
    try:
        content = source.read_bytes()
    except OSError:
        return frozenset()
    mentioned = [m for m in modules if all(part.encode() in content for part in m.split("."))]
    if not mentioned:
        return frozenset()
    if source.suffix != ".py":
        return _among(mentioned, _run(content.decode("latin-1")))
    nodes = _nodes(content)
    if nodes is None:
        return _among(mentioned, _WORD.findall(content.decode("latin-1")))
    attributes = {_attribute(node) for node in nodes}
    return _among(mentioned, {name for node in nodes for name in _names(node)}) | frozenset(
        attributes.intersection(mentioned)
    )


def _among(modules: Iterable[str], names: Iterable[str]) -> frozenset[str]:
    """The modules that `names` mean, or mean something in."""
    meant = {f"{name}." for name in names}
    return frozenset(m for m in modules if any(name.startswith(f"{m}.") for name in meant))


def _nodes(content: bytes) -> list[ast.AST] | None:
    """The syntax of a source, less what may fail; None if it can't be parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            pending: list[ast.AST] = [ast.parse(content)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found = []
    while pending:
        node = pending.pop()
        found.append(node)
        pending += _unforgiven(node)
    return found


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and _last_name(node.func) in _IMPORTERS:
        yield from _texts(node.args[:1])
    elif isinstance(node, ast.Call) and _last_name(node.func) in _RUNNERS:
        yield from _run(" ".join(_texts(node.args[:1])))
    elif isinstance(node, (ast.List, ast.Tuple)):
        yield from _run(" ".join(_texts(node.elts)))


def _attribute(node: ast.AST) -> str:
    """`a.b` as it is written."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _unforgiven(node: ast.AST) -> Iterable[ast.AST]:
    """The parts of `node`, less those whose failing imports it catches."""
    if isinstance(node, ast.Try) and any(map(_forgives, node.handlers)):
        return [*node.handlers, *node.orelse, *node.finalbody]
    return ast.iter_child_nodes(node)


def _forgives(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or _last_name(kind) in _FORGIVING for kind in caught)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _texts(nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _run(command: str) -> list[str]:
    """The modules that a command line runs."""
    return _RUN.findall(command)
