"""The app's own check, `strip.smoke`: the last word on a strip."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slugfit.errors import Explanation, Failure
from slugfit.process import Finished, run
from slugfit.strip.trials.trial import home_at

_SECONDS = 300.0
_LINES = 20
_COLUMNS = 160


class SmokeFailed(Failure):
    """The check fails with all packages whole: not for what was stripped."""

    id = "strip::smoke-failed"

    def __init__(self, command: str, finished: Finished) -> None:
        self.command = command
        self.finished = finished

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app's own check fails, with every package whole.",
            where=self.command,
            evidence=(_ending(self.finished), *_last_lines(self.finished)),
            why="It is strip.smoke in the configuration. Slugfit has put back all that it had\n"
            "removed and run it again: what fails is not the strip's fault.",
            fixes=(
                f"Run it in the app's directory, where its packages are installed:\n{self.command}",
                "Let it do without config vars and add-ons: a build has none of them.",
                "To build without the check, take smoke out of [strip] in slugfit.toml.",
            ),
        )


@dataclass(frozen=True)
class Smoke:
    """A shell command that ends with 0 when the app works, run in the directory `app`."""

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
    """What a reader needs of the output, indented so that it is known for what it is."""
    return tuple(f"  {line[:_COLUMNS]}" for line in finished.tail[-_LINES:])
