"""Tries things in fresh processes of the app's Python: imports of modules, loads of libraries."""

from __future__ import annotations

import json
import math
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slugfit.base.process import Finished, run

_CHILD = Path(__file__).with_name("child.py")
_SECONDS_EACH = 30.0
_SECONDS_TOGETHER = 120.0
# What ends its process costs a new one, which imports again what the rest needs.
_PROCESSES = 10


@dataclass(frozen=True)
class Trial:
    """A statement for a Python to run, and its name for people.

    `module` is the module that it imports, if it is about one.
    """

    name: str
    statement: str
    module: str = ""


@dataclass(frozen=True)
class TrialResult:
    """How a trial went. `said` is the last line of what it raised; None when it went well.

    `files` are those that its exception and traceback name, the innermost first.
    """

    said: str | None = None
    seconds: float = 0.0
    files: tuple[str, ...] = ()
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        return self.said is None


def importing(module: str) -> Trial:
    """An import of `module`, a dotted name."""
    statement = f"import importlib; importlib.import_module({module!r})"
    return Trial(f"import {module}", statement, module)


def loading(name: str, library: Path) -> Trial:
    """The dynamic loader takes `library`, and what that is linked with."""
    return Trial(f"load {name}", f"import ctypes; ctypes.CDLL({str(library)!r})")


@dataclass(frozen=True)
class AppInterpreter:
    """The app's Python, and the environment that it runs in.

    `directory` is where it runs, None for an empty one; `paths` are where it looks for
    modules first. The times are for one trial, and for all that are asked together; `until`, on
    the monotonic clock, is when there is no time for any.
    """

    python: Path
    env: Mapping[str, str]
    directory: Path | None = None
    paths: tuple[Path, ...] = ()
    seconds: tuple[float, float] = (_SECONDS_EACH, _SECONDS_TOGETHER)
    until: float = math.inf

    @property
    def is_late(self) -> bool:
        return time.monotonic() >= self.until

    def answers(self, trials: Iterable[Trial]) -> dict[Trial, TrialResult]:
        """How `trials` went, one after the other in one process, as far as that lasts.

        Those that were not reached in time, or after too many crashes, have no answer.
        """
        left = list(trials)
        end = min(time.monotonic() + self.seconds[1], self.until)
        answers: dict[Trial, TrialResult] = {}
        for _ in range(_PROCESSES):
            remaining = end - time.monotonic()
            if not left or remaining <= 0:
                break
            found, last = self._process(left, remaining)
            answers |= zip(left, found, strict=False)
            left = left[len(found) :]
            # Some libraries conflict with each other: a crash among others is no answer.
            if last and (last.timed_out or not found):
                answers[left.pop(0)] = last
        return answers

    def _process(
        self, trials: Sequence[Trial], remaining: float
    ) -> tuple[list[TrialResult], TrialResult | None]:
        """The answers of one process, and that of the trial which ended it, if one did."""
        with tempfile.TemporaryDirectory(prefix="slugfit-") as temporary:
            finished = self._run(trials, Path(temporary), remaining)
            answers = list(_read(Path(temporary, "answers")))[: len(trials)]
        return answers, None if len(answers) == len(trials) else self._last_words(finished)

    def _run(self, trials: Sequence[Trial], temporary: Path, remaining: float) -> Finished:
        asked = {
            "seconds": self.seconds[0],
            "paths": list(map(str, self.paths)),
            "statements": [trial.statement for trial in trials],
        }
        Path(temporary, "trials").write_text(json.dumps(asked), encoding="utf-8")
        argv = [str(self.python), "-B", "-c", _CHILD.read_text(encoding="utf-8"), str(temporary)]
        env = {**self.env, **home_at(temporary / "home")}
        cwd = self.directory or temporary / "home"
        return run(argv, env=env, cwd=cwd, seconds=remaining)

    def _last_words(self, finished: Finished) -> TrialResult | None:
        """What is known of the trial that ended its process; None if time was up for all."""
        if finished.code == -signal.SIGALRM:
            seconds = self.seconds[0]
            return TrialResult(f"took longer than {seconds:g} seconds", seconds, timed_out=True)
        if finished.code is None:
            return None
        said = finished.said
        is_killed = finished.code < 0
        return TrialResult(said if is_killed else f"ended the process: {said or 'no message'}")


def home_at(directory: Path) -> dict[str, str]:
    """The variables of a child that leaves nothing behind: no cache at home, no bytecode."""
    directory.mkdir()
    return {
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "PYTHONNOUSERSITE": "1",
        # The switch -B is not for the children that it starts.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _read(file: Path) -> Iterator[TrialResult]:
    """The answers that a child has written; a line that was cut off is none."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            said = json.loads(line)
            yield TrialResult(said["said"], said["seconds"], tuple(said["files"]))
