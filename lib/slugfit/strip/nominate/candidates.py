"""A tree and the rules give the candidates: files that may go, if nothing needs them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from slugfit.distributions import source_of, versions_in
from slugfit.files import directories_above
from slugfit.settings.model import StripSettings
from slugfit.strip.nominate import curated, services, toplevel
from slugfit.strip.nominate.contents import Kinds, kinds
from slugfit.strip.nominate.rules import Rule, Rules, load_lines, load_rules
from slugfit.strip.tree import Tree

REQUESTED = "requested by strip.remove"
BYTECODE = "bytecode of removed sources"


def nominate(tree: Tree, rules: Rules, settings: StripSettings, soabi: str = "") -> dict[str, str]:
    """The candidates of `tree` with their categories.

    `keep` wins over `remove`, and what is never removed over both. `soabi` is the tag with
    which the tree's Python imports extension modules, cpython-311-x86_64-linux-gnu or the
    like; without it, no library counts as one for another Python or machine.
    """
    kept = _matches(tree.root, settings.keep)
    requested = _matches(tree.root, settings.remove)
    found = curated.nominate(tree) if settings.level == "max" else {}
    found |= services.nominate(tree) | dict(_by_rules(tree, rules, kinds(soabi)))
    found |= {path: REQUESTED for path in tree.files if _covers(requested, path)}
    return {
        path: found[path]
        for path in sorted(found)
        if not _covers(kept, path) and not rules.never.covers(path)
    }


def apart() -> frozenset[str]:
    """The categories of files that are named in much code that does not need them.

    For these, services.py and curated.py have proofs of their own: no other one is asked for.
    """
    return curated.categories() | {catalogue.category for catalogue in services.CATALOGUES}


def reasons() -> dict[str, str]:
    """Why the files of a category may go: of several whys, the first one's."""
    rules = ((rule.category, rule.why) for rule in reversed(load_rules().rules))
    catalogues = ((catalogue.category, catalogue.why) for catalogue in services.CATALOGUES)
    lines = ((line.category, line.why) for line in reversed(load_lines()))
    return {category: why for each in (rules, catalogues, lines) for category, why in each}


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


@dataclass(frozen=True)
class _Directory:
    """A directory of the tree: the names that lead to it, and those in it."""

    root: Path
    parts: tuple[str, ...]
    names: tuple[str, ...]  # those of directories end with "/"

    @property
    def files(self) -> Iterator[str]:
        return (name for name in self.names if not name.endswith("/"))

    def has_beside(self, name: str, rule: Rule) -> bool:
        others = [other for other in self.names if other != name]
        return any(any(map(wanted.match, others)) for wanted in rule.neighbours(name))

    def path(self, name: str) -> str:
        return "/".join((*self.parts, name))


def _by_rules(tree: Tree, rules: Rules, kinds: Kinds) -> Iterator[tuple[str, str]]:
    about = cache(rules.about)
    strays = toplevel.strays(tree, rules.directories)
    tools = toplevel.tools(tree)
    barred = rules.barred(versions_in(tree.root))
    for directory in _directories(tree):
        top = directory.parts[:1]
        if rules.is_exempt(directory.parts) or not tools.isdisjoint(top):
            continue
        whole = rules.whole(directory.parts if strays.issuperset(top) else directory.parts[1:])
        for name in directory.files:
            for place in sorted({*whole, *about(name)} - barred):
                rule = rules.rules[place]
                if place in whole or _holds(rule, directory, name, kinds):
                    yield directory.path(name), rule.category
                    break


def _holds(rule: Rule, directory: _Directory, name: str, kinds: Kinds) -> bool:
    """Whether the conditions of `rule` hold for a file whose name it is about."""
    return (
        (not rule.within or not rule.within.isdisjoint(directory.parts))
        and (not rule.beside or directory.has_beside(name, rule))
        and (rule.content is None or kinds[rule.content](directory.root / directory.path(name)))
    )


def _directories(tree: Tree) -> Iterator[_Directory]:
    """Each directory of the tree that holds anything."""
    names: dict[str, dict[str, None]] = {}
    for path in tree.files:
        directory, _, name = path.rpartition("/")
        if directory not in names:
            for inner in (directory, *directories_above(directory)):
                above, _, last = inner.rpartition("/")
                names.setdefault(above, {})[f"{last}/"] = None
        names.setdefault(directory, {})[name] = None
    for directory, inside in names.items():
        yield _Directory(tree.root, tuple(filter(None, directory.split("/"))), tuple(inside))


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
