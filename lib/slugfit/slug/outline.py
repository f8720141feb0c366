"""Every file of a slug with its weight, including the files that the strip removed.

Items are weighed, files are not: compressed one by one, they would sum up to too much, since gzip's
window spans small files. Each file gets its share of its category's weight in its item.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from isal import isal_zlib

from slugfit.base.heroku import PYTHON_HOME
from slugfit.slug.categories import Category, category, split
from slugfit.slug.items import DistributionLookup, Item
from slugfit.slug.weigh.compress import Weight
from slugfit.slug.weigh.tar_stream import pieces
from slugfit.strip.explain import NO_RULE, of_file
from slugfit.strip.journal import Journal
from slugfit.strip.site_tree import read_tree

_SAMPLED = 256 * 1024  # bytes; larger files are sampled to estimate how they compress
_SAMPLE = 32 * 1024
_HEADER = 60  # bytes that a file's tar header adds
# Compression ratios by suffix. Only the proportions count.
_RATIOS = {".py": 0.27, ".pyc": 0.42, ".so": 0.33, ".h": 0.2, ".a": 0.25, ".pyi": 0.2, ".npz": 1.0}
_USUAL_RATIO = 0.35
_SYMBOLS_RATIO = 0.22


@dataclass(frozen=True)
class WeighedFile:
    """A file below its item: its weight now, and the weight that the strip saved.

    `notes` are the lines of `slugfit why`.
    """

    path: str
    now: Weight
    stripped: Weight = field(default_factory=Weight)
    removed: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SlugRoot:
    """A slug's directory, its site-packages and the strip's journal, if there are any.

    `reasons` explain the categories of removed files.
    """

    directory: Path
    site: Path | None
    journal: Journal
    reasons: Mapping[str, str]

    @property
    def prefix(self) -> str:
        """The prefix of paths in site-packages, relative to `directory`."""
        if self.site is None or self.site == self.directory:
            return ""
        return f"{self.site.relative_to(self.directory).as_posix()}/"

    def notes(self, distribution: str, path: str) -> tuple[str, ...]:
        """What the strip did to a file, and why; empty without a strip."""
        if not self.journal.site:
            return ()
        lines = tuple(of_file(path, self.journal, self.reasons))
        if distribution in self.journal.restored:
            restored = f"{distribution} was restored: {self.journal.restored[distribution]}"
            return (restored, *lines)
        return lines or (NO_RULE,)


def outline(
    root: SlugRoot,
    paths: Mapping[Item, Sequence[str]],
    weights: Mapping[Item, Weight],
    stripped: int,
) -> dict[Item, list[WeighedFile]]:
    """The files of each item. Their weights add up to the item's.

    `stripped` is the compressed size of everything that the strip saved.
    """
    removed = _stripped_weights(root.journal, stripped)
    found = {
        item: _files(root, item, paths.get(item, ()), weight, removed)
        for item, weight in weights.items()
    }
    for item, files in _removed_files(root, weights, removed).items():
        found.setdefault(item, []).extend(files)
    return {item: sorted(files, key=lambda file: file.path) for item, files in found.items()}


def files_by_distribution(site: Path) -> dict[Item, list[str]]:
    """The files of a site-packages directory by distribution, relative to it."""
    packages = DistributionLookup(site)
    found: dict[Item, list[str]] = {}
    for path in read_tree(site).files:
        found.setdefault(packages.item(path), []).append(path)
    return found


def stripped_estimate(journal: Journal) -> int:
    """An estimate of the compressed bytes that the strip saved, without its files."""
    return round(sum(share for _, share in _shares(journal).values()))


def _files(
    root: SlugRoot, item: Item, paths: Sequence[str], weight: Weight, removed: Mapping[str, Weight]
) -> list[WeighedFile]:
    home, weights = _common_prefix(item, root.prefix), _weights(root.directory, item, paths, weight)
    found = []
    for path in paths:
        name = path.removeprefix(home) if path != item.name else posixpath.basename(path)
        inner = path.removeprefix(root.prefix) if item.kind == "distribution" else ""
        notes = root.notes(item.name, inner) if inner else ()
        found.append(WeighedFile(name, weights[path], removed.get(inner, Weight()), notes=notes))
    return found


def _weights(root: Path, item: Item, paths: Sequence[str], weight: Weight) -> dict[str, Weight]:
    """Each file's share of its category's weight in the item."""
    sizes = {path: _size(root / path) for path in paths}
    groups: dict[Category, list[str]] = {}
    for path in paths:
        groups.setdefault(category(item, path), []).append(path)
    found: dict[str, Weight] = {}
    for kind, part in split(item, weight, sizes.items()).items():
        some = groups[kind]
        raw = apportion(part.raw, [sizes[path] for path in some])
        compressed = apportion(part.compressed, [_estimate(root / p, sizes[p]) for p in some])
        found |= dict(zip(some, map(Weight, raw, compressed), strict=True))
    return found


def _common_prefix(item: Item, prefix: str) -> str:
    """The prefix that the paths of an item's files have in common, to leave out."""
    if item.kind == "distribution":
        return prefix
    if item.kind == "model":
        return f"{item.name}/"
    return f"{PYTHON_HOME}/" if item.kind == "python" else ""


