"""A tree and the rules give the candidates: files that may go, if nothing needs them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from slugfit.distributions import source_of
from slugfit.settings.model import StripSettings
from slugfit.strip.rules import Rules
from slugfit.strip.tree import Tree

REQUESTED = "requested by strip.remove"
BYTECODE = "bytecode of removed sources"


def nominate(tree: Tree, rules: Rules, settings: StripSettings) -> dict[str, str]:
    """The candidates of `tree` with their categories.

    `keep` wins over `remove`, and what the rules never remove over both.
    """
    kept = _matches(tree.root, settings.keep)
    requested = _matches(tree.root, settings.remove)
    candidates = {}
    for path in tree.files:
        if _covers(kept, path) or _is_never(path, rules):
            continue
        category = REQUESTED if _covers(requested, path) else _category(path, rules)
        if category:
            candidates[path] = category
    return candidates


def may_be_elf(tree: Tree, settings: StripSettings) -> Iterator[str]:
    """The files that can be shared libraries or programs by their name, and are not kept."""
    kept = _matches(tree.root, settings.keep)
    for path in tree.files:
        name = path.rpartition("/")[2]
        if (".so" in name or "." not in name) and not _covers(kept, path):
            yield path


def orphaned_bytecode(tree: Tree, removed: Iterable[str]) -> list[str]:
    """The bytecode that `removed` sources leave behind."""
    gone = frozenset(removed)
    return [path for path in tree.files if path not in gone and source_of(path) in gone]


def _category(path: str, rules: Rules) -> str | None:
    # The top level holds packages; one called "docs" is somebody's product.
    directories = path.split("/")[1:-1]
    for rule in rules.rules:
        if path.endswith(rule.suffixes) or not rule.names.isdisjoint(directories):
            return rule.category
    return None


def _is_never(path: str, rules: Rules) -> bool:
    *directories, name = path.split("/")
    return any(fnmatchcase(name.upper(), pattern.upper()) for pattern in rules.never_files) or any(
        fnmatchcase(directory, pattern)
        for directory in directories
        for pattern in rules.never_directories
    )


def _matches(root: Path, patterns: Iterable[str]) -> frozenset[str]:
    """The files and directories that a shell's globs mean; `**` is any depth."""
    return frozenset(
        os.path.normpath(match)
        for pattern in patterns
        for match in glob.iglob(pattern, root_dir=root, recursive=True)
    )


def _covers(matched: frozenset[str], path: str) -> bool:
    """Whether `path` or a directory that it is in was matched."""
    if not matched:
        return False
    parts = path.split("/")
    return any("/".join(parts[:depth]) in matched for depth in range(1, len(parts) + 1))
