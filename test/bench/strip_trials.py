"""What an app does with its packages: tried before and after a strip."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.strip_stacks import Installed
from bench.strip_sweep import Environment
from bench.strip_tools import WORKLOADS

SECONDS = 300.0
SCRIPT = "script "
METADATA = """
import json
from importlib.metadata import distributions, entry_points, version
names = sorted({d.metadata["Name"] for d in distributions() if d.metadata["Name"]})
found = {f"version of {name}": version(name) for name in names}
found["entry points"] = repr(sorted(str(point) for point in entry_points()))
print(json.dumps(found))
"""
ENTRANCE = re.compile(r"^\s*from ([\w.]+) import", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """Whether something works, and what it said."""

    works: bool
    said: str


# By what was tried.
Outcomes = Mapping[str, Outcome]


def try_out(installed: Installed, environment: Environment) -> Outcomes:
    """Try all that is tried."""
    trial = Trial(installed, environment)
    return {
        **trial.workload(),
        **trial.metadata(),
        **trial.pip_check(),
        **trial.scripts(),
        **trial.request(),
    }


def failures(before: Outcomes, after: Outcomes) -> dict[str, str]:
    """Return what worked before and does not, or says something else, with what it says.

    A script is not there to be tried where the module that it starts was removed.
    """
    gone = Outcome(works=False, said="is not there")
    return {
        name: after.get(name, gone).said
        for name, outcome in before.items()
        if outcome.works and after.get(name, gone) != outcome
        if name in after or not name.startswith(SCRIPT)
    }


@dataclass(frozen=True)
class Trial:
    """Tries a stack in fresh processes."""

    installed: Installed
    environment: Environment

    def workload(self) -> Outcomes:
        """Run the stack's workload."""
        done = self._python(str(self._app))
        with suppress(ValueError, IndexError):
            results: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
            return {f"workload: {name}": _outcome(said) for name, said in results.items()}
        return {"workload": Outcome(works=False, said=_last_line(done))}

    def metadata(self) -> Outcomes:
        """Ask importlib.metadata for what is installed."""
        done = self._python("-c", METADATA)
        if done.returncode:
            return {"metadata": Outcome(works=False, said=_last_line(done))}
        found: dict[str, str] = json.loads(done.stdout)
        return {name: Outcome(works=True, said=said) for name, said in found.items()}

    def pip_check(self) -> Outcomes:
        """Let pip look for what is missing: not the stack's own, which may be away on purpose."""
        pip = ["-m", "pip", "--python", str(self.installed.python), "check"]
        done = self._run([sys.executable, *pip])
        return {"pip check": Outcome(works=done.returncode == 0, said=done.stdout)}

    def scripts(self) -> Outcomes:
        """Ask every console script for its help; not those whose module is gone on purpose."""
        return {
            f"{SCRIPT}{script.name}": self._help(script)
            for script in sorted(self.installed.python.parent.iterdir())
            if self._entrance(script)
        }

    def request(self) -> Outcomes:
        """Ask the app, under gunicorn, for an answer."""
        with TemporaryDirectory(prefix="slugfit-bench-") as home:
            address = Path(home, "socket")
            gunicorn = ["-m", "gunicorn", "--bind", f"unix:{address}", "--timeout", "300"]
            where = ["--chdir", str(WORKLOADS), "--worker-tmp-dir", home, f"{self._app.stem}:app"]
            command = [str(self.installed.python), *gunicorn, *where]
            server = subprocess.Popen(
                command,
                env=self.environment(home),
                cwd=home,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                status = _ask(address, server)
            finally:
                server.terminate()
                server.wait()
        return {"gunicorn": Outcome(works=status == 200, said=f"status {status}")}

    @property
    def _app(self) -> Path:
        return WORKLOADS / f"{self.installed.stack}_app.py"

    def _entrance(self, script: Path) -> bool:
        """Tell whether a file is a script that starts a module of site-packages."""
        if script.is_symlink():
            return False
        text = script.read_text(errors="replace")
        module = ENTRANCE.search(text) if text.startswith("#!") else None
        return module is not None and any(self._sources(module[1]))

    def _sources(self, module: str) -> Iterator[Path]:
        place = self.installed.site.joinpath(*module.split("."))
        found = (place / "__init__.py", *place.parent.glob(f"{place.name}.*"))
        yield from (path for path in found if path.exists())

    def _help(self, script: Path) -> Outcome:
        # Its first line names the Python of the stack that this is a copy of.
        done = self._python(str(script), "--help")
        works = done.returncode == 0
        return Outcome(works, "" if works else _last_line(done))

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([str(self.installed.python), *arguments])

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        with TemporaryDirectory(prefix="slugfit-bench-") as home:
            try:
                return subprocess.run(
                    command,
                    env=self.environment(home),
                    cwd=home,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return subprocess.CompletedProcess(command, -1, "", "took too long")


def _outcome(said: str | None) -> Outcome:
    return Outcome(works=said is None, said=said or "")


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"ended with {done.returncode}"


def _ask(address: Path, server: subprocess.Popen[bytes]) -> int:
    """Return the status of an answer, or 0 if there is none."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError, http.client.HTTPException), _connect(address) as connection:
            # The host is one that Flask trusts; the way is the socket's.
            request = http.client.HTTPConnection("localhost")
            request.sock = connection
            request.request("GET", "/")
            return request.getresponse().status
        time.sleep(0.1)
    return 0


def _connect(address: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(SECONDS)
        connection.connect(str(address))
    except OSError:
        connection.close()
        raise
    return connection
