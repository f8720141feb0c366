"""Every file of a slug with its weight, and those that a strip took out of it.

Items are weighed, files are not: compressing them one by one would tell too much, as gzip's
window spans small ones. Each gets its part of what its category weighs in its item.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from isal import isal_zlib

from slugfit.slug.categories import Category, category, split
from slugfit.slug.tree import Item, Packages
from slugfit.slug.weighing.archive import pieces
from slugfit.slug.weighing.compress import Weight
from slugfit.strip.explain import NOT_NOMINATED, of_file
from slugfit.strip.journal import Journal
from slugfit.strip.tree import read_tree

_PYTHON = ".heroku/python/"
_SAMPLED = 256 * 1024  # bytes from which on a file's own content tells how it compresses
_SAMPLE = 32 * 1024
_HEADER = 60  # bytes that an entry's header adds to the slug
# What is left of content by the end of its name. Only the proportions count.
_RATIOS = {".py": 0.27, ".pyc": 0.42, ".so": 0.33, ".h": 0.2, ".a": 0.25, ".pyi": 0.2, ".npz": 1.0}
_USUAL_RATIO = 0.35
_SYMBOLS_RATIO = 0.22


@dataclass(frozen=True)
class File:
    """A file below its item: what it weighs, and what a strip took from it.

    `story` is what `slugfit why` says.
    """

    path: str
    now: Weight
    gone: Weight = field(default_factory=Weight)
    removed: bool = False
    story: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ground:
    """Where the files are: `root`, and in it the site-packages with their journal, if any."""

    root: Path
    site: Path | None
    journal: Journal
    reasons: Mapping[str, str]

    @property
    def prefix(self) -> str:
        """What paths in site-packages begin with below `root`."""
        if self.site is None or self.site == self.root:
            return ""
        return f"{self.site.relative_to(self.root).as_posix()}/"

    def story(self, distribution: str, path: str) -> tuple[str, ...]:
        """What became of a file of site-packages, and why; nothing where nobody has stripped."""
        if not self.journal.site:
            return ()
        lines = tuple(of_file(path, self.journal, self.reasons))
        if distribution in self.journal.restored:
            back = f"{distribution} was put back whole: {self.journal.restored[distribution]}"
            return (back, *lines)
        return lines or (NOT_NOMINATED,)


def outline(
    ground: Ground, paths: Mapping[Item, Sequence[str]], weights: Mapping[Item, Weight], gone: int
) -> dict[Item, list[File]]:
    """The files of each item, whose weights add up to the item's.

    `gone` is the compressed size of all that the strip took.
    """
    went = _went(ground.journal, ground.site, gone)
    found = {
        item: _files(ground, item, paths.get(item, ()), weight, went)
        for item, weight in weights.items()
    }
    for item, files in _removed(ground, weights, went).items():
        found.setdefault(item, []).extend(files)
    return {item: sorted(files, key=lambda file: file.path) for item, files in found.items()}


def packages_in(site: Path) -> dict[Item, list[str]]:
    """The files of a site-packages directory by distribution, relative to it."""
    packages = Packages(site)
    found: dict[Item, list[str]] = {}
    for path in read_tree(site).files:
        found.setdefault(packages.item(path), []).append(path)
    return found


def gone_estimate(journal: Journal) -> int:
    """About the compressed bytes that a strip has taken, where nobody has weighed them."""
    return round(sum(share for _, share in _shares(journal).values()))


def _files(
    ground: Ground, item: Item, paths: Sequence[str], weight: Weight, went: Mapping[str, Weight]
) -> list[File]:
    home, weights = _home(item, ground.prefix), _weights(ground.root, item, paths, weight)
    found = []
    for path in paths:
        name = path.removeprefix(home) if path != item.name else posixpath.basename(path)
        inner = path.removeprefix(ground.prefix) if item.kind == "distribution" else ""
        story = ground.story(item.name, inner) if inner else ()
        found.append(File(name, weights[path], went.get(inner, Weight()), story=story))
    return found


def _weights(root: Path, item: Item, paths: Sequence[str], weight: Weight) -> dict[str, Weight]:
    """Each file's part of what its category weighs in the item."""
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


def _home(item: Item, prefix: str) -> str:
    """What the paths of an item's files begin with, and need not say."""
    if item.kind == "distribution":
        return prefix
    if item.kind == "model":
        return f"{item.name}/"
    return _PYTHON if item.kind == "python" else ""


def _removed(
    ground: Ground, items: Iterable[Item], went: Mapping[str, Weight]
) -> dict[Item, list[File]]:
    if ground.site is None:
        return {}
    packages = Packages(ground.site)
    known = {item.name: item for item in items if item.kind == "distribution"}
    found: dict[Item, list[File]] = {}
    for path in ground.journal.removed:
        item = packages.item(path)
        story = ground.story(item.name, path)
        file = File(path, Weight(), went.get(path, Weight()), removed=True, story=story)
        found.setdefault(known.get(item.name, item), []).append(file)
    return found


def _went(journal: Journal, site: Path | None, compressed: int) -> dict[str, Weight]:
    """What went of each file: all of it, its symbols, or what its twin has."""
    shares = _shares(journal)
    parts = apportion(compressed, [share for _, share in shares.values()])
    return {
        path: Weight(raw, part)
        for (path, (raw, _)), part in zip(shares.items(), parts, strict=True)
    }


def _shares(journal: Journal) -> dict[str, tuple[int, float]]:
    """Path → raw bytes that went, and about what they were compressed to."""
    whole = {path: (size, _guess(path, size)) for path, size in sorted(journal.gone.items())}
    symbols = {path: (size, size * _SYMBOLS_RATIO) for path, size in sorted(journal.shrunk.items())}
    return symbols | whole


def apportion(total: int, shares: Sequence[float]) -> list[int]:
    """Whole parts of `total` in these proportions. They add up; with no shares at all, to nothing.

    Where the shares are whole numbers that add up to `total` already, they are the parts.
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
        return 0  # gone since the walk
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _estimate(file: Path, size: int) -> float:
    if size < _SAMPLED:
        return _guess(file.name, size)
    offsets = (0, size // 3, 2 * size // 3)
    try:
        content = b"".join(b"".join(pieces(file, offset, _SAMPLE)) for offset in offsets)
    except OSError:
        return _guess(file.name, size)  # not for this user to read
    return _HEADER + size * len(isal_zlib.compress(content, 1)) / max(len(content), 1)


def _guess(name: str, size: int) -> float:
    return _HEADER + size * _RATIOS.get(os.path.splitext(name)[1], _USUAL_RATIO)
