"""The app's own check, `strip.smoke`: the last word on a strip."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slugfit.base.errors import Explanation, Failure
from slugfit.base.process import Finished, run
from slugfit.strip.trials.trial import home_at

_SECONDS = 300.0
_LINES = 20
_COLUMNS = 160


class SmokeFailed(Failure):
    """The check fails with all packages restored: not because of the strip."""

    id = "strip::smoke-failed"

    def __init__(self, command: str, finished: Finished) -> None:
        self.command = command
        self.finished = finished

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app's own check fails, with every package restored.",
            where=self.command,
            evidence=(_ending(self.finished), *_last_lines(self.finished)),
            why="It is strip.smoke in the configuration. Slugfit restored everything that it had\n"
            "removed and ran the check again: the strip is not the cause.",
            fixes=(
                f"Run it in the app's directory, where its packages are installed:\n{self.command}",
                "Make it work without config vars and add-ons: a build has none of them.",
                "To build without the check, delete smoke from [strip] in slugfit.toml.",
            ),
        )


@dataclass(frozen=True)
class Smoke:
    """A shell command that exits with 0 if the app works, run in the directory `app`."""

    command: str
    app: Path
    python: Path
    env: Mapping[str, str]
    seconds: float = _SECONDS

    def run(self) -> Finished:
        """Run it once, to its end or for `seconds`."""
        with tempfile.TemporaryDirectory(prefix="slugfit-") as temporary:
            path = os.pathsep.join(filter(None, (str(self.python.parent), self.env.get("PATH"))))
            env = {**self.env, "PATH": path, **home_at(Path(temporary, "home"))}
            argv = ["bash", "-c", self.command]
            return run(argv, env=env, cwd=self.app, seconds=self.seconds, with_stdout=True)


def _ending(finished: Finished) -> str:
    if finished.code is None or finished.code < 0:
        return finished.said
    return f"ended with status {finished.code}"


def _last_lines(finished: Finished) -> tuple[str, ...]:
    """The end of the output, indented to set it apart."""
    return tuple(f"  {line[:_COLUMNS]}" for line in finished.tail[-_LINES:])
