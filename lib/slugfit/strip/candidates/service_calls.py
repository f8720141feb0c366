"""Whether code asks for services by constant names alone.

Where a name is a parameter of the function that asks, its callers are looked at instead:
`def client_of(service): return boto3.client(service)` makes `client_of("sqs")` the question.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

_SESSION = re.compile(r"boto3|\w*session", re.IGNORECASE)
_RECEIVERS = frozenset({"self", "cls"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Question:
    """A function that asks for a service, and the parameter that names it.

    `position` is the parameter's place after `self`. A vendor's function counts on any object; a
    wrapper is one of the package's own functions.
    """

    function: str
    position: int
    parameter: str
    is_wrapper: bool = False


def first_computed(
    contents: Sequence[bytes], questions: Set[Question], lists: Set[str]
) -> int | None:
    """The place of the first source that asks by a computed name, or None.

    `contents` are the sources of one package; functions in `lists` ask for every service.
    """
    known = frozenset(questions)
    while True:
        words = [name.encode() for name in {q.function for q in known} | lists]
        found: set[Question] = set()
        for place, content in enumerate(contents):
            if any(word in content for word in words):
                wrappers = _wrappers(content, known, lists)
                if wrappers is None:
                    return place
                found |= wrappers
        if found <= known:
            return None
        known |= found


def _wrappers(content: bytes, questions: Set[Question], lists: Set[str]) -> set[Question] | None:
    """The functions that ask for what their callers say; None where a name is computed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            nodes = [*_with_function(ast.parse(content))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # of newer syntax, or none that is ever imported
    called = {id(node.func) for node, _ in nodes if isinstance(node, ast.Call)}
    values = [node for node, _ in nodes if id(node) not in called]
    if any(_last_name(node) in lists for node, _ in nodes) or any(
        _hands_out(value, question) for value in values for question in questions
    ):
        return None
    asked = [
        (service, function)
        for node, function in nodes
        if isinstance(node, ast.Call)
        for question in questions
        for service in _services(node, question)
        if not isinstance(service, ast.Constant)
    ]
    found = {_wrapper(service, function) for service, function in asked}
    return None if None in found else {wrapper for wrapper in found if wrapper}


def _with_function(tree: ast.AST) -> Iterator[tuple[ast.AST, _Function | None]]:
    """Every node with the innermost function that it is in."""
    pending: list[tuple[ast.AST, _Function | None]] = [(tree, None)]
    while pending:
        node, function = pending.pop()
        yield node, function
        inner = node if isinstance(node, _Function) else function
        pending += ((child, inner) for child in ast.iter_child_nodes(node))


def _hands_out(node: ast.AST, question: Question) -> bool:
    """Whether `node`, which is not what is called, gives the function to others to call."""
    if isinstance(node, ast.alias):
        return node.name == question.function and node.asname is not None
    if not isinstance(node, (ast.Name, ast.Attribute)) or isinstance(node.ctx, ast.Store):
        return False
    # Many an object has a `client`; that of a session is the function.
    session = isinstance(node, ast.Attribute) and _SESSION.fullmatch(_last_name(node.value))
    return _last_name(node) == question.function and (question.is_wrapper or bool(session))


def _services(call: ast.Call, question: Question) -> list[ast.expr]:
    """What `call` passes as the service, if it puts the question: one expression, or none."""
    if _last_name(call.func) != question.function:
        return []
    unpacked = [a for a in call.args[: question.position] if isinstance(a, ast.Starred)]
    named = [k.value for k in call.keywords if k.arg == question.parameter]
    rest = [k.value for k in call.keywords if k.arg is None]
    return [*unpacked, *call.args[question.position :], *named, *rest][:1]


def _wrapper(service: ast.expr, function: _Function | None) -> Question | None:
    """The question that `function` is, if `service` is a parameter of it."""
    if function is None or not isinstance(service, ast.Name) or function.name.startswith("__"):
        return None
    positional = [p.arg for p in (*function.args.posonlyargs, *function.args.args)]
    given = [name for name in positional if name not in _RECEIVERS]
    parameters = [*given, *(p.arg for p in function.args.kwonlyargs)]
    if service.id not in parameters:
        return None
    place = given.index(service.id) if service.id in given else len(given)
    return Question(function.name, place, service.id, is_wrapper=True)


def _last_name(node: ast.AST) -> str:
    """`b` of `a.b` and of `b`."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
