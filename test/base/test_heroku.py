"""What Slugfit knows of the platform stands in one file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from slugfit.base import heroku
from support.paths import REPOSITORY

LIB = REPOSITORY / "lib/slugfit"
FACT = re.compile(r"\.heroku\b|\.profile\.d\b|\bheroku-2\d\b|^/app\b|\b1000 ?MB?\b|\b25 min")
# Scripts for bash, which reads no Python.
SCRIPTS = {"local/dyno.py"}


def texts(file: Path) -> Iterator[str]:
    """The string literals of a file, its documentation apart."""
    tree = ast.parse(file.read_bytes())
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in documentation:
                yield text


def test_no_other_file_names_a_fact_of_the_platform() -> None:
    named = {
        f"{file.relative_to(LIB)}: {text}"
        for file in sorted(LIB.rglob("*.py"))
        for text in texts(file)
        if FACT.search(text) and file.relative_to(LIB).as_posix() not in SCRIPTS
    }
    assert {name.partition(":")[0] for name in named} == {"base/heroku.py"}, sorted(named)


def test_packages_are_below_the_python_of_the_app(tmp_path: Path) -> None:
    site = tmp_path / heroku.site_packages("3.14")
    site.mkdir(parents=True)
    assert site == tmp_path / ".heroku/python/lib/python3.14/site-packages"
    assert list(tmp_path.glob(heroku.site_packages())) == [site]
