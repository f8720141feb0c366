"""The stand-in for heroku/python, and the variables that pass it what the real one downloads."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from slugfit.app.package_manager import Requirements, find_requirements
from slugfit.app.python_version import PythonVersion, python_for
from slugfit.base.errors import Failure, render
from slugfit.local.buildpack import Buildpack, BuildRequest
from slugfit.local.failures import NoInstaller
from slugfit.local.python_discovery import (
    InstalledPython,
    PythonNotFoundError,
    find_interpreter,
    running_interpreter,
)
from slugfit.local.python_runtime import prepare


def uv_binary(environ: Mapping[str, str]) -> str | None:
    """Return the uv of the environment that runs this, or else the one on PATH."""
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    return beside or shutil.which("uv", path=environ.get("PATH", os.defpath))


def installable(app: Path) -> Requirements:
    """What the stand-in installs from. Raises failures, for what heroku/python refuses, too."""
    found = find_requirements(app)
    if found.manager not in ("pip", "uv"):
        raise NoInstaller(found.file)
    return found


def _variables(request: BuildRequest) -> dict[str, str]:
    """Return the variables that the stand-in's scripts read, and no other buildpack sees."""
    try:
        manager = installable(request.build_dir).manager
        version = request.python or python_for(request.build_dir, manager)
    except Failure as refused:
        return {"STANDIN_REFUSAL": "\n".join(render(refused))}
    host = request.host
    runtime = prepare(_interpreter(version, request), host.pythons)
    return {
        # heroku/python has "/app" written into it.
        "STANDIN_APP_DIR": str(request.app_dir),
        "STANDIN_PACKAGE_MANAGER": manager,
        # heroku/python downloads its Pythons.
        "STANDIN_RUNTIME": str(runtime.path),
        "STANDIN_PYTHON_VERSION": runtime.version,
        "STANDIN_REQUESTED_VERSION": version.series,
        "STANDIN_REQUESTED_IN": version.origin,
        # heroku/python downloads uv.
        "STANDIN_UV": uv_binary(host.environ) or "",
        # heroku/python keeps no download cache; builds on one machine have theirs in common.
        "STANDIN_WHEEL_CACHE": str(host.wheels),
    }


def _interpreter(version: PythonVersion, request: BuildRequest) -> InstalledPython:
    """Return one of this version; without an override, the running one if there is none."""
    if request.python:
        return find_interpreter(version.series, request.host.environ)
    with suppress(PythonNotFoundError):
        if version.origin:
            return find_interpreter(version.series, request.host.environ)
    return running_interpreter()


HEROKU_PYTHON = Buildpack(Path(__file__).with_name("python"), "heroku/python", variables=_variables)
