"""Sources that do things on import which reading them does not reveal: these are to be tried."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator

from slugfit.strip.reachability.spelling import spelled

_IMPORTING = (
    *("import_module", "__import__", "find_spec", "find_module", "load_module", "exec_module"),
    *("run_module", "run_path", "spec_from_file_location", "SourceFileLoader"),
)
_LISTING = (
    *("iter_modules", "walk_packages", "listdir", "scandir", "iterdir"),
    *("glob", "iglob", "rglob", "walk"),
)
_RUNNING = ("exec", "execfile")
_OPENING = (
    *("open", "read_text", "read_bytes", "open_text", "open_binary", "get_data", "CDLL"),
    *("resource_string", "resource_stream", "resource_filename"),
    *("fromfile", "loadtxt", "genfromtxt"),
)
_DYNAMIC = frozenset((*_IMPORTING, *_LISTING, *_RUNNING, *_OPENING))
_COULD_BE = re.compile("|".join(rf"\b{word}\b" for word in sorted(_DYNAMIC)).encode())
_DEEPEST = 4  # functions that call functions

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_dynamic(source: bytes) -> bool:
    """Whether importing `source` imports by computed names, runs text, lists or opens files.

    Functions of the source that it calls at import count as well.
    """
    if not _COULD_BE.search(source):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            tree = ast.parse(source)
        return any(map(_cannot_be_followed, _calls(tree)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False  # what cannot be parsed does not run either, and facts.py guesses


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    """The calls that an import makes, as far as the source itself tells."""
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, _Function)}
    pending: list[ast.AST] = [tree]
    called: set[str] = set()
    for _ in range(_DEEPEST):
        calls = list(_calls_in(pending))
        yield from calls
        names = {_name(call) for call in calls} & functions.keys() - called
        called |= names
        pending = [node for name in sorted(names) for node in functions[name].body]


def _calls_in(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    """The calls in `nodes`, but for those in functions that they define."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Call):
            yield node
        if isinstance(node, _Function):
            pending += [*node.decorator_list, *node.args.defaults]
        elif not isinstance(node, ast.Lambda) and not _is_program(node):
            pending += ast.iter_child_nodes(node)


def _is_program(node: ast.AST) -> bool:
    """`if __name__ == "__main__":`, which no import enters."""
    return isinstance(node, ast.If) and any(
        isinstance(part, ast.Constant) and part.value == "__main__" for part in ast.walk(node.test)
    )


def _cannot_be_followed(call: ast.Call) -> bool:
    name = _name(call)
    if name in _IMPORTING or name in _OPENING:
        # What it is called with, or on: open(x), x.read_text()
        subject = call.args[0] if call.args else call.func
        return spelled(subject, {}).ends is not None
    return name in _RUNNING or name in _LISTING


def _name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
