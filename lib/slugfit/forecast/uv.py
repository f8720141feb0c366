"""uv, asked what a requirements file resolves to. Nothing is installed."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from slugfit.app.failures import UnreadableRequirements
from slugfit.base.process import Finished, run
from slugfit.forecast.failures import IndexDown, Unresolvable
from slugfit.forecast.indexes import Indexes
from slugfit.packages.target import Machine

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
_BUILD = re.compile(r"Failed to (?:download and )?build `([A-Za-z0-9._-]+)==([^`\s]+)`")
_METADATA = '[[dependency-metadata]]\nname = "{}"\nversion = "{}"\nrequires-dist = {}\n'
_MOST_UNBUILT = 20
_DRAWING = re.compile(r"^\W+")


class OutOfTimeError(Exception):
    """The time is over, or the index does not answer."""


@dataclass(frozen=True)
class RequirementsText:
    """A file of requirements: `text` is its content.

    `origin` is the app's file that it was made of, which failures name. Relative paths are relative
    to that file's directory.
    """

    file: Path
    text: str
    origin: Path


@dataclass(frozen=True)
class Uv:
    """The program, with a cache of its own. A run may take `seconds`."""

    program: Path
    cache: Path
    indexes: Indexes
    seconds: float = 600.0

    def compile(
        self,
        asked: RequirementsText,
        machine: Machine,
        answer: Path,
        options: Sequence[str] = (),
        requires: Callable[[str, str], Sequence[str]] | None = None,
    ) -> Mapping[str, Sequence[str]]:
        """Resolve `asked` into `answer`.

        Returns what is there as source alone and can't be built here, with what it was taken to
        require: what `requires` says of its name and version, or nothing. Raises
        UnreadableRequirements, Unresolvable or IndexDown.
        """
        command = [
            *("pip", "compile", str(asked.file), "--output-file", str(answer)),
            *("--quiet", "--no-header", "--python", sys.executable),
            *("--python-version", machine.python),
            *("--python-platform", f"x86_64-manylinux_2_{machine.glibc}"),
            *("--index-strategy", "unsafe-best-match", *options),
        ]
        unbuilt: dict[tuple[str, str], Sequence[str]] = {}
        while True:
            try:
                self.run(command, asked, machine)
            except (Unresolvable, IndexDown) as failure:
                failed = _BUILD.search(failure.said)
                if failed is None or failed.groups() in unbuilt or len(unbuilt) == _MOST_UNBUILT:
                    raise
                if not unbuilt:
                    config = answer.with_name("uv.toml")
                    command += ["--config-file", str(config)]
                unbuilt[failed[1], failed[2]] = requires(failed[1], failed[2]) if requires else ()
                config.write_text(_metadata(unbuilt), encoding="utf-8")
            else:
                return {name: found for (name, _), found in unbuilt.items()}

    def answer(
        self, text: str, origin: Path, machine: Machine, options: Sequence[str], deadline: float
    ) -> str:
        """What requirements in a text resolve to, before `deadline` of time.monotonic.

        Raises OutOfTimeError, or as `compile`.
        """
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise OutOfTimeError
        with tempfile.TemporaryDirectory(dir=self.cache) as work:
            asked = RequirementsText(Path(work, "requirements.in"), text, origin)
            asked.file.write_text(text, encoding="utf-8")
            # uv insists on this name for this format.
            answer = Path(work, "pylock.toml" if "pylock.toml" in options else "answer.txt")
            replace(self, seconds=seconds).compile(asked, machine, answer, options)
            return answer.read_text(encoding="utf-8")

    def run(self, command: Sequence[str], asked: RequirementsText, machine: Machine) -> None:
        """One run. Raises UnreadableRequirements, Unresolvable or IndexDown."""
        env = self.indexes.for_uv(self.cache, asked.text)
        argv = [str(self.program), *command]
        finished = run(argv, env=env, cwd=asked.origin.parent, seconds=self.seconds)
        if not finished.ok:
            raise _failure(finished, str(asked.origin), machine)


def _metadata(unbuilt: Mapping[tuple[str, str], Sequence[str]]) -> str:
    """The settings that tell uv what distributions require, as TOML."""
    return "".join(
        _METADATA.format(name, version, json.dumps(list(requires)))
        for (name, version), requires in unbuilt.items()
    )


def find_uv() -> Path:
    """The program that the group `predict` has installed."""
    uv = import_module("uv")
    return Path(uv.__file__ or "").parent.parent / "bin" / "uv"


def _failure(
    finished: Finished, file: str, machine: Machine
) -> UnreadableRequirements | Unresolvable | IndexDown:
    lines = [_DRAWING.sub("", line) for line in finished.tail if not line.startswith("warning")]
    said = "\n".join(lines) or finished.said
    if finished.code is None or (_DOWN.search(said) and not _NONE.search(said)):
        return IndexDown(said)
    if _UNREADABLE.search(said) and not _NONE.search(said):
        return UnreadableRequirements(file, said)
    name = f"Python {machine.python} on Linux with glibc 2.{machine.glibc}"
    return Unresolvable(file, name, said)
