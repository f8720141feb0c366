"""Installs a lock into a directory, with pip, away from all else that pip could be told here."""

from __future__ import annotations

import compileall
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path
from py_compile import PycInvalidationMode

from slugfit.errors import Explanation, Failure
from slugfit.files import naming_full_disk
from slugfit.trimming import trim

# What pip may know of the environment: how to reach the network, and where things are.
# Variables that earlier buildpacks exported, PIP_TARGET among them, stay out.
_PASSED_ON = (
    *("PATH", "TMPDIR", "LD_LIBRARY_PATH"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PIP_CERT", "PIP_INDEX_URL"),
)
_OPTIONS = (
    *("--no-deps", "--only-binary", ":all:"),
    *("--no-compile", "--no-cache-dir", "--no-input", "--disable-pip-version-check", "--quiet"),
)
_LINES_SHOWN = 5


class NotInstalled(Failure):
    """pip failed. `said` is the end of what it said."""

    id = "boot::dependencies-not-installed"
    kind = "upstream"

    def __init__(self, said: str) -> None:
        self.said = said

    def explain(self) -> Explanation:
        return Explanation(
            summary="Slugfit's own dependencies could not be installed.",
            evidence=(self.said or "pip said nothing.",),
            fixes=("the status of the Python Package Index: https://status.python.org",),
        )


class PipMissing(Failure):
    """This Python carries no pip, and none is installed: Debian's without python3-venv."""

    id = "boot::pip-missing"

    def explain(self) -> Explanation:
        return Explanation(
            summary="This Python has no pip.",
            where=sys.executable,
            why="Slugfit installs its own dependencies with it, into a cache of its own.",
            fixes=(
                "On Debian and Ubuntu:\napt install python3-venv",
                "Or name a Python that has pip:\nSLUGFIT_PYTHON=/path/to/python3 slugfit …",
            ),
        )


def make_work_directory(directory: Path) -> Path:
    """A new directory in `directory`, which is made if it is missing."""
    with naming_full_disk(directory):
        directory.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="new.", dir=directory))


def install(lock: Path, into: Path, environ: Mapping[str, str]) -> None:
    """Fill `into` with what `lock` pins. The directory around it is pip's home, and has its log.

    Raises NotInstalled or PipMissing.
    """
    log = into.parent / "log"
    if not _pip_installs(lock, into, environ, log):
        said = log.read_text(errors="replace").splitlines()
        if said and said[-1].endswith("No module named pip"):
            raise PipMissing
        raise NotInstalled("\n".join(said[-_LINES_SHOWN:]))
    trim(into)
    # Checked by nothing: a cache travels as an archive, and times change on the way.
    unchecked = PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(into, quiet=2, invalidation_mode=unchecked)


def _pip_installs(lock: Path, into: Path, environ: Mapping[str, str], log: Path) -> bool:
    home = into.parent
    argv, env = pip_install(home, environ)
    target = ["--target", str(into), "--requirement", str(lock), "--require-hashes"]
    with naming_full_disk(home), log.open("wb") as said:
        into.mkdir()  # pip makes none when the lock has nothing for this Python
        finished = subprocess.run(  # noqa: S603 (no shell, and every word is ours)
            [*argv, *target],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return finished.returncode == 0


def pip_install(home: Path, environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The words that `pip install` begins with, and its environment; `home` is its own."""
    # pip reads a configuration in HOME. On Heroku CI that is the app's directory.
    env = {"LANG": "C.UTF-8", "HOME": str(home)}
    env |= {name: environ[name] for name in _PASSED_ON if environ.get(name)}
    return [sys.executable, "-I", "-X", "utf8", *_pip(home), "install", *_OPTIONS], env


def _pip(home: Path) -> list[str]:
    """What starts pip: the wheel that every CPython carries (uv and poetry install none).

    Distributions can keep it elsewhere, or have pip only as an installed package.
    """
    carried = Path(sysconfig.get_path("stdlib"), "ensurepip", "_bundled")
    folders = [carried, Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or carried)]
    wheel = next((w for folder in folders for w in sorted(folder.glob("pip-*.whl"))), None)
    if wheel is None:
        return ["-m", "pip"]
    # Unpacked, it starts in half the time, and with bytecode, for the next group, in a quarter.
    if not (home / "pip").exists():
        shutil.unpack_archive(wheel, home, "zip")
    return ["-S", str(home / "pip")]
