"""Conversions in tests: real tools, which are installed once and stay for the next run."""

from __future__ import annotations

import compileall
import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slugfit.base.changes import Changes
from slugfit.models.app_python import AppPython
from slugfit.models.check import Expected
from slugfit.models.convert import Converted
from slugfit.models.convert.conversion_cache import ConversionCache
from slugfit.models.convert.converter import Converter, TimeLimit
from slugfit.models.convert.toolbox import TOOLS, Toolbox, install
from slugfit.models.formats import inspect
from slugfit.settings.model import CheckSettings, ConvertSettings, ModelSettings
from support.build_log import BuildLog
from support.paths import SHARED_CACHE
from support.sources import model_from

# In a directory of their own: the one of a script is the first on its path, and this one has http.
SCRIPTS = Path(__file__).with_name("conversion")
_SECONDS = 600.0


class CachedToolbox:
    """A directory for each lock, in the development environment's cache."""

    def __init__(self, root: Path = SHARED_CACHE / "test-tools") -> None:
        self._root = root
        self.provided: list[str] = []

    def provide(self, lock: str, seconds: float) -> Path:
        self.provided.append(lock)
        file = TOOLS / f"{lock}.txt"
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        place = self._root / f"{lock}-{digest}-{sys.implementation.cache_tag}"
        place.mkdir(parents=True, exist_ok=True)
        with (place / "lock").open("w") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)  # the tests' other processes
            if not (place / "site").is_dir():
                install(_with_links(file, place), place / "site", os.environ, _SECONDS)
                compileall.compile_dir(place / "site", quiet=2, workers=2)
        return place / "site"

    def close(self) -> None:
        """They stay."""


def _with_links(lock: Path, place: Path) -> Path:
    """The lock, with the wheels that this machine has for pip: it may have no other way to some."""
    links = os.environ.get("PIP_FIND_LINKS", "").split()
    text = "".join(f"--find-links {link}\n" for link in links) + lock.read_text()
    (place / lock.name).write_text(text)
    return place / lock.name


@dataclass
class Bench:
    """An app, a build cache, and builds that convert its model."""

    root: Path
    toolbox: Toolbox
    site_packages: Path | None = None
    python: Path = Path(sys.executable)
    limit: TimeLimit = field(default_factory=lambda: TimeLimit(_SECONDS))

    def __post_init__(self) -> None:
        self.app = self.root / "app"
        self.app.mkdir(parents=True)
        self.log = BuildLog()

    def model(
        self,
        source: Path,
        convert: ConvertSettings,
        check: CheckSettings = CheckSettings(),  # noqa: B008 (frozen)
        *,
        allow_code: bool = False,
    ) -> tuple[ModelSettings, Path]:
        """Settings for the model at `source`, whose .npz files go into the app."""
        settings = model_from(
            f"s3://bucket/{source.name}",
            f"models/{source.stem}.{convert.to}",
            allow_code=allow_code,
            convert=replace(convert, representative=self._carry(convert.representative)),
            check=replace(
                check, input=self._carry(check.input), reference=self._carry(check.reference)
            ),
        )
        return settings, source

    def build(self, model: tuple[ModelSettings, Path]) -> Converted:
        """A build that succeeds, and its log; nothing is kept of one that fails."""
        self.log = BuildLog()
        settings, source = model
        changes = Changes(self.root / "cache", self.root / "cache" / "removed")
        conversions = ConversionCache(self.root / "cache" / "conversions", changes)
        site = self.site_packages or self.root / "site-packages"
        app = AppPython(self.app, self.python, "", site, {"PATH": os.defpath})
        sha256 = hashlib.sha256(b"".join(map(Path.read_bytes, _files(source)))).hexdigest()
        try:
            with Converter(
                app, conversions, self.toolbox, self.log.output, self.limit
            ) as converter:
                converted = converter.convert(
                    settings, source, sha256, inspect(source, source.name)
                )
        except BaseException:
            changes.undo()
            raise
        conversions.prune()
        changes.keep()
        return converted

    def cached(self) -> list[str]:
        """The files of conversions in the build cache, without their keys."""
        files = (self.root / "cache" / "conversions").glob("*")
        return sorted(path.name.partition(".")[2] for path in files)

    def _carry(self, file: str | None) -> str | None:
        if file is not None and Path(file).exists():
            (self.app / Path(file).name).write_bytes(Path(file).read_bytes())
            return Path(file).name
        return file


@dataclass(frozen=True)
class Compared:
    """Outputs beside what was expected; `agreement` is of the largest column."""

    samples: int
    max_error: float
    agreement: float

    def refused(self, expected: Expected) -> bool:
        """Whether they are beyond the bounds."""
        return (expected.max_error is not None and not self.max_error <= expected.max_error) or (
            expected.min_agreement is not None and not self.agreement >= expected.min_agreement
        )


def compare(model: Path, to: str, expected: Expected, paths: Sequence[Path]) -> Compared:
    """What the model answers, in the runtime in `paths`."""
    return Compared(
        **run_child(
            SCRIPTS / "outputs.py",
            paths,
            to,
            str(model),
            str(expected.inputs),
            str(expected.outputs),
        )
    )


def run_child(script: Path, paths: Sequence[Path], *words: str) -> dict[str, Any]:
    """The JSON that a script prints at last, with these directories on its path."""
    env = {
        "PATH": os.defpath,
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
    }
    argv = [sys.executable, "-S", "-W", "ignore", str(script), *words]
    printed = subprocess.run(argv, env=env, check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def _files(source: Path) -> list[Path]:
    return sorted(p for p in [source, *source.rglob("*")] if p.is_file())
