"""A Dockerfile, carried out without Docker, for those instructions that our examples have.

Each stage is a directory that its commands, in a mount namespace of their own, see as /opt: there
the example has everything it makes. FROM's image is this machine, with a bare Python of that
series first on PATH, and nothing of the developer's environment but the way to the package index.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from slugfit.local.index_access import index_settings
from slugfit.local.python_discovery import find_interpreter
from slugfit.local.servers import dying_with_parent

PREFIX = Path("/opt")
IMAGE = re.compile(r"python:(3\.\d+)-slim-\w+")
# "${@}": what runs once /opt is the stage's.
IN_STAGE = 'mount --bind "${1}" /opt && cd "${2}" && shift 2 && exec "${@}"'
SECONDS = 900
NOT_IN_GIT = shutil.ignore_patterns("__pycache__")


class UnknownInstructionError(Exception):
    """The Dockerfile asks for what this does not do."""


@dataclass
class Stage:
    """An image on its way: its files below /opt, and what its instructions have set."""

    root: Path
    environment: dict[str, str]
    workdir: Path = PREFIX
    command: str = ""

    def at(self, path: str) -> Path:
        """Return where a path of the image is on this machine."""
        return self.root / (self.workdir / path).relative_to(PREFIX)

    def start(self, command: str, **more: str) -> list[str | Path]:
        """Return what runs a shell's command in the image, with nothing else in its environment."""
        self.at(".").mkdir(parents=True, exist_ok=True)
        variables = {**self.environment, **more}
        return [
            *dying_with_parent(),
            *("unshare", "--user", "--map-root-user", "--mount"),
            *("bash", "-c", IN_STAGE, "stage", self.root, self.workdir),
            *("env", "--ignore-environment", *(f"{k}={v}" for k, v in variables.items())),
            *("sh", "-c", command),
        ]


@dataclass
class Image:
    """A `docker build`: its context, what ADD finds where, and the --build-arg."""

    context: Path
    root: Path
    added: Mapping[str, Path]
    arguments: Mapping[str, str]
    stages: dict[str, Stage] = field(default_factory=dict)
    log: str = ""

    def build(self) -> Stage:
        """Carry out all instructions in order; return the last stage."""
        for name, rest in instructions((self.context / "Dockerfile").read_text()):
            carry_out = getattr(self, f"_{name.lower()}", None)
            if carry_out is None:
                raise UnknownInstructionError(f"{name} {rest}")
            carry_out(rest)
        return self._stage

    @property
    def _stage(self) -> Stage:
        return list(self.stages.values())[-1]

    def _from(self, rest: str) -> None:
        image, _, name = rest.partition(" AS ")
        found = IMAGE.fullmatch(image)
        if found is None:
            raise UnknownInstructionError(f"FROM {rest}")
        root = self.root / str(len(self.stages))
        (root / "home").mkdir(parents=True)
        path = f"{find_interpreter(found[1], os.environ).executable.parent}:/usr/bin:/bin"
        own = {"PATH": path, "HOME": str(PREFIX / "home"), **index_settings(os.environ)}
        self.stages[name] = Stage(root, own)

    def _run(self, rest: str) -> None:
        done = subprocess.run(
            self._stage.start(rest),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self.log += done.stdout
        if done.returncode != 0:
            raise RuntimeError(f"RUN {rest}\nended with {done.returncode}:\n{done.stdout}")

    def _workdir(self, rest: str) -> None:
        self._stage.workdir /= rest

    def _arg(self, rest: str) -> None:
        name, _, default = rest.partition("=")
        value = self.arguments.get(name, default)
        if value:
            self._stage.environment[name] = value

    def _env(self, rest: str) -> None:
        name, _, value = rest.partition("=")
        self._stage.environment[name] = Template(value).substitute(self._stage.environment)

    def _cmd(self, rest: str) -> None:
        self._stage.command = rest

    def _add(self, rest: str) -> None:
        source, destination = rest.split()
        for part in ("bin", "lib"):
            shutil.copytree(
                self.added[source] / part, self._stage.at(destination) / part, ignore=NOT_IN_GIT
            )

    def _copy(self, rest: str) -> None:
        *options, name, destination = rest.split()
        if options:
            source = self.stages[options[0].removeprefix("--from=")].at(name)
        else:
            source = self.context / name
        ignored = self._ignored() if not options else None
        target = self._stage.at(destination)
        if source.is_file():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
        else:
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=ignored)

    def _ignored(self) -> Callable[[Any, list[str]], set[str]]:
        return shutil.ignore_patterns(*(self.context / ".dockerignore").read_text().split())


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction and its arguments, lines that go on put together."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, rest = line.strip().partition(" ")
        if name:
            yield name, rest.strip()


def can_run_stages() -> bool:
    """Tell whether this machine lets us have mount namespaces."""
    trial = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return bool(shutil.which("unshare")) and subprocess.run(trial, check=False).returncode == 0
