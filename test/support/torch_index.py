"""PyTorch's index for processors, on this machine: what PIP_EXTRA_INDEX_URL names on Heroku.

    with TorchIndex() as index:
        App("flask_torchscript", config={"PIP_EXTRA_INDEX_URL": index.url}).deploy()

It serves one wheel, which is found as a developer's own pip finds it, and kept for later tests.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from support.paths import SHARED_CACHE
from support.python_discovery import find_interpreter

TORCH = "torch==2.13.0"
SERIES = "3.11"
ELSEWHERE = "https://download.pytorch.org/whl/cpu"


class NoWheelError(Exception):
    """No index that this machine reaches has a build of torch for processors."""


class TorchIndex:
    """The server; a context manager. Raises NoWheelError where there is nothing to serve."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> "TorchIndex":
        serving = partial(_Quiet, directory=str(_wheel().parents[1]))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), serving)
        thread = Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(self._server.server_close)
        self._stack.callback(self._server.shutdown)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """What pip takes as an index."""
        return f"http://127.0.0.1:{self._server.server_port}/"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


def _wheel() -> Path:
    """Return the wheel, in a directory that lists as an index does."""
    folder = SHARED_CACHE / "torch-index" / "torch"
    kept = sorted(folder.glob("*.whl")) if folder.is_dir() else []
    return kept[0] if kept else _fetch(folder)


def _fetch(folder: Path) -> Path:
    # Asked before: what most people's pip would find is for GPUs, and gigabytes.
    options = next((o for o in ([], ["--extra-index-url", ELSEWHERE]) if _is_for_cpus(o)), None)
    if options is None:
        raise NoWheelError(f"no index here has {TORCH}+cpu")
    partial_ = folder.with_name("partial")
    shutil.rmtree(partial_, ignore_errors=True)
    _pip("download", "--no-deps", "--quiet", "--dest", str(partial_), *options, TORCH)
    partial_.rename(folder)
    return next(folder.glob("*.whl"))


def _is_for_cpus(options: Sequence[str]) -> bool:
    asking = ("install", "--dry-run", "--ignore-installed", "--no-deps", "--report", "-")
    report = json.loads(_pip(*asking, "--quiet", *options, TORCH))
    url: str = report["install"][0]["download_info"]["url"]
    return "+cpu" in unquote(urlsplit(url).path)


def _pip(*arguments: str) -> str:
    python = find_interpreter(SERIES).executable
    done = subprocess.run(
        [python, "-m", "pip", *arguments], stdout=subprocess.PIPE, check=False, text=True
    )
    if done.returncode != 0:
        raise NoWheelError(f"pip does not find {TORCH}")
    return done.stdout
