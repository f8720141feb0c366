"""Small but real packages: a site-packages directory in an app, as pip leaves it."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.util
import io
import os
import py_compile
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path

from slugfit.base.changes import Changes
from slugfit.packages.distributions import installed
from slugfit.settings.model import StripSettings
from slugfit.strip import Proof, Stripped, strip
from slugfit.strip.decision_cache import DecisionCache
from slugfit.strip.engine import Planned, Target, plan_strip
from slugfit.strip.strip_plan import StripPlan
from slugfit.strip.trials.trial import AppInterpreter

INSTALLED = 1_700_000_000  # the time of every file, long ago

Files = Mapping[str, str | bytes]


class Site:
    """The site-packages directory of an app, and a strip of it."""

    def __init__(self, root: Path) -> None:
        self.app = root / "app"
        self.root = self.app / ".heroku/python/lib/python3.99/site-packages"
        self.root.mkdir(parents=True)
        self.renew()

    def renew(self) -> Changes:
        """Begin another build's changes."""
        self.changes = Changes(
            self.app, self.app / ".slugfit/removed", self.app.parent / "undo.jsonl"
        )
        self.changes.make_directory(self.app / ".slugfit")
        return self.changes

    def install(self, name: str, files: Files, *, compiled: Iterable[str] = ()) -> str:
        """Write the files of a distribution and its metadata; return its dist-info directory.

        `compiled` are sources that get bytecode, as pip makes it.
        """
        for path, content in files.items():
            self.write(path, content)
        info = f"{name}-1.0.dist-info"
        self.write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        listed = [*files, *map(self.compile, compiled), f"{info}/METADATA"]
        self.write(f"{info}/RECORD", os.fsencode(_record(self.root, info, listed)))
        return info

    def write(self, path: str, content: str | bytes = "") -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(file, (INSTALLED, INSTALLED))
        return file

    def compile(self, path: str) -> str:
        """Make the bytecode of a source; return its path."""
        bytecode = Path(importlib.util.cache_from_source(str(self.root / path)))
        py_compile.compile(str(self.root / path), str(bytecode), doraise=True)
        os.utime(bytecode, (INSTALLED, INSTALLED))
        return str(bytecode.relative_to(self.root))

    @property
    def files(self) -> list[str]:
        """What is there, metadata apart."""
        found = (p for p in self.root.rglob("*") if p.is_symlink() or not p.is_dir())
        paths = (str(path.relative_to(self.root)) for path in found)
        return sorted(path for path in paths if ".dist-info/" not in path)

    @property
    def interpreter(self) -> AppInterpreter:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.root)}
        return AppInterpreter(Path(sys.executable), env)

    @property
    def target(self) -> Target:
        soabi = str(sysconfig.get_config_var("SOABI"))
        python = self.interpreter
        return Target(self.root, python.python, soabi, python.env, self.app)

    def planned(self, settings: StripSettings | None = None) -> Planned:
        """The plan of a build that remembers nothing."""
        memory = DecisionCache(self.app.parent / "nowhere")
        return plan_strip(self.target, settings or StripSettings(), memory)

    def plan(self, settings: StripSettings | None = None) -> StripPlan:
        return self.planned(settings).plan

    def strip(self, settings: StripSettings | None = None, *blind: str) -> Stripped:
        """A strip of what `settings` allow; `blind` are the modules that nobody understands."""
        settings = settings or StripSettings()
        proof = Proof(self.interpreter, settings, self.app, blind)
        return strip(self.root, self.plan(settings), self.changes, proof)

    def record(self, info: str) -> list[list[str]]:
        """The rows of a RECORD, read without our own code."""
        raw = (self.root / info / "RECORD").read_bytes()
        return list(csv.reader(io.StringIO(os.fsdecode(raw), newline="")))

    def untrue_rows(self) -> list[str]:
        """The rows of every RECORD that name a missing file, or another content."""
        found = []
        for distribution in installed(self.root):
            for path, digest, size in self.record(distribution.info):
                file = self.root / path
                if not file.is_file() or (digest and [digest, size] != _digest(file)):
                    found.append(path)
        return found


def _record(root: Path, info: str, paths: Iterable[str]) -> str:
    text = io.StringIO(newline="")
    rows = csv.writer(text)  # its line ends are those of pip
    rows.writerows([path, *_digest(root / path)] for path in paths)
    rows.writerow([f"{info}/RECORD", "", ""])
    return text.getvalue()


def _digest(file: Path) -> list[str]:
    content = file.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return [f"sha256={digest}", str(len(content))]
