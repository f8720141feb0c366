"""Slugfit's own dependencies: locked groups, installed into a cache when a run needs them.

Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from slugfit.base.output import Output

_PLATFORM = f"{sys.implementation.cache_tag}-{os.uname().machine}"
_PRUNING = Path(__file__).with_name("pruning.py")
LOCKS = Path(__file__).parents[2] / "requirements"


class Group(Enum):
    """Dependencies that are installed together. The value is the name of their lock."""

    BASE = "base"
    S3 = "s3"
    GS = "gs"
    AZ = "az"
    ZSTD = "zstd"
    PREDICT = "predict"
    TFLITE = "tflite"
    ONNXRUNTIME = "onnxruntime"
    NUMPY = "numpy"

    @property
    def title(self) -> str:
        """Its name in the log."""
        return {
            "base": "Slugfit's own dependencies",
            "s3": "Slugfit's client for S3",
            "gs": "Slugfit's client for Google Cloud Storage",
            "az": "Slugfit's client for Azure Blob Storage",
            "zstd": "Slugfit's zstd decoder",
            "predict": "uv for resolving requirements",
            "tflite": "a runtime for TensorFlow Lite models",
            "onnxruntime": "a runtime for ONNX models",
            "numpy": "numpy for comparing outputs",
        }[self.value]


# For separate processes: this one never imports them.
SEPARATE = frozenset({Group.TFLITE, Group.ONNXRUNTIME, Group.NUMPY})


class Dependencies:
    """The groups that a run needs, found in `cache` or installed into it.

    In a build, which is undone as a whole when it fails, a new group is provisional until `keep`;
    with `provisional=False` it stays once it is complete.
    """

    def __init__(
        self,
        cache: Path,
        environ: Mapping[str, str],
        output: Output,
        *,
        provisional: bool = True,
        locks: Path = LOCKS,
    ) -> None:
        self._directory = cache / "helper"
        self._environ = environ
        self._output = output
        self._provisional = provisional
        self._locks = locks
        self._sites: dict[Group, Path] = {}
        self._work: Path | None = None

    def provide(self, *groups: Group) -> None:
        """Make the base and `groups` importable. Raises a failure of helper.installation."""
        for group in (Group.BASE, *groups):
            if group not in self._sites:
                sys.path.append(str(self.separate(group)))

    def separate(self, group: Group) -> Path:
        """The directory of a group for separate processes, which this one does not import.

        Raises a failure of slugfit.helper.installation.
        """
        if group not in self._sites:
            site = self._directory / self.key(group)
            self._sites[group] = site if site.is_dir() else self._install(group, site)
        return self._sites[group]

    def retain(self, group: Group) -> None:
        """Keep an installed separate group, although this run does not need it."""
        site = self._directory / self.key(group)
        if site.is_dir():
            self._sites.setdefault(group, site)

    def keep(self) -> None:
        """Make the provided groups final, and drop all others: old versions, unneeded groups."""
        kept = {site.name for site in self._sites.values()}
        for site in self._sites.values():
            os.replace(site, self._directory / site.name)
        for entry in sorted(self._directory.iterdir()):
            if entry.name not in kept:
                _remove(entry)
        self._work = None

    def discard(self) -> None:
        """Remove provisional groups."""
        if self._work is not None:
            _remove(self._work)
            self._work = None
            if not any(self._directory.iterdir()):
                self._directory.rmdir()

    def key(self, group: Group) -> str:
        """A key for everything that an installed group depends on.

        That is the lock, the rules that prune a client, the Python, and the machine.
        """
        pruning = _PRUNING.read_bytes() if group is Group.S3 else b""
        rules = hashlib.sha256(self._lock(group).read_bytes() + pruning).hexdigest()[:16]
        return f"{group.value}-{rules}-{_PLATFORM}"

    def _lock(self, group: Group) -> Path:
        return self._locks / f"{group.value}.txt"

    def _install(self, group: Group, final: Path) -> Path:
        # Imported late: most runs find everything installed, and start faster without it.
        from slugfit.helper.installation import install, make_work_directory  # noqa: PLC0415

        where = "the build cache" if self._provisional else str(self._directory)
        self._output.step(f"Installing {group.title} into {where}")
        self._work = self._work or make_work_directory(self._directory)
        new = self._work / final.name
        install(self._lock(group), new, self._environ)
        return new if self._provisional else self._settle(group, new, final)

    def _settle(self, group: Group, new: Path, final: Path) -> Path:
        try:
            os.replace(new, final)
        except OSError:
            if not final.is_dir():  # else another process has installed it
                raise
        for older in self._directory.glob(f"{group.value}-*-{_PLATFORM}"):
            if older != final:
                _remove(older)
        self.discard()
        return final


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
