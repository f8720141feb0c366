"""Why a path in site-packages is there, is gone, or is smaller than it was."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from slugfit.base.errors import Explanation, Failure
from slugfit.base.sizes import count_of, format_size
from slugfit.packages.distributions import Owners, installed
from slugfit.strip.journal import JOURNAL, Journal, read_journal

NO_RULE = "Kept: no rule selects it for removal"
_MOST_REASONS = 10


class PathUnknown(Failure):
    """A path that is not in site-packages, and was not there before the strip."""

    id = "why::path-unknown"

    def __init__(self, path: str, site: Path) -> None:
        self.path = path
        self.site = site

    def explain(self) -> Explanation:
        return Explanation(
            summary="This path is not in site-packages, nor was it before.",
            where=self.path,
            evidence=(f"looked in: {self.site}",),
            fixes=(
                "Give the path relative to site-packages:\nslugfit why numpy/core/tests",
                "Look in another site-packages, or in an app:\nslugfit why --in DIRECTORY PATH",
            ),
        )


class NotStripped(Failure):
    """No journal, so that it is not known what a strip has done."""

    id = "why::not-stripped"

    def __init__(self, looked_in: Path) -> None:
        self.looked_in = looked_in

    def explain(self) -> Explanation:
        return Explanation(
            summary="No strip is recorded here.",
            where=str(self.looked_in / JOURNAL),
            why="A strip records what it removes, and why it keeps the rest.",
            fixes=(
                "Give the app that was built, or the site-packages that were stripped:\n"
                "slugfit why --in DIRECTORY PATH",
                "See what a strip would do:\nslugfit slim SITE_PACKAGES --dry-run",
            ),
        )


@dataclass(frozen=True)
class Found:
    """A path, relative to `site`, and the record of the strip there."""

    path: str
    site: Path
    journal: Journal


def find(path: str, root: Path | None, cwd: Path) -> Found:
    """What `path` means: below `root` if that is given, else wherever there is a journal.

    Raises NotStripped, JournalDamaged.
    """
    full = Path(os.path.abspath(cwd / path))
    places = [cwd / root] if root else [cwd, *full.parents, *cwd.parents]
    home = next((place for place in places if (place / JOURNAL).is_file()), None)
    if home is None:
        raise NotStripped(places[0])
    journal = read_journal(home / JOURNAL)
    site = Path(os.path.abspath(home / journal.site))
    inner = full.relative_to(site) if full.is_relative_to(site) else Path(path)
    return Found(inner.as_posix(), site, journal)


def explain(path: str, site: Path, journal: Journal, reasons: Mapping[str, str]) -> list[str]:
    """Lines on `path`, relative to `site`. `reasons` says of a category why its files may go.

    Raises PathUnknown.
    """
    owner = Owners(installed(site)).owner(path)
    lines = [*of_file(path, journal, reasons)] or [*_of_directory(path, journal, reasons)]
    if not lines and not (site / path).exists():
        raise PathUnknown(path, site)
    if owner in journal.restored:
        lines = [f"{owner} was restored: {journal.restored[owner]}", *lines]
    return lines or [NO_RULE]


def of_file(path: str, journal: Journal, reasons: Mapping[str, str]) -> Iterator[str]:
    """Lines on what the strip did to a file, relative to site-packages; none if nothing."""
    if path in journal.removed:
        category = journal.removed[path]
        yield f"Removed: {category}"
        if category in reasons:
            yield f"Because: {reasons[category]}"
    if path in journal.kept:
        yield f"Kept: {journal.kept[path]}"
    if path in journal.linked:
        yield f"Replaced by a link to {journal.linked[path]}, which has the same content"
    if path in journal.shrunk:
        yield f"Smaller: {format_size(journal.shrunk[path])} of symbols and debug data were removed"


def _of_directory(path: str, journal: Journal, reasons: Mapping[str, str]) -> Iterator[str]:
    prefix = f"{path.rstrip('/')}/"
    removed = _counted(journal.removed, prefix)
    for category, count in removed:
        yield f"Removed {count_of(count, 'file')}: {category}"
        if category in reasons:
            yield f"Because: {reasons[category]}"
    kept = _counted(journal.kept, prefix)
    for reason, count in kept[:_MOST_REASONS]:
        yield f"Kept {count_of(count, 'file')}: {reason}"
    if rest := sum(count for _, count in kept[_MOST_REASONS:]):
        yield f"Kept {count_of(rest, 'file')} for other reasons"
    if shrunk := [size for inner, size in journal.shrunk.items() if inner.startswith(prefix)]:
        yield (
            f"{count_of(len(shrunk), 'file')} smaller by {format_size(sum(shrunk))}: "
            "symbols and debug data"
        )


def _counted(said: Mapping[str, str], prefix: str) -> list[tuple[str, int]]:
    """What is said of the files below `prefix`, the most frequent first."""
    counts = Counter(value for path, value in said.items() if path.startswith(prefix))
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
