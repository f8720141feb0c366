"""Servers on this machine: their ports, and their end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress


def free_port() -> int:
    """Return a port on which nothing listens at present."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """Tell whether something accepts connections on `port`."""
    with socket.socket() as connection:
        connection.settimeout(1)
        return connection.connect_ex(("127.0.0.1", port)) == 0


def dying_with_parent() -> list[str]:
    """Return a command prefix that ends a server when the thread that started it ends.

    Servers should not outlive a run that was killed; where util-linux is missing they may.
    """
    program = shutil.which("setpriv")
    return [program, "--pdeathsig", "KILL"] if program else []


def stop(process: subprocess.Popen[bytes], gently: signal.Signals, seconds: float) -> None:
    """End a process that was started in its own session, and all its children."""
    signal_session(process, gently)
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    # Also when it ended in good order: its children may not have.
    signal_session(process, signal.SIGKILL)
    process.wait()


def signal_session(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a process that was started in its own session, and to its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
