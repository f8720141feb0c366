"""Selects the candidates of a listing by the rules: files to remove unless something needs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from packaging.utils import canonicalize_name

from slugfit.base.files import directories_above
from slugfit.base.globs import matcher
from slugfit.packages.distributions import source_of
from slugfit.settings.model import StripSettings
from slugfit.strip.candidates import max_level, services, toplevel
from slugfit.strip.candidates.listing import Listing
from slugfit.strip.candidates.rules import Rule, Rules, load_lines, load_rules

REQUESTED = "requested by strip.remove"
BYTECODE = "bytecode of removed sources"


def select_candidates(listing: Listing, settings: StripSettings) -> dict[str, str]:
    """The candidates for removal, with their categories.

    `keep` wins over `remove`, and what is never removed over both.
    """
    rules = load_rules()
    is_kept, is_requested = matcher(settings.keep), matcher(settings.remove)
    found = max_level.candidates(listing) if settings.level == "max" else {}
    found |= services.candidates(listing) | dict(_by_rules(listing, rules))
    found |= {path: REQUESTED for path in listing.files if is_requested(path)}
    return {
        path: found[path]
        for path in sorted(found)
        if not is_kept(path) and not rules.never.covers(path)
    }


def apart() -> frozenset[str]:
    """The categories of files that are named in much code that does not need them.

    services.py and max_level.py have proofs of their own for these: no other one applies.
    """
    return max_level.categories() | {catalogue.category for catalogue in services.CATALOGUES}


def reasons() -> dict[str, str]:
    """Why the files of a category may be removed: if there are several reasons, the first."""
    rules = ((rule.category, rule.why) for rule in reversed(load_rules().rules))
    catalogues = ((catalogue.category, catalogue.why) for catalogue in services.CATALOGUES)
    lines = ((line.category, line.why) for line in reversed(load_lines()))
    return {category: why for each in (rules, catalogues, lines) for category, why in each}


def orphaned_bytecode(files: Iterable[str], removed: Iterable[str]) -> list[str]:
    """The bytecode among `files` that `removed` sources leave behind."""
    gone = frozenset(removed)
    return [path for path in files if path not in gone and source_of(path) in gone]


@dataclass(frozen=True)
class _Directory:
    """A directory of a listing: the names that lead to it, and those in it."""

    parts: tuple[str, ...]
    names: tuple[str, ...]  # those of directories end with "/"

    @property
    def files(self) -> Iterator[str]:
        return (name for name in self.names if not name.endswith("/"))

    def has_beside(self, name: str, rule: Rule) -> bool:
        others = [other for other in self.names if other != name]
        return any(any(map(wanted.fullmatch, others)) for wanted in rule.neighbours(name))

    def path(self, name: str) -> str:
        return "/".join((*self.parts, name))


def _by_rules(listing: Listing, rules: Rules) -> Iterator[tuple[str, str]]:
    about = cache(rules.about)
    strays = toplevel.strays(listing, rules.directories)
    tools = toplevel.tools(listing)
    barred = rules.barred(canonicalize_name(d.name) for d in listing.distributions)
    for directory in _directories(listing.files):
        top = directory.parts[:1]
        if rules.is_exempt(directory.parts) or not tools.isdisjoint(top):
            continue
        whole = rules.whole(directory.parts if strays.issuperset(top) else directory.parts[1:])
        for name in directory.files:
            for place in sorted({*whole, *about(name)} - barred):
                rule = rules.rules[place]
                if place in whole or _holds(rule, directory, name, listing):
                    yield directory.path(name), rule.category
                    break


def _holds(rule: Rule, directory: _Directory, name: str, listing: Listing) -> bool:
    """Whether the conditions of `rule` hold for a file whose name it is about."""
    return (
        (not rule.within or not rule.within.isdisjoint(directory.parts))
        and (not rule.beside or directory.has_beside(name, rule))
        # Where the content is not known, the name has to do.
        and (not rule.content or listing.is_kind(directory.path(name), rule.content) is not False)
    )


def _directories(files: Iterable[str]) -> Iterator[_Directory]:
    """Each directory that holds anything."""
    names: dict[str, dict[str, None]] = {}
    for path in files:
        directory, _, name = path.rpartition("/")
        if directory not in names:
            for inner in (directory, *directories_above(directory)):
                above, _, last = inner.rpartition("/")
                names.setdefault(above, {})[f"{last}/"] = None
        names.setdefault(directory, {})[name] = None
    for directory, inside in names.items():
        yield _Directory(tuple(filter(None, directory.split("/"))), tuple(inside))
