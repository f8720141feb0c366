"""The sweep: every module of a site-packages, imported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

IMPORTER = Path(__file__).with_name("strip_importer.py")
LANES = 2
MODULE_SECONDS = 20.0
LANE_SECONDS = 3600.0
# So many failures are looked at again, each in a process that nothing was forked from.
SECOND_LOOKS = 60
ALONE = "import importlib, os, sys; importlib.import_module(sys.argv[1]); os._exit(0)"
NO_ANSWER = "no answer: it hung, or ended its process"

# A module's name, and what Python said where it did not import.
Answers = Mapping[str, "str | None"]


@dataclass(frozen=True)
class Environment:
    """The Python whose packages are imported, and the variables that it gets."""

    python: Path
    variables: Mapping[str, str]

    def __call__(self, home: str) -> dict[str, str]:
        """Return the variables of a process that may write only to `home`."""
        return {
            **self.variables,
            **dict.fromkeys(("HOME", "TMPDIR"), home),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONNOUSERSITE": "1",
            # Threads that a fork would lose, and that two lanes have no processors for.
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
        }


def modules(site: Path) -> dict[str, list[Path]]:
    """Return what can be imported from a site-packages by a dotted name, and its files."""
    found: dict[str, list[Path]] = {}
    for path in sorted(_files(site)):
        if name := _name(path.relative_to(site)):
            found.setdefault(name, []).append(path)
    return found


def _files(site: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(site):
        yield from (Path(directory, name) for name in names if name.endswith((".py", ".so")))


def _name(path: Path) -> str | None:
    *parents, last = path.parts
    stem = last.removesuffix(".py") if last.endswith(".py") else last.partition(".")[0]
    parts = parents if stem == "__init__" and parents else [*parents, stem]
    importable = stem != "__main__" and all(part.isidentifier() for part in parts)
    return ".".join(parts) if importable else None


def sweep(names: Iterable[str], environment: Environment) -> Answers:
    """Import modules, and return what came of each.

    Those that give no answer are tried again alone: a fork may lack a thread that it waits for.
    """
    wanted = sorted(names)
    lanes = [[name for name in wanted if _lane(name) == lane] for lane in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        answers = {
            name: said
            for lane in pool.map(lambda lane: _run_lane(lane, environment), lanes)
            for name, said in lane
        }
    silent = [name for name in wanted if name not in answers]
    return {**answers, **look_again(silent, environment)}


def look_again(names: Iterable[str], environment: Environment) -> Answers:
    """Import each module in a process of its own."""
    ordered = sorted(names)
    with ThreadPoolExecutor(LANES) as pool:
        said = pool.map(lambda name: _alone(name, environment), ordered)
        return dict(zip(ordered, said, strict=True))


def broken(answers: Answers, environment: Environment) -> dict[str, str]:
    """Return the modules that do not import, of some that once did; few are confirmed."""
    failed = {name: said for name, said in answers.items() if said is not None}
    if len(failed) <= SECOND_LOOKS:
        failed = {n: s for n, s in look_again(failed, environment).items() if s is not None}
    return failed


def _lane(name: str) -> int:
    """Keep the modules of a package together: its import is what they share."""
    return crc32(name.rpartition(".")[0].encode()) % LANES


def _run_lane(names: list[str], environment: Environment) -> list[tuple[str, str | None]]:
    with TemporaryDirectory(prefix="slugfit-bench-") as home:
        report = Path(home, "report")
        report.touch()
        command = [str(environment.python), str(IMPORTER), str(report), str(MODULE_SECONDS)]
        _run(command, environment, home, seconds=LANE_SECONDS, stdin="\n".join(names))
        return [json.loads(line) for line in report.read_text().splitlines()]


def _alone(name: str, environment: Environment) -> str | None:
    with TemporaryDirectory(prefix="slugfit-bench-") as home:
        command = [str(environment.python), "-c", ALONE, name]
        code, said = _run(command, environment, home, seconds=MODULE_SECONDS)
        return None if code == 0 else said or NO_ANSWER


def _run(
    command: list[str], environment: Environment, home: str, *, seconds: float, stdin: str = ""
) -> tuple[int, str]:
    """Run a command in a directory of its own; return its code, and the last line of stderr."""
    errors = Path(home, "stderr")
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            env=environment(home),
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
        try:
            process.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"{command[-1]} took longer than {seconds:.0f} s\n")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    lines = errors.read_text(errors="replace").strip().splitlines()
    return process.returncode, lines[-1] if lines else ""
