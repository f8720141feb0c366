"""An app with real models, and Pythons that have the real runtimes, for tests of checks."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import struct
import venv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

from bench.strip_stacks import install
from slugfit.base.changes import Changes
from slugfit.helper.dependencies import Dependencies
from slugfit.models.app_python import AppPython
from slugfit.models.check import CheckedModel, Expected
from slugfit.models.check.checker import Checker
from slugfit.models.check.verdict_cache import VerdictCache
from slugfit.report.model_log import ModelLog
from slugfit.settings.model import CheckSettings
from support.build_log import BuildLog
from support.paths import DIGITS, SAMPLES, SHARED_CACHE
from support.sources import model_from

MODELS = SAMPLES / "check"
OWN_RUNTIMES = SHARED_CACHE / "test-runtimes"


@dataclass(frozen=True)
class Recognised:
    """What is known of a model before it is loaded."""

    format: str | None
    title: str = "A model"
    code: str = ""


@cache
def stack(name: str) -> tuple[Path, Path]:
    """A Python that has a stack of the bench's, and its site-packages."""
    SHARED_CACHE.mkdir(exist_ok=True)
    with (SHARED_CACHE / "stacks.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed = install(name)
    return installed.python, installed.site


def bare(root: Path) -> tuple[Path, Path]:
    """This Python without any package, and where its packages would be."""
    venv.create(root, with_pip=False, symlinks=True)
    [site] = root.glob("lib/*/site-packages")
    return root / "bin" / "python", site


def with_package(site: Path, name: str, version: str, source: str) -> None:
    """Install a package of one module."""
    (site / f"{name}.py").write_text(source)
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "RECORD").write_text(f"{name}.py,,\n")


Nested: TypeAlias = "float | Sequence[Nested]"


def write_npz(file: Path, arrays: Mapping[str, Sequence[Nested]]) -> None:
    """Arrays of float32, without numpy: each as nested sequences."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            shape, numbers = _shape(array), list(_numbers(array))
            header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
            magic = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
            content = magic + header + struct.pack(f"<{len(numbers)}f", *numbers)
            archive.writestr(f"{name}.npy", content)


def _shape(array: Nested) -> tuple[int, ...]:
    return () if isinstance(array, float) else (len(array), *_shape(array[0]))


def _numbers(array: Nested) -> Iterator[float]:
    if isinstance(array, float):
        yield array
    else:
        for part in array:
            yield from _numbers(part)


@dataclass
class Bench:
    """An app with every model of the tests, checked in one Python."""

    app: Path
    cache: Path
    python: tuple[Path, Path]
    version: str = platform.python_version()
    log: BuildLog = field(default_factory=BuildLog)

    def __post_init__(self) -> None:
        shutil.copytree(MODELS, self.app)
        shutil.copy(DIGITS / "digits.tflite", self.app)

    def checker(self, verdicts: VerdictCache | None = None) -> Checker:
        env = {"PATH": os.defpath}
        place = AppPython(self.app, self.python[0], self.version, self.python[1], env)
        # Installed once for all tests; what a run leaves of them is tested with small ones.
        dependencies = Dependencies(
            OWN_RUNTIMES, dict(os.environ), self.log.output, provisional=False
        )
        output = self.log.output
        reporter = ModelLog(place, output)
        return Checker(place, verdicts or self.verdicts(), dependencies, output, reporter)

    def verdicts(self) -> VerdictCache:
        return VerdictCache(self.cache / "checks")

    def save_verdicts(self, verdicts: VerdictCache) -> None:
        changes = Changes(self.cache, self.cache / "removed")
        verdicts.save(changes)
        changes.keep()

    def check(
        self,
        name: str,
        recognised: str | Recognised,
        settings: CheckSettings | None = None,
        expected: Expected | None = None,
        checker: Checker | None = None,
    ) -> CheckedModel:
        known = Recognised(recognised) if isinstance(recognised, str) else recognised
        model = model_from(f"s3://bucket/{name}", name, check=settings or CheckSettings())
        sha256 = f"of {name}"
        return (checker or self.checker()).check(model, self.app / name, sha256, known, expected)
