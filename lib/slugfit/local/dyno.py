"""Dynos: a fresh home from the slug, `.profile.d`, then a command under bash."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slugfit.base.heroku import BOOT_SECONDS
from slugfit.local.client import Client, Response
from slugfit.local.scripts import stream_script
from slugfit.local.servers import free_port, is_listening, stop
from slugfit.local.transcript import Transcript, without_colours

STOP_SECONDS = 10.0

# The command runs in the shell that sourced the profile scripts, as on Heroku: a shell option
# that one of them sets is then on for the app as well.
START = """
for script in .profile.d/*.sh; do [[ ! -f "${script}" ]] || source "${script}"; done
unset -v script
[[ ! -f .profile ]] || source .profile
eval "${1}"
"""


class DynoCrashed(Exception):  # noqa: N818 (reads as Heroku says it)
    """The web process ended, or did not bind its port in time; carries what it printed."""


@dataclass(frozen=True)
class RunResult:
    """What a one-off dyno printed, and how it ended."""

    output: str
    status: int

    @property
    def succeeded(self) -> bool:
        """Whether the exit status is 0."""
        return self.status == 0


def shell_command(command: str) -> list[str]:
    """Return the program that a dyno starts for `command`."""
    return ["bash", "--noprofile", "--norc", "-c", START, "dyno", command]


def run_in_dyno(home: Path, command: str, env: Mapping[str, str], timeout: float) -> RunResult:
    """Run `command` in the dyno whose home is unpacked at `home`."""
    transcript = Transcript()
    status = stream_script(
        shell_command(command), env=env, cwd=home, write=transcript.write, timeout=timeout
    )
    return RunResult(transcript.plain, status)


class WebDyno(Client):
    """A running web process; a context manager that stops it."""

    def __init__(
        self,
        home: Path,
        command: str,
        env: Mapping[str, str],
        log: Path,
        on_stop: Callable[[], None],
    ) -> None:
        super().__init__(free_port())
        self._log = log
        self._on_stop = on_stop
        self._stopped = False
        self._started = time.monotonic()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                shell_command(command),
                cwd=home,
                env={**env, "PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> WebDyno:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def output(self) -> str:
        """What the process has printed so far, colours removed."""
        return without_colours(self._log.read_text(errors="replace"))

    def wait_until_bound(self, seconds: float = BOOT_SECONDS) -> float:
        """Wait until the process accepts connections; return how long its boot took."""
        while not is_listening(self.port):
            if self._process.poll() is not None:
                raise DynoCrashed(f"H10: the web process ended while booting:\n{self.output}")
            if time.monotonic() - self._started > seconds:
                raise DynoCrashed(
                    f"R10: the web process did not bind $PORT within {seconds:.0f} seconds:\n"
                    f"{self.output}"
                )
            time.sleep(0.05)
        return time.monotonic() - self._started

    def request(self, method: str, path: str, **options: Any) -> Response:
        """Send a request to the web process; an ended one says what it printed."""
        if self._process.poll() is not None:
            raise DynoCrashed(f"H10: the web process has ended:\n{self.output}")
        return super().request(method, path, **options)

    def stop(self) -> None:
        """Stop the process as a dyno restart does: SIGTERM for all, SIGKILL for what stays."""
        if not self._stopped:
            self._stopped = True
            stop(self._process, signal.SIGTERM, STOP_SECONDS)
            self._on_stop()
