"""PyTorch's index for processors, on this machine: what PIP_EXTRA_INDEX_URL names on Heroku.

    with TorchIndex() as index:
        App("flask_torchscript", config={"PIP_EXTRA_INDEX_URL": index.url}).deploy()

It serves one wheel, which is found as a developer's own pip finds it, and kept for later tests;
in ranges, and with its checksum, as the real one does.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from slugfit.local.python_discovery import find_interpreter
from support.file_handler import FileHandler, StoredFile
from support.paths import SHARED_CACHE
from support.recording import RecordingServer

TORCH = "torch==2.13.0"
SERIES = "3.11"
ELSEWHERE = "https://download.pytorch.org/whl/cpu"
_PIECE_BYTES = 1024 * 1024


class NoWheelError(Exception):
    """No index that this machine reaches has a build of torch for processors."""


class TorchIndex(RecordingServer):
    """The server; a context manager. Raises NoWheelError where there is nothing to serve."""

    def __init__(self) -> None:
        wheel = _wheel()
        checksum = hashlib.sha256()
        with wheel.open("rb") as content:
            for piece in iter(partial(content.read, _PIECE_BYTES), b""):
                checksum.update(piece)
        file = StoredFile(wheel, wheel.stat().st_size, checksum.hexdigest())
        super().__init__(partial(_Handler, file))

    @property
    def url(self) -> str:
        """What pip takes as an index."""
        return f"http://127.0.0.1:{self.port}/"


class _Handler(FileHandler):
    def __init__(self, wheel: StoredFile, *connection: Any) -> None:
        self._wheel = wheel
        super().__init__(*connection)

    def do_GET(self) -> None:  # noqa: N802 -- the name that http.server looks for
        name, checksum = self._wheel.path.name, self._wheel.etag
        if self.path == "/torch/":
            link = f'<a href="{quote(name)}#sha256={checksum}">{name}</a>'
            self.send_document(200, link.encode(), {"Content-Type": "text/html"})
        elif unquote(self.path) == f"/torch/{name}":
            self.send_file(self._wheel)
        else:
            self.send_document(404, b"")

    def do_HEAD(self) -> None:  # noqa: N802 -- the name that http.server looks for
        self.do_GET()


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
    python = find_interpreter(SERIES, os.environ).executable
    done = subprocess.run(
        [python, "-m", "pip", *arguments], stdout=subprocess.PIPE, check=False, text=True
    )
    if done.returncode != 0:
        raise NoWheelError(f"pip does not find {TORCH}")
    return done.stdout
