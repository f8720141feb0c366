"""bin/slugfit as a process, in a directory of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slugfit.local.environment import PLAIN_PATH
from slugfit.local.index_access import index_settings
from slugfit.local.transcript import without_colours
from support.fixtures import tidied
from support.paths import REPOSITORY

BUCKET = "tool-models"


@dataclass(frozen=True)
class Finished:
    """How a command ended; `log` and `error` without what differs from run to run."""

    status: int
    stdout: str
    stderr: str

    @property
    def log(self) -> str:
        lines = self.stdout.splitlines()
        return tidied(line for line in lines if not line.startswith("-----> Installing"))

    @property
    def error(self) -> str:
        return tidied(without_colours(self.stderr).splitlines())


@dataclass(frozen=True)
class Tool:
    """The tool in `desk`, with these variables in its environment; `program` may be a copy."""

    desk: Path
    home: Path
    cache: Path
    config: Mapping[str, str]
    program: Path = REPOSITORY / "bin/slugfit"

    def run(self, *arguments: str, **variables: str | None) -> Finished:
        """Run a command to its end; a variable that is None is not set."""
        process = self.start(*arguments, **variables)
        stdout, stderr = process.communicate(timeout=120)
        return Finished(process.returncode, stdout, stderr)

    def start(self, *arguments: str, **variables: str | None) -> subprocess.Popen[str]:
        own = {
            "PATH": PLAIN_PATH,
            "HOME": str(self.home),
            "SLUGFIT_PYTHON": sys.executable,
            "SLUGFIT_CACHE_DIR": str(self.cache),
            **index_settings(os.environ),
        }
        environ = {**own, **self.config, **variables}
        return subprocess.Popen(
            [self.program, *arguments],
            cwd=self.desk,
            env={name: value for name, value in environ.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def found(self) -> dict[str, bytes]:
        """The files in `desk`."""
        files = (path for path in self.desk.rglob("*") if path.is_file())
        return {str(path.relative_to(self.desk)): path.read_bytes() for path in files}
