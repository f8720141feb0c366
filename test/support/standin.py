"""What the stand-in for heroku/python is told that the real one knows or downloads."""

import os
import re
import shutil
import sys
from pathlib import Path

from support.paths import SHARED_CACHE
from support.python_runtime import prepare

VERSION_LINE = re.compile(r"^\s*(?:cpython-|python-)?(3\.\d+)(?:\.\d+)?\s*$", re.MULTILINE)


def stand_in_variables(build_dir: Path, app_dir: Path, python: str | None) -> dict[str, str]:
    """Return the variables that the stand-in's scripts read, and no other buildpack sees."""
    requested = requested_version(build_dir)
    runtime = prepare(python or requested, SHARED_CACHE / "pythons", fall_back=python is None)
    return {
        # heroku/python has "/app" written into it.
        "STANDIN_APP_DIR": str(app_dir),
        # heroku/python downloads its Pythons.
        "STANDIN_RUNTIME": str(runtime.path),
        "STANDIN_PYTHON_VERSION": runtime.version,
        "STANDIN_REQUESTED_VERSION": requested or "",
        # heroku/python downloads uv.
        "STANDIN_UV": uv_binary() or "",
        # heroku/python keeps no download cache; tests that all install the same wheels do.
        "STANDIN_WHEEL_CACHE": str(SHARED_CACHE / "wheels"),
    }


def requested_version(build_dir: Path) -> str | None:
    """Return the X.Y that the app's `.python-version` asks for, if it does."""
    file = build_dir / ".python-version"
    found = VERSION_LINE.search(file.read_text()) if file.is_file() else None
    return found.group(1) if found else None


def uv_binary() -> str | None:
    """Return the uv of the environment that runs the tests."""
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    return beside or shutil.which("uv", path=os.environ.get("PATH"))
