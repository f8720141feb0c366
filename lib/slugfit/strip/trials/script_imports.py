"""What a script would import, found without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from slugfit.strip.trials.trial import Trial

_LONGEST_NAME = 60


def statements_of(script: Path, package: str = "") -> list[Trial]:
    """The import statements that run when `script` does, those in its functions apart.

    Relative ones start from `package`. What can't be read or parsed imports nothing.
    """
    try:
        tree = ast.parse(script.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    statements = (_absolute(statement, package) for statement in _imports(tree.body))
    return [_trial(ast.unparse(statement)) for statement in statements if statement]


def _imports(body: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    for statement in body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            yield statement
        elif isinstance(statement, ast.If):
            # Under any condition: the other branch is for another time, or platform.
            if "TYPE_CHECKING" not in ast.unparse(statement.test):
                yield from _imports([*statement.body, *statement.orelse])
        elif isinstance(statement, (ast.Try, ast.With)):
            yield from _imports(statement.body)


def _absolute(
    statement: ast.Import | ast.ImportFrom, package: str
) -> ast.Import | ast.ImportFrom | None:
    """The statement without leading dots; None where they lead nowhere."""
    if isinstance(statement, ast.Import) or not statement.level:
        return statement
    above = package.split(".")[: len(package.split(".")) - statement.level + 1]
    base = ".".join(filter(None, above))
    if not base:
        return None
    module = ".".join(filter(None, (base, statement.module)))
    return ast.ImportFrom(module=module, names=statement.names, level=0)


def _trial(statement: str) -> Trial:
    is_long = len(statement) > _LONGEST_NAME
    return Trial(statement[: _LONGEST_NAME - 1] + "…" if is_long else statement, statement)
