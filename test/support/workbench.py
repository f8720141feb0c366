"""Our compile alone, on an app whose Python is installed: a build in a second, not in ten.

    bench = Workbench(tmp_path, booted)
    build = bench.compile(s3.config, models="s3://slugfit-models/m.bin")
    assert build.log == "-----> Reading configuration from …"

For what happens between our compile and the stores; what happens around it is the local Heroku's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slugfit.local.environment import PLAIN_PATH, write_env_dir
from slugfit.local.index_access import index_settings
from slugfit.local.transcript import without_colours
from support.fixtures import tidied
from support.heroku import App
from support.paths import FIXTURES, REPOSITORY


@dataclass(frozen=True)
class Compiled:
    """How our compile ended, and what it said; `log` without what differs from run to run."""

    status: int
    raw: str

    @property
    def log(self) -> str:
        return tidied(without_colours(self.raw).splitlines())


class Workbench:
    """A build directory, fresh for every build, and a cache, which stays.

    `source` is the app: edit it, then compile. `booted` is another that was built before: its
    Python and our installed dependencies serve here, too, as hard links. `program` may be a copy.
    """

    def __init__(
        self,
        root: Path,
        booted: App,
        fixture: str = "settings_absent",
        program: Path = REPOSITORY / "bin/compile",
    ) -> None:
        self.program = program
        self.source = root / "source"
        shutil.copytree(FIXTURES / fixture, self.source, symlinks=True)
        self.app = root / "app"
        self.cache = root / "cache"
        self._env = root / "env"
        self._home = root / "home"
        self._home.mkdir()
        self._python = booted.build_dir / ".heroku"
        own = booted.cache_dir / "slugfit"
        shutil.copytree(own / "helper", self.own_cache / "helper", copy_function=os.link)
        # What Python weighs is known.
        shutil.copy(own / "weights.json", self.own_cache / "weights.json")

    @property
    def own_cache(self) -> Path:
        """Where all of ours is in the cache."""
        return self.cache / "slugfit"

    @property
    def report(self) -> dict[str, Any]:
        """What the last successful build found."""
        report: dict[str, Any] = json.loads((self.own_cache / "report.json").read_text())
        return report

    @property
    def outcomes(self) -> list[str]:
        """How each model of the last successful build came into the app."""
        return [model["outcome"] for model in self.report["models"]]

    @property
    def record(self) -> dict[str, Any]:
        """What `bin/report` would print."""
        record: dict[str, Any] = json.loads((self.own_cache / "record.json").read_text())
        return record

    @property
    def contents(self) -> list[bytes]:
        """What the cache keeps of models, sorted."""
        stored = self.own_cache / "models/sha256"
        return sorted(path.read_bytes() for path in stored.iterdir()) if stored.exists() else []

    @property
    def left(self) -> dict[str, int]:
        """The files that a failed build has left for the next one, and their sizes."""
        partial = self.own_cache / "models/partial"
        files = (path for path in partial.rglob("*") if path.is_file())
        return {str(path.relative_to(partial)): path.stat().st_size for path in files}

    def compile(self, config: Mapping[str, str], *, models: str = "") -> Compiled:
        """Build a fresh copy of the app; `models` is SLUGFIT_MODELS."""
        build = self.start(config, models=models)
        output, _ = build.communicate(timeout=300)
        return Compiled(build.returncode, output)

    def start(self, config: Mapping[str, str], *, models: str = "") -> subprocess.Popen[str]:
        """Begin to build a fresh copy of the app, in a session of its own."""
        self.renew()
        return self.go_on(config, models=models)

    def renew(self) -> None:
        """Make a fresh copy of the app, with Python."""
        shutil.rmtree(self.app, ignore_errors=True)
        shutil.copytree(self.source, self.app, symlinks=True)
        python = self.app / ".heroku"
        shutil.copytree(self._python, python, symlinks=True, copy_function=os.link)

    def go_on(self, config: Mapping[str, str], *, models: str = "") -> subprocess.Popen[str]:
        """Begin to build what is there."""
        named = {"SLUGFIT_MODELS": models} if models else {}
        write_env_dir(self._env, {"SLUGFIT_STRIP_LEVEL": "off", **config, **named})
        return subprocess.Popen(
            [self.program, self.app, self.cache, self._env],
            env={"HOME": str(self._home), "PATH": PLAIN_PATH, **index_settings(os.environ)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
