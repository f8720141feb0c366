"""Slugfit's own dependencies: locked, in groups, installed into a cache when a run needs them.

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

from slugfit.output import Output

_PLATFORM = f"{sys.implementation.cache_tag}-{os.uname().machine}"
_TRIMMING = Path(__file__).with_name("trimming.py")
LOCKS = Path(__file__).parent.parent / "requirements"


class Group(Enum):
    """What is installed together: the name of its lock."""

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
        """What the log calls it."""
        return {
            "base": "Slugfit's own dependencies",
            "s3": "Slugfit's client for S3",
            "gs": "Slugfit's client for Google Cloud Storage",
            "az": "Slugfit's client for Azure Blob Storage",
            "zstd": "Slugfit's zstd decoder",
            "predict": "uv, which resolves requirements",
            "tflite": "a runtime for TensorFlow Lite models",
            "onnxruntime": "a runtime for ONNX models",
            "numpy": "numpy, to compare answers with",
        }[self.value]


# For processes of their own: runtimes, which this one never imports.
SEPARATE = frozenset({Group.TFLITE, Group.ONNXRUNTIME, Group.NUMPY})


class Dependencies:
    """The groups that a run asks for, found in `cache` or installed into it.

    In a build, which is taken back as a whole when it fails, a new group is provisional
    until `keep`; with `provisional=False` it stays once it is complete.
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
        """Make the base and `groups` importable. Raises a failure of slugfit.installation."""
        for group in (Group.BASE, *groups):
            if group not in self._sites:
                sys.path.append(str(self.separate(group)))

    def separate(self, group: Group) -> Path:
        """The directory of a group that is for other processes: this one does not import it.

        Raises a failure of slugfit.installation.
        """
        if group not in self._sites:
            site = self._directory / self.key(group)
            self._sites[group] = site if site.is_dir() else self._install(group, site)
        return self._sites[group]

    def retain(self, group: Group) -> None:
        """Keep a separate group that is there, though this run has no need of it."""
        site = self._directory / self.key(group)
        if site.is_dir():
            self._sites.setdefault(group, site)

    def keep(self) -> None:
        """Make final what was provided, and drop what was not: other versions, unneeded groups."""
        kept = {site.name for site in self._sites.values()}
        for site in self._sites.values():
            os.replace(site, self._directory / site.name)
        for entry in sorted(self._directory.iterdir()):
            if entry.name not in kept:
                _remove(entry)
        self._work = None

    def discard(self) -> None:
        """Remove what was installed and is not final."""
        if self._work is not None:
            _remove(self._work)
            self._work = None
            if not any(self._directory.iterdir()):
                self._directory.rmdir()

    def key(self, group: Group) -> str:
        """Everything that decides whether an installed group fits.

        That is the lock, what is left of a client that is trimmed, the Python, and the machine.
        """
        trimming = _TRIMMING.read_bytes() if group is Group.S3 else b""
        rules = hashlib.sha256(self._lock(group).read_bytes() + trimming).hexdigest()[:16]
        return f"{group.value}-{rules}-{_PLATFORM}"

    def _lock(self, group: Group) -> Path:
        return self._locks / f"{group.value}.txt"

    def _install(self, group: Group, final: Path) -> Path:
        # Not at the top: most runs find all they need, and start faster without.
        from slugfit.installation import install, make_work_directory  # noqa: PLC0415

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
            if not final.is_dir():  # else another process was faster
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
