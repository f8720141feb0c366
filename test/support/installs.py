"""What the stand-in's pip has installed, kept from one test to the next.

A build copies a Python that has the app's packages already; its pip then finds nothing to do. The
tests of the stand-in, and whoever asks for it, have pip do everything.
"""

from __future__ import annotations

import base64
import csv
import fcntl
import hashlib
import io
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from slugfit.local.buildpack import Buildpack, BuildRequest
from slugfit.local.environment import PLAIN_PATH
from slugfit.local.index_access import index_settings
from slugfit.local.stand_in import HEROKU_PYTHON
from support.paths import SHARED_CACHE

INSTALLS = SHARED_CACHE / "installs"
# Options, paths and URLs depend on more than their text.
_PLAIN = re.compile(r"[A-Za-z0-9][^/\\@]*|#.*|")


def with_packages(scratch: Path) -> Buildpack:
    """The stand-in for heroku/python, with packages from INSTALLS; `scratch` is on their disk."""

    def variables(request: BuildRequest) -> Mapping[str, str]:
        found = dict(HEROKU_PYTHON.variables(request))
        if found.get("STANDIN_PACKAGE_MANAGER") != "pip":
            return found
        text = _requirements(request.build_dir)
        if text is not None:
            # What pip refuses here, it is to refuse in the build.
            with suppress(subprocess.CalledProcessError):
                installed = _installed(Path(found["STANDIN_RUNTIME"]), text, request)
                found["STANDIN_RUNTIME"] = str(_moved(installed, scratch, request.app_dir))
        return found

    return replace(HEROKU_PYTHON, variables=variables)


def _requirements(app: Path) -> str | None:
    """The text of requirements.txt, if nothing else decides on what it installs."""
    text = (app / "requirements.txt").read_text(encoding="utf-8", errors="replace")
    return text if all(_PLAIN.fullmatch(line) for line in text.splitlines()) else None


def _installed(runtime: Path, requirements: str, request: BuildRequest) -> Path:
    """The Python with these packages; made by the first build that asks for it."""
    key = hashlib.sha256(f"{runtime.name}\n{requirements}".encode()).hexdigest()[:16]
    tree = INSTALLS / key
    with _locked(INSTALLS / f"{key}.lock"):
        if not tree.exists():
            with tempfile.TemporaryDirectory(dir=INSTALLS) as scratch:
                made = Path(scratch, "python")
                _install(runtime, made, requirements, request)
                made.rename(tree)
                (INSTALLS / f"{key}.from").write_text(str(made))
    return tree


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(runtime: Path, made: Path, requirements: str, request: BuildRequest) -> None:
    subprocess.run(["cp", "--archive", runtime, made], check=True)
    listed = made.with_name("requirements.txt")
    listed.write_text(requirements)
    (wheel,) = made.glob("lib/python3.*/ensurepip/_bundled/pip-*.whl")
    python = made / "bin/python"
    env = {
        "PATH": f"{made}/bin:{PLAIN_PATH}",
        "HOME": str(made.parent),
        "PYTHONHOME": str(made),
        "LD_LIBRARY_PATH": str(made / "lib"),
        "PIP_CACHE_DIR": str(request.host.wheels / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "LANG": "C.UTF-8",
        **index_settings(os.environ),
    }
    quiet = ("--no-input", "--quiet", "--quiet", "--quiet")
    for command in (
        [python, wheel / "pip", "install", "--no-index", *quiet, wheel],
        [python, "-m", "pip", "install", *quiet, "--requirement", listed],
    ):
        subprocess.run(list(map(str, command)), env=env, check=True)


def _moved(tree: Path, scratch: Path, app_dir: Path) -> Path:
    """The same tree by hard links, which are only copied from, for a Python in `app_dir`."""
    moved = Path(tempfile.mkdtemp(dir=scratch), "python")
    subprocess.run(["cp", "--archive", "--link", tree, moved], check=True)
    before = tree.with_name(f"{tree.name}.from").read_bytes()
    after = f"{app_dir}/.heroku/python".encode()
    changed = {}
    for script in (moved / "bin").iterdir():
        content = script.read_bytes() if script.is_file() and not script.is_symlink() else b""
        if content.startswith(b"#!") and before in content:
            _replace(script, content.replace(before, after))
            changed[f"../../../bin/{script.name}"] = content.replace(before, after)
    for record in moved.glob("lib/python3.*/site-packages/*.dist-info/RECORD"):
        _correct(record, changed)
    return moved


def _correct(record: Path, changed: Mapping[str, bytes]) -> None:
    """Write the hashes of `changed` files into a RECORD that lists some."""
    rows = list(csv.reader(io.StringIO(record.read_text(encoding="utf-8"))))
    if not any(row[0] in changed for row in rows):
        return
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [row[0], _hash(changed[row[0]]), str(len(changed[row[0]]))] if row[0] in changed else row
        for row in rows
    )
    _replace(record, text.getvalue().encode())


def _hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.decode().rstrip('=')}"


def _replace(file: Path, content: bytes) -> None:
    """Write a new file instead of one whose inode is shared."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_bytes(content)
    shutil.copystat(file, fresh)
    fresh.replace(file)
