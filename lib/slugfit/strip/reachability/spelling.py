"""Texts that a source spells out, wholly or in part: "a" + x, f"{__name__}.{x}", "%s.x" % y."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

_PERCENT = re.compile(r"%(?:\(\w*\))?[-+ #0]*[\d*]*(?:\.[\d*]+)?[a-zA-Z]")
_BRACES = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True)
class Spelling:
    """A text in pieces. None is a hole: what only running the source would tell.

    `inside` are the expressions within that are no texts, for further reading.
    """

    pieces: tuple[str | None, ...]
    inside: tuple[ast.AST, ...] = ()

    @property
    def runs(self) -> list[str]:
        """The texts between the holes."""
        groups = groupby(self.pieces, key=lambda piece: piece is None)
        return ["".join(map(str, pieces)) for is_hole, pieces in groups if not is_hole]

    @property
    def ends(self) -> tuple[str, str] | None:
        """What comes before the first hole and after the last one; None without holes."""
        if None not in self.pieces:
            return None
        first = self.pieces.index(None)
        last = len(self.pieces) - self.pieces[::-1].index(None)
        return "".join(map(str, self.pieces[:first])), "".join(map(str, self.pieces[last:]))


def spelled(node: ast.AST, names: Mapping[str, str]) -> Spelling:
    """The text that the expression `node` makes.

    `names` are variables and attributes whose text is known: __name__, plugins.__name__.
    """
    if isinstance(node, ast.Constant):
        return Spelling((node.value if isinstance(node.value, str) else None,))
    if isinstance(node, (ast.Name, ast.Attribute)):
        return Spelling((names.get(dotted(node) or ""),), (node,))
    if isinstance(node, ast.FormattedValue):
        return spelled(node.value, names)
    return _made(node, names)


def _made(node: ast.AST, names: Mapping[str, str]) -> Spelling:
    if isinstance(node, ast.JoinedStr):
        return _joined(spelled(part, names) for part in node.values)
    if isinstance(node, ast.BinOp):
        return _operation(node, names)
    if isinstance(node, ast.Call):
        return _call(node, names)
    return Spelling((None,), (node,))


def dotted(node: ast.AST) -> str | None:
    """`a.b.c` for the expression a.b.c; None for what is no variable's attribute."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(attributes)])


def _operation(node: ast.BinOp, names: Mapping[str, str]) -> Spelling:
    if isinstance(node.op, ast.Add):
        return _joined(spelled(part, names) for part in _operands(node))
    if isinstance(node.op, ast.Div):
        return _separated("/", [spelled(part, names) for part in _operands(node)])
    if isinstance(node.op, ast.Mod) and (template := _constant(node.left)) is not None:
        filling = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return _filled(_PERCENT.split(template), [spelled(part, names) for part in filling])
    return Spelling((None,), (node.left, node.right))


def _call(node: ast.Call, names: Mapping[str, str]) -> Spelling:
    function = node.func
    owner = function.value if isinstance(function, ast.Attribute) else None
    called = function.attr if isinstance(function, ast.Attribute) else dotted(function)
    template = _constant(owner)
    if called == "format" and template is not None:
        arguments = [spelled(part, names) for part in node.args]
        made = _filled(_BRACES.split(template), arguments)
    elif called == "join" and template is not None and len(node.args) == 1:
        listed = node.args[0]
        parts = listed.elts if isinstance(listed, (ast.List, ast.Tuple)) else [listed]
        made = _separated(template, [spelled(part, names) for part in parts])
    elif called == "join" and len(node.args) > 1:  # os.path.join(a, "b")
        made = _separated("/", [spelled(part, names) for part in node.args])
    elif called == "joinpath" and owner is not None:  # path.joinpath("b")
        made = _separated("/", [spelled(part, names) for part in (owner, *node.args)])
    else:
        made = Spelling((None,), (function, *node.args))
    return _and(made, (keyword.value for keyword in node.keywords))


def _operands(node: ast.BinOp) -> list[ast.expr]:
    """`a`, `b` and `c` of a + b + c, which Python reads as (a + b) + c."""
    operands = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and type(left.op) is type(node.op):
        operands.append(left.right)
        left = left.left
    return [left, *reversed(operands)]


def _filled(around: Sequence[str], filling: Sequence[Spelling]) -> Spelling:
    """A template's texts with what comes between them, holes where their numbers differ."""
    inside = tuple(node for part in filling for node in part.inside)
    values = [part.pieces for part in filling]
    if len(values) != len(around) - 1:
        values = [(None,)] * (len(around) - 1)
    pieces: tuple[str | None, ...] = (around[0],)
    for value, text in zip(values, around[1:], strict=True):
        pieces += (*value, text)
    return Spelling(pieces, inside)


def _separated(separator: str, parts: Sequence[Spelling]) -> Spelling:
    return _filled(["", *[separator] * (len(parts) - 1), ""], parts)


def _joined(parts: Iterable[Spelling]) -> Spelling:
    return _separated("", list(parts))


def _and(spelling: Spelling, inside: Iterable[ast.AST]) -> Spelling:
    return Spelling(spelling.pieces, (*spelling.inside, *inside))


def _constant(node: ast.AST | None) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None