def _removed_files(
    root: SlugRoot, items: Iterable[Item], removed: Mapping[str, Weight]
) -> dict[Item, list[WeighedFile]]:
    if root.site is None:
        return {}
    packages = DistributionLookup(root.site)
    known = {item.name: item for item in items if item.kind == "distribution"}
    found: dict[Item, list[WeighedFile]] = {}
    for path in root.journal.removed:
        item = packages.item(path)
        notes = root.notes(item.name, path)
        file = WeighedFile(path, Weight(), removed.get(path, Weight()), removed=True, notes=notes)
        found.setdefault(known.get(item.name, item), []).append(file)
    return found


def _stripped_weights(journal: Journal, compressed: int) -> dict[str, Weight]:
    """What the strip saved of each file: all of it, its symbols, or a duplicate."""
    shares = _shares(journal)
    parts = apportion(compressed, [share for _, share in shares.values()])
    return {
        path: Weight(raw, part)
        for (path, (raw, _)), part in zip(shares.items(), parts, strict=True)
    }


def _shares(journal: Journal) -> dict[str, tuple[int, float]]:
    """Path → raw bytes saved, and an estimate of their compressed size."""
    whole = {path: (size, _guess(path, size)) for path, size in sorted(journal.gone.items())}
    symbols = {path: (size, size * _SYMBOLS_RATIO) for path, size in sorted(journal.shrunk.items())}
    return symbols | whole


def apportion(total: int, shares: Sequence[float]) -> list[int]:
    """Integer parts of `total` in proportion to `shares`. They add up to it, without shares to 0.

    Integer shares that add up to `total` are returned unchanged.
    """
    scale = sum(shares)
    if not scale:
        return [0] * len(shares)
    parts, reached, given = [], 0.0, 0
    for share in shares:
        reached += share
        parts.append(round(total * (reached / scale)) - given)
        given += parts[-1]
    return parts


def _size(file: Path) -> int:
    try:
        status = file.lstat()
    except OSError:
        return 0  # deleted since the walk
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _estimate(file: Path, size: int) -> float:
    if size < _SAMPLED:
        return _guess(file.name, size)
    offsets = (0, size // 3, 2 * size // 3)
    try:
        content = b"".join(b"".join(pieces(file, offset, _SAMPLE)) for offset in offsets)
    except OSError:
        return _guess(file.name, size)  # not readable for this user
    return _HEADER + size * len(isal_zlib.compress(content, 1)) / max(len(content), 1)


def _guess(name: str, size: int) -> float:
    return _HEADER + size * _RATIOS.get(os.path.splitext(name)[1], _USUAL_RATIO)
