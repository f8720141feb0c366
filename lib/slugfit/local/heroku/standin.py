"""The stand-in for heroku/python, and what it is told that the real one knows or downloads."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from slugfit.local.heroku.buildpack import Buildpack, BuildRequest
from slugfit.local.heroku.python_discovery import (
    Interpreter,
    PythonNotFoundError,
    find_interpreter,
    running_interpreter,
)
from slugfit.local.heroku.python_runtime import prepare

VERSION_LINE = re.compile(r"^\s*(?:cpython-|python-)?(3\.\d+)(?:\.\d+)?\s*$", re.MULTILINE)


def requested_version(build_dir: Path) -> str | None:
    """Return the X.Y that the app's `.python-version` asks for, if it does."""
    file = build_dir / ".python-version"
    found = VERSION_LINE.search(file.read_text()) if file.is_file() else None
    return found.group(1) if found else None


def uv_binary(environ: Mapping[str, str]) -> str | None:
    """Return the uv of the environment that runs this, or else the one on PATH."""
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    return beside or shutil.which("uv", path=environ.get("PATH", os.defpath))


def _variables(request: BuildRequest) -> dict[str, str]:
    """Return the variables that the stand-in's scripts read, and no other buildpack sees."""
    host = request.host
    requested = requested_version(request.build_dir)
    runtime = prepare(_interpreter(request.python, requested, host.environ), host.pythons)
    return {
        # heroku/python has "/app" written into it.
        "STANDIN_APP_DIR": str(request.app_dir),
        # heroku/python downloads its Pythons.
        "STANDIN_RUNTIME": str(runtime.path),
        "STANDIN_PYTHON_VERSION": runtime.version,
        "STANDIN_REQUESTED_VERSION": requested or "",
        # heroku/python downloads uv.
        "STANDIN_UV": uv_binary(host.environ) or "",
        # heroku/python keeps no download cache; builds on one machine have theirs in common.
        "STANDIN_WHEEL_CACHE": str(host.wheels),
    }


def _interpreter(
    chosen: str | None, requested: str | None, environ: Mapping[str, str]
) -> Interpreter:
    """Return the chosen X.Y; the requested one, or the running one where that is not here."""
    if chosen:
        return find_interpreter(chosen, environ)
    with suppress(PythonNotFoundError):
        if requested:
            return find_interpreter(requested, environ)
    return running_interpreter()


HEROKU_PYTHON = Buildpack(Path(__file__).with_name("python"), "heroku/python", variables=_variables)
