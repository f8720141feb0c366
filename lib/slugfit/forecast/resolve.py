"""Which versions the build would install, from which files. uv resolves; nothing is installed."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slugfit.app.locks import from_pipenv, from_poetry
from slugfit.app.package_manager import Requirements
from slugfit.forecast.pylock import Pinned, read_lock
from slugfit.forecast.uv import RequirementsText, Uv
from slugfit.packages.target import Machine

_EXPORT = (
    *("export", "--frozen", "--no-default-groups", "--no-emit-project", "--no-hashes"),
    *("--no-header", "--no-annotate", "--quiet", "--format", "requirements.txt"),
)
_UNBUILT = "only as source, which can't be built here; what it requires is not counted either"


@dataclass(frozen=True)
class Resolver:
    """What an app's package manager file resolves to, on one machine.

    `requires` says what a distribution requires that can't be built here.
    """

    uv: Uv
    machine: Machine
    requires: Callable[[str, str], Sequence[str]] | None = None

    def resolve(self, wanted: Requirements, *options: str) -> tuple[Pinned, ...]:
        """What would be installed, by name; `options` are uv's.

        Raises UnreadableRequirements, Unresolvable, IndexDown or NotSupported.
        """
        self.uv.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.uv.cache) as work:
            return self._resolve(wanted, Path(work), *options)

    def _resolve(self, wanted: Requirements, work: Path, *options: str) -> tuple[Pinned, ...]:
        lines = self._lines(wanted, work)
        asked_for = ["--format", "pylock.toml", *options]
        if lines is None:
            text = wanted.file.read_text(errors="replace")
            asked = RequirementsText(wanted.file, text, wanted.file)
        else:
            asked = RequirementsText(work / "requirements.txt", lines, wanted.file)
            asked.file.write_text(lines, encoding="utf-8")
            asked_for.append("--no-deps")
        answer = work / "pylock.toml"
        unbuilt = self.uv.compile(asked, self.machine, answer, asked_for, requires=self.requires)
        return tuple(
            replace(pin, instead=_UNBUILT, source_bytes=None)
            if pin.name in unbuilt and not pin.wheel
            else pin
            for pin in read_lock(answer.read_text(encoding="utf-8"), self.machine)
        )

    def _lines(self, wanted: Requirements, work: Path) -> str | None:
        """What a lock pins; None if it is no lock."""
        if wanted.manager == "pipenv":
            return from_pipenv(wanted.file, self.uv.indexes.environ.get)
        if wanted.manager == "poetry":
            return from_poetry(wanted.file)
        if wanted.manager == "uv":
            exported = work / "exported.txt"
            command = [*_EXPORT, "--output-file", str(exported), "--python", sys.executable]
            self.uv.run(command, RequirementsText(wanted.file, "", wanted.file), self.machine)
            return exported.read_text(encoding="utf-8")
        return None
