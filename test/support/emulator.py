"""An emulator of a store: a process of its own that listens on a port of the loopback interface."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from slugfit.local.servers import dying_with_parent, is_listening, stop

START_SECONDS = 30.0
STOP_SECONDS = 5.0


class Emulator:
    """The process; a context manager that is entered when it listens."""

    def __init__(
        self, command: Sequence[str], *, port: int, folder: Path, env: Mapping[str, str]
    ) -> None:
        self.port = port
        self._command = command
        self._log = folder / "emulator.log"
        self._env = {"HOME": str(folder), **env}

    def __enter__(self) -> Emulator:
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [*dying_with_parent(), *self._command],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        stop(self._process, signal.SIGTERM, STOP_SECONDS)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not is_listening(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the emulator did not start:\n{self._log.read_text()}")
            time.sleep(0.05)
