"""Which versions the build would install, from which files. uv resolves; nothing is installed."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from slugfit.app.failures import UnreadableRequirements
from slugfit.app.locks import from_pipenv, from_poetry
from slugfit.app.package_manager import Requirements
from slugfit.base.process import Finished, run
from slugfit.forecast.failures import IndexDown, Unresolvable
from slugfit.forecast.indexes import Indexes
from slugfit.forecast.pylock import Pinned, read_lock
from slugfit.packages.target import Machine

_SECONDS = 600.0
_EXPORT = (
    *("export", "--frozen", "--no-default-groups", "--no-emit-project", "--no-hashes"),
    *("--no-header", "--no-annotate", "--quiet", "--format", "requirements.txt"),
)
# What uv says, in the order in which it is asked for.
_UNREADABLE = re.compile(
    r"Couldn't parse|Failed to parse|Unsupported requirement|Unexpected '|Invalid (?:value|URL)"
    r"|[Ee]xpected .* found|No such file|File not found|Error parsing|not a valid"
)
_DOWN = re.compile(
    r"Could not connect|error sending request|Failed to (?:fetch|download)|status (?:client|server)"
    r" error|timed out|dns error|Connection refused"
)
_NONE = re.compile(r"No solution found|Failed to build|depends on itself")
_BUILD = re.compile(r"Failed to (?:download and )?build `([A-Za-z0-9._-]+)==")
_UNBUILT = "only as source, which can't be built here; what it requires is not counted either"
_WITHOUT_REQUIREMENTS = '[[dependency-metadata]]\nname = "{}"\n'
_DRAWING = re.compile(r"^\W+")


@dataclass(frozen=True)
class Resolver:
    """uv, with a cache of its own, for one machine."""

    uv: Path
    cache: Path
    indexes: Indexes
    machine: Machine

    def resolve(self, wanted: Requirements) -> tuple[Pinned, ...]:
        """What would be installed, by name.

        Raises UnreadableRequirements, Unresolvable, IndexDown or NotSupported.
        """
        self.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.cache) as work:
            return self._resolve(wanted, Path(work))

    def _resolve(self, wanted: Requirements, work: Path) -> tuple[Pinned, ...]:
        lines = self._lines(wanted, work)
        source, options = wanted.file, ["--index-strategy", "unsafe-best-match"]
        if lines is not None:
            source = work / "requirements.txt"
            source.write_text(lines, encoding="utf-8")
            options += ["--no-deps"]
        answer = work / "pylock.toml"
        machine = f"x86_64-manylinux_2_{self.machine.glibc}"
        command = [
            *("pip", "compile", str(source), "--format", "pylock.toml", "--output-file"),
            *(str(answer), "--quiet", "--no-header", "--python", sys.executable),
            *("--python-version", self.machine.python, "--python-platform", machine, *options),
        ]
        unbuilt = self._compile(command, wanted, lines or wanted.file.read_text(errors="replace"))
        return tuple(
            replace(pin, instead=_UNBUILT) if pin.name in unbuilt and not pin.wheel else pin
            for pin in read_lock(answer.read_text(encoding="utf-8"), self.machine)
        )

    def _compile(self, command: Sequence[str], wanted: Requirements, text: str) -> list[str]:
        """Run uv until all but those that it returns, and what they require, is resolved.

        These are there as source alone, and what they require would only be known if they could be
        built here.
        """
        unbuilt: list[str] = []
        options: list[str] = []
        while True:
            try:
                self._run([*command, *options], wanted, text)
            except (Unresolvable, IndexDown) as failure:
                failed = _BUILD.search(failure.said)
                if failed is None or failed[1] in unbuilt:
                    raise
                unbuilt.append(failed[1])
                config = Path(command[command.index("--output-file") + 1]).with_name("uv.toml")
                config.write_text("".join(map(_WITHOUT_REQUIREMENTS.format, unbuilt)))
                options = ["--config-file", str(config)]
            else:
                return unbuilt

    def _lines(self, wanted: Requirements, work: Path) -> str | None:
        """What a lock pins; None if it is no lock."""
        if wanted.manager == "pipenv":
            return from_pipenv(wanted.file, self.indexes.environ.get)
        if wanted.manager == "poetry":
            return from_poetry(wanted.file)
        if wanted.manager == "uv":
            exported = work / "exported.txt"
            command = [*_EXPORT, "--output-file", str(exported), "--python", sys.executable]
            self._run(command, wanted, "")
            return exported.read_text(encoding="utf-8")
        return None

    def _run(self, command: Sequence[str], wanted: Requirements, text: str) -> None:
        env = self.indexes.for_uv(self.cache, text)
        argv = [str(self.uv), *command]
        finished = run(argv, env=env, cwd=wanted.file.parent, seconds=_SECONDS)
        if not finished.ok:
            raise _failure(finished, wanted, self.machine)


def find_uv() -> Path:
    """The program that the group `predict` has installed."""
    uv = import_module("uv")
    return Path(uv.__file__ or "").parent.parent / "bin" / "uv"


def _failure(
    finished: Finished, wanted: Requirements, machine: Machine
) -> UnreadableRequirements | Unresolvable | IndexDown:
    lines = [_DRAWING.sub("", line) for line in finished.tail if not line.startswith("warning")]
    said = "\n".join(lines) or finished.said
    if finished.code is None or (_DOWN.search(said) and not _NONE.search(said)):
        return IndexDown(said)
    if _UNREADABLE.search(said) and not _NONE.search(said):
        return UnreadableRequirements(str(wanted.file), said)
    name = f"Python {machine.python} on Linux with glibc 2.{machine.glibc}"
    return Unresolvable(str(wanted.file), name, said)
